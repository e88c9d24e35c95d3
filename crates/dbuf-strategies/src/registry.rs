//! The readers of one strategy: a slot each, on a cache line of its own.
//!
//! # Idea
//!
//! Slots are in chunks that never move, so that a reader keeps a plain pointer to its
//! own. A mutex guards the list of chunks. It is held for finite work only, and never
//! while a swap waits for stragglers.
//!
//! A writer that only reads the slots does so through a [`View`]: a dense list of the
//! slots that are taken, its own, and renewed under the lock only when a slot was given
//! out or given back since. So a scan takes no lock, and its cost follows the number of
//! live readers and not the highest number that there ever was.
//!
//! # Invariants
//!
//! - **R1** A slot belongs to at most one [`Registration`].
//! - **R2** A chunk lives as long as the registry's list, a registration or a view names
//!   it, and never moves.
//! - **R3** The lowest free slot is given out first, and a chunk without a taken slot
//!   leaves the list. A slot keeps its words when it changes owner; one of a new chunk
//!   has default ones.
//! - **R4** `changed` is set, under the lock, by each registration before it returns, and
//!   cleared by the renewal of the one view. So whoever reads it as clear either has a
//!   view of every registration, or the registration's store comes later in its
//!   modification order: see `docs/design.md`, 6.9.

use alloc::sync::Arc;
use alloc::vec::Vec;

use core::array;
use core::ops::Deref;
use core::ptr::NonNull;

use crossbeam_utils::CachePadded;

use dbuf_core::const_fn;
use dbuf_core::sync::atomic::{AtomicBool, Ordering};

use crate::sync::Mutex;

/// Slots in a chunk, at most 8. With its counts 1,152 bytes: what one reader of one buffer costs, and all
/// that the last reader of a crowd keeps.
const CHUNK: usize = if cfg!(dbuf_loom) { 2 } else { 8 };

/// All slots of a chunk, a bit each.
const FULL: u8 = u8::MAX >> (8 - CHUNK);

pub(crate) struct Registry<S, T = ()> {
    list: Mutex<List<S, T>>,
    /// Whether the view has to be renewed (R4).
    changed: AtomicBool,
}

struct List<S, T> {
    /// By slot number; the last has a slot that is taken.
    chunks: Vec<Entry<S>>,
    /// No chunk below this one has a free slot.
    lowest: usize,
    /// What the strategy keeps of slots that are not taken.
    rest: T,
}

struct Entry<S> {
    /// None where no slot is taken.
    chunk: Option<Arc<Chunk<S>>>,
    /// Which slots are taken, a bit each.
    taken: u8,
}

struct Chunk<S> {
    slots: [CachePadded<S>; CHUNK],
}

/// A slot, whichever reader it belongs to by now.
pub(crate) struct SlotRef<S> {
    slot: NonNull<S>,
    _chunk: Arc<Chunk<S>>,
}

// SAFETY: it is a reference into a shared chunk and an owner of that chunk, of which the
// last drops the slots.
unsafe impl<S: Send + Sync> Send for SlotRef<S> {}
// SAFETY: as for `Send`.
unsafe impl<S: Send + Sync> Sync for SlotRef<S> {}

impl<S> Deref for SlotRef<S> {
    type Target = S;

    #[inline]
    fn deref(&self) -> &S {
        // SAFETY: it points into `_chunk`, which is kept here (R2).
        unsafe { self.slot.as_ref() }
    }
}

/// One reader's slot. Its drop does not give it back: see [`Registry::free`].
pub(crate) struct Registration<S> {
    slot: SlotRef<S>,
    number: usize,
}

impl<S> Deref for Registration<S> {
    type Target = S;

    #[inline]
    fn deref(&self) -> &S {
        &self.slot
    }
}

/// The slots that were taken when it was renewed, in order. At most one for a registry.
#[cfg(feature = "epoch")]
pub(crate) struct View<S> {
    /// Each points into one of `chunks`.
    slots: Vec<NonNull<S>>,
    chunks: Vec<Arc<Chunk<S>>>,
}

// SAFETY: it is references into shared chunks and owners of those chunks, of which the last
// drops the slots.
#[cfg(feature = "epoch")]
unsafe impl<S: Send + Sync> Send for View<S> {}
// SAFETY: as for `Send`.
#[cfg(feature = "epoch")]
unsafe impl<S: Send + Sync> Sync for View<S> {}

#[cfg(feature = "epoch")]
impl<S> View<S> {
    pub(crate) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            chunks: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &S> {
        self.slots.iter().map(|slot| {
            // SAFETY: it points into one of `chunks`, which are kept here (R2).
            unsafe { slot.as_ref() }
        })
    }

    /// The slot at an index of [`iter`](Self::iter), for longer than until the next renewal.
    pub(crate) fn keep(&self, index: usize) -> SlotRef<S> {
        let slot = self.slots[index];
        let is_in = |chunk: &&Arc<Chunk<S>>| {
            let slots = chunk.slots.as_ptr_range();
            slots.contains(&slot.as_ptr().cast_const().cast())
        };
        let chunk = self.chunks.iter().find(is_in);
        let Some(chunk) = chunk.map(Arc::clone) else {
            unreachable!("a view keeps the chunks of its slots (R2)");
        };
        SlotRef {
            slot,
            _chunk: chunk,
        }
    }

    /// The slot at an index of [`iter`](Self::iter), until the next renewal.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> &S {
        // SAFETY: as in `iter`.
        unsafe { self.slots[index].as_ref() }
    }
}

impl<S: Default, T> Registry<S, T> {
    const_fn! {
        pub(crate) const fn new(rest: T) -> Self {
            Self {
                list: Mutex::new(List {
                    chunks: Vec::new(),
                    lowest: 0,
                    rest,
                }),
                changed: AtomicBool::new(false),
            }
        }
    }

    /// Gives out a slot. It has the words that its last owner left, or default
    /// ones; `init` sees them under the lock.
    pub(crate) fn register(&self, init: impl FnOnce(&S, &mut T)) -> Registration<S> {
        let mut list = self.list.lock();
        let registration = list.register();
        init(&registration, &mut list.rest);
        // Relaxed: the fences of a read and of a swap decide who sees it (R4).
        self.changed.store(true, Ordering::Relaxed);
        registration
    }

    /// Takes a slot back. `reset` leaves words, under the lock, that read as those
    /// of a reader that left.
    pub(crate) fn free(&self, registration: &mut Registration<S>, reset: impl FnOnce(&S, &mut T)) {
        let mut list = self.list.lock();
        reset(registration, &mut list.rest);
        list.free(registration.number);
        // Relaxed: a view with a slot too many is as right, and dearer.
        self.changed.store(true, Ordering::Relaxed);
    }

    /// Under the lock, calls `first` and then `f` with every slot that is taken.
    #[cfg(feature = "flash")]
    #[inline]
    pub(crate) fn for_each(&self, first: impl FnOnce(), mut f: impl FnMut(&S)) {
        let list = self.list.lock();
        first();
        for entry in &list.chunks {
            entry.for_each_taken(&mut f);
        }
    }
}

#[cfg(feature = "epoch")]
impl<S, T> Registry<S, T> {
    /// Whether a slot was given out or given back since the last renewal.
    #[inline]
    pub(crate) fn has_changed(&self) -> bool {
        // Relaxed: the caller's fence, or barrier, comes before (R4); the renewal takes
        // the lock, and so does every store of it.
        self.changed.load(Ordering::Relaxed)
    }

    /// Makes `view` one of all slots that are taken, and calls `then` with their number,
    /// both under the lock. If that unwinds, the registry still counts as changed.
    #[cold]
    #[inline(never)]
    pub(crate) fn renew(&self, view: &mut View<S>, then: impl FnOnce(usize, &T)) {
        view.slots.clear();
        view.chunks.clear();
        let list = self.list.lock();
        view.chunks
            .extend(list.chunks.iter().filter_map(|entry| entry.chunk.clone()));
        view.slots.shrink_to(view.chunks.len() * CHUNK);
        for entry in &list.chunks {
            entry.for_each_taken(|slot| view.slots.push(NonNull::from(slot)));
        }
        then(view.slots.len(), &list.rest);
        // Relaxed: under the lock, as every store of it.
        self.changed.store(false, Ordering::Relaxed);
    }
}

impl<S: Default, T> List<S, T> {
    fn register(&mut self) -> Registration<S> {
        let has_room = |entry: &Entry<S>| entry.taken != FULL;
        let at = self.chunks[self.lowest..].iter().position(has_room);
        let at = at.map_or(self.chunks.len(), |at| self.lowest + at);
        if at == self.chunks.len() {
            self.chunks.push(Entry {
                chunk: None,
                taken: 0,
            });
        }
        // Where memory runs out, the new entry is a chunk without a taken slot.
        self.lowest = at;
        let entry = &mut self.chunks[at];
        let chunk = entry.chunk.get_or_insert_with(|| Arc::new(Chunk::new()));
        let bit = entry.taken.trailing_ones() as usize;
        entry.taken |= 1 << bit;
        Registration {
            slot: SlotRef {
                slot: NonNull::from(&*chunk.slots[bit]),
                _chunk: Arc::clone(chunk),
            },
            number: at * CHUNK + bit,
        }
    }
}

impl<S, T> List<S, T> {
    fn free(&mut self, number: usize) {
        let at = number / CHUNK;
        let entry = &mut self.chunks[at];
        entry.taken &= !(1 << (number % CHUNK));
        if entry.taken == 0 {
            entry.chunk = None;
        }
        self.lowest = self.lowest.min(at);
        while self.chunks.last().is_some_and(|entry| entry.taken == 0) {
            self.chunks.pop();
        }
        self.lowest = self.lowest.min(self.chunks.len());
        if self.chunks.capacity() > 4 * self.chunks.len().max(CHUNK) {
            self.chunks.shrink_to(2 * self.chunks.len());
        }
    }
}

impl<S> Entry<S> {
    /// Calls `f` with every slot that is taken.
    #[inline]
    fn for_each_taken<'a>(&'a self, mut f: impl FnMut(&'a S)) {
        let Some(chunk) = &self.chunk else {
            return;
        };
        let mut taken = self.taken;
        while taken > 0 {
            f(&chunk.slots[taken.trailing_zeros() as usize]);
            // Without its lowest bit.
            taken &= taken - 1;
        }
    }
}

impl<S: Default> Chunk<S> {
    fn new() -> Self {
        Self {
            slots: array::from_fn(|_| CachePadded::default()),
        }
    }
}

#[cfg(all(test, not(dbuf_loom)))]
mod tests {
    use super::*;

    #[test]
    fn lowest_free_slot_is_given_out_first() {
        let registry = Registry::<u8>::new(());
        let mut taken: Vec<_> = (0..3 * CHUNK)
            .map(|_| registry.register(|_, ()| {}))
            .collect();
        for number in [CHUNK + 1, 3, 2 * CHUNK] {
            registry.free(&mut taken[number], |_, ()| {});
        }
        let next = || registry.register(|_, ()| {}).number;
        assert_eq!(
            [next(), next(), next(), next()],
            [3, CHUNK + 1, 2 * CHUNK, 3 * CHUNK]
        );
    }

    #[test]
    fn chunks_without_a_reader_leave_the_list() {
        let registry = Registry::<u8>::new(());
        let mut taken: Vec<_> = (0..100 * CHUNK)
            .map(|_| registry.register(|_, ()| {}))
            .collect();
        let (last, others) = taken.split_last_mut().unwrap();
        for registration in others {
            registry.free(registration, |_, ()| {});
        }
        let kept = || {
            let list = registry.list.lock();
            list.chunks
                .iter()
                .filter(|entry| entry.chunk.is_some())
                .count()
        };
        assert_eq!(kept(), 1);
        registry.free(last, |_, ()| {});
        assert_eq!(kept(), 0);
        assert!(registry.list.lock().chunks.capacity() < 100);
    }

    #[test]
    #[cfg(feature = "flash")]
    fn taken_slots_alone_are_visited() {
        let registry = Registry::<u8>::new(());
        let mut taken: Vec<_> = (0..50 * CHUNK)
            .map(|_| registry.register(|_, ()| {}))
            .collect();
        for number in (0..50 * CHUNK).filter(|number| number % 7 > 0) {
            registry.free(&mut taken[number], |_, ()| {});
        }
        let mut left = taken
            .iter()
            .step_by(7)
            .map(|slot| core::ptr::from_ref(&**slot));
        registry.for_each(
            || {},
            |slot| assert_eq!(left.next(), Some(core::ptr::from_ref(slot))),
        );
        assert_eq!(left.next(), None);
    }

    #[test]
    #[cfg(feature = "epoch")]
    fn view_has_the_slots_that_are_taken() {
        let registry = Registry::<u8>::new(());
        let mut view = View::new();
        assert!(!registry.has_changed());
        let mut taken: Vec<_> = (0..3 * CHUNK)
            .map(|_| registry.register(|_, ()| {}))
            .collect();
        for number in 0..2 * CHUNK + 1 {
            assert!(registry.has_changed(), "{number}");
            registry.renew(&mut view, |_, ()| {});
            assert!(!registry.has_changed());
            assert!(view.iter().eq(taken[number..].iter().map(|taken| &**taken)));
            assert_eq!(view.iter().count(), taken.len() - number);
            registry.free(&mut taken[number], |_, ()| {});
        }
    }
}
