//! The readers of one strategy: a slot each, on a cache line of its own.
//!
//! # Idea
//!
//! Slots stand in chunks that never move, so that a reader keeps a plain pointer
//! to its own and the writer walks dense arrays. A mutex guards the list and is
//! held for finite work only: while a swap waits for stragglers it is free.
//!
//! # Invariants
//!
//! - **R1** A slot belongs to at most one [`Registration`].
//! - **R2** A chunk lives as long as the registry's list, a registration or a
//!   snapshot names it, and never moves.
//! - **R3** Slots below `used` have been given out; `used` only shrinks over
//!   slots that are free. A slot keeps its words when it changes owner.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use core::ops::Deref;
use core::ptr::NonNull;

use crossbeam_utils::CachePadded;

use dbuf_core::const_fn;

use crate::primitive::Mutex;

/// The first chunk. Each further one doubles what there is.
const FIRST: usize = if cfg!(dbuf_loom) { 2 } else { 8 };

pub(crate) struct Registry<S> {
    list: Mutex<List<S>>,
}

struct List<S> {
    chunks: Vec<Arc<Chunk<S>>>,
    /// Which slots are taken; its length is `used`.
    taken: Vec<bool>,
    /// Free slots below `used`, and stale entries above it.
    free: Vec<usize>,
}

struct Chunk<S> {
    slots: Box<[CachePadded<S>]>,
    /// The number of the first slot.
    start: usize,
}

/// A slot that a snapshot names. It outlives its owner.
pub(crate) struct SlotRef<S> {
    chunk: Arc<Chunk<S>>,
    at: usize,
}

impl<S> Deref for SlotRef<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.chunk.slots[self.at]
    }
}

/// One reader's slot. Not given back by its drop: see [`Registry::free`].
pub(crate) struct Registration<S> {
    slot: NonNull<S>,
    number: usize,
    _chunk: Arc<Chunk<S>>,
}

// SAFETY: it is a reference into a shared chunk and an owner of that chunk.
unsafe impl<S: Sync> Send for Registration<S> {}
// SAFETY: as above.
unsafe impl<S: Sync> Sync for Registration<S> {}

impl<S> Deref for Registration<S> {
    type Target = S;

    #[inline]
    fn deref(&self) -> &S {
        // SAFETY: it points into `_chunk`, which is kept here (R2).
        unsafe { self.slot.as_ref() }
    }
}

impl<S: Default> Registry<S> {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self {
                list: Mutex::new(List {
                    chunks: Vec::new(),
                    taken: Vec::new(),
                    free: Vec::new(),
                }),
            }
        }
    }

    /// Gives out a slot. It has the words that its last owner left, or default
    /// ones; `init` sees them under the lock.
    pub(crate) fn register(&self, init: impl FnOnce(&S)) -> Registration<S> {
        let mut list = self.list.lock();
        let registration = list.register();
        init(&registration);
        registration
    }

    /// Takes a slot back. `reset` leaves words, under the lock, that read as those
    /// of a reader that left.
    pub(crate) fn free(&self, registration: &mut Registration<S>, reset: impl FnOnce(&S)) {
        let mut list = self.list.lock();
        reset(registration);
        list.free(registration.number);
    }

    /// Under the lock, calls `first` and then `f` with every slot that is given
    /// out, and perhaps with free ones.
    #[inline]
    pub(crate) fn for_each(
        &self,
        first: impl FnOnce(),
        mut f: impl FnMut(&S, &mut dyn FnMut() -> SlotRef<S>),
    ) {
        let list = self.list.lock();
        first();
        let mut left = list.taken.len();
        for chunk in &list.chunks {
            if left == 0 {
                break;
            }
            let used = left.min(chunk.slots.len());
            for (at, slot) in chunk.slots[..used].iter().enumerate() {
                f(slot, &mut || SlotRef {
                    chunk: Arc::clone(chunk),
                    at,
                });
            }
            left -= used;
        }
    }
}

impl<S: Default> List<S> {
    fn register(&mut self) -> Registration<S> {
        let number = loop {
            match self.free.pop() {
                Some(number) if number < self.taken.len() && !self.taken[number] => break number,
                Some(_) => {}
                None => {
                    self.taken.push(false);
                    break self.taken.len() - 1;
                }
            }
        };
        let capacity = self.chunks.last().map_or(0, |chunk| chunk.end());
        if number == capacity {
            self.chunks.push(Arc::new(Chunk {
                slots: (0..capacity.max(FIRST))
                    .map(|_| CachePadded::default())
                    .collect(),
                start: capacity,
            }));
        }
        self.taken[number] = true;
        let chunk = self.chunk_of(number);
        Registration {
            slot: NonNull::from(&*chunk.slots[number - chunk.start]),
            number,
            _chunk: Arc::clone(chunk),
        }
    }

    fn chunk_of(&self, number: usize) -> &Arc<Chunk<S>> {
        let at = self.chunks.partition_point(|chunk| chunk.end() <= number);
        &self.chunks[at]
    }

    fn free(&mut self, number: usize) {
        self.taken[number] = false;
        self.free.push(number);
        // Hand back what only free slots make necessary.
        while self.taken.last() == Some(&false) {
            self.taken.pop();
        }
        let used = self.taken.len();
        while self
            .chunks
            .last()
            .is_some_and(|chunk| chunk.start >= used && chunk.start > 0)
        {
            self.chunks.pop();
        }
        if self.free.len() > 2 * FIRST && self.free.len() > 2 * used {
            let taken = &self.taken;
            self.free.retain(|&number| number < used && !taken[number]);
            self.free.shrink_to(2 * FIRST);
        }
    }
}

impl<S> Chunk<S> {
    fn end(&self) -> usize {
        self.start + self.slots.len()
    }
}
