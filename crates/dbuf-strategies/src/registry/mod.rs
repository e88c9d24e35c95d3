//! The readers of one strategy: each has a slot on a cache line of its own.
//!
//! # Idea
//!
//! Slots are in chunks that never move, so a reader keeps a plain pointer to its slot. A
//! mutex guards the list of chunks. It is held for finite work only, and never while a swap
//! waits for stragglers.
//!
//! A writer that only loads from the slots does so through a [`View`]: its own dense list of
//! the slots that are taken, which it renews under the lock only when a slot was given out or
//! freed since. So a scan takes no lock, and its cost follows the number of live readers, not
//! the highest number that there ever was.
//!
//! # Invariants
//!
//! - **R1** A slot belongs to at most one [`Registration`].
//! - **R2** A chunk lives as long as the registry's list, a registration or a view names
//!   it, and never moves.
//! - **R3** The lowest free slot is given out first, and a chunk without a taken slot
//!   leaves the list. A slot keeps its words when it changes owner; one of a new chunk
//!   has default ones.
//! - **R4** Each registration sets `changed` under the lock before it returns, and the renewal
//!   of the one view clears it. A writer that loads it as clear has a view of every
//!   registration whose store is earlier in its modification order (design.md 6.9).

mod chunk;
#[cfg(all(test, not(dbuf_loom)))]
mod tests;
#[cfg(feature = "epoch")]
mod view;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ptr::NonNull;

use dbuf_core::const_fn;
use dbuf_core::sync::atomic::{AtomicBool, Ordering};

use self::chunk::{CHUNK, Chunk, Entry, FULL};
use crate::sync::Mutex;

pub(crate) use self::chunk::{Registration, SlotRef};
#[cfg(feature = "epoch")]
pub(crate) use self::view::View;

pub(crate) struct Registry<S, T = ()> {
    list: Mutex<List<S, T>>,
    /// The view is out of date (R4).
    changed: AtomicBool,
}

struct List<S, T> {
    /// The last chunk has a slot that is taken.
    chunks: Vec<Entry<S>>,
    /// No chunk below this one has a free slot.
    lowest: usize,
    /// What the strategy keeps about slots that are not taken.
    rest: T,
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

    /// Gives out a slot, after `init` has run under the lock. The slot has the words of its
    /// last owner, or default ones.
    pub(crate) fn register(&self, init: impl FnOnce(&S, &mut T)) -> Registration<S> {
        let mut list = self.list.lock();
        let registration = list.register();
        init(&registration, &mut list.rest);
        // Relaxed: E2 of the reader and W2 of the writer decide who sees it (R4).
        self.changed.store(true, Ordering::Relaxed);
        registration
    }

    /// Frees a slot, after `reset` has run under the lock. `reset` makes the words those of a
    /// reader without guards.
    pub(crate) fn free(&self, registration: &mut Registration<S>, reset: impl FnOnce(&S, &mut T)) {
        let mut list = self.list.lock();
        reset(registration, &mut list.rest);
        list.free(registration.number);
        // Relaxed: a view with one slot too many is correct, only slower.
        self.changed.store(true, Ordering::Relaxed);
    }

    /// Calls `first`, and then `f` with every slot that is taken, under the lock.
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
    /// Returns whether a slot was given out or freed since the last renewal.
    #[inline]
    pub(crate) fn has_changed(&self) -> bool {
        // Relaxed: W2, a fence or barrier, precedes the load that decides (R4). The renewal
        // takes the lock, as every store does.
        self.changed.load(Ordering::Relaxed)
    }

    /// Fills `view` with all slots that are taken, and calls `then` with their number, both
    /// under the lock. If that unwinds, the registry still counts as changed.
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
        // Relaxed: under the lock, as every store to it.
        self.changed.store(false, Ordering::Relaxed);
    }
}

impl<S: Default, T> List<S, T> {
    fn register(&mut self) -> Registration<S> {
        let has_room = |entry: &Entry<S>| entry.taken != FULL;
        let index = self.chunks[self.lowest..].iter().position(has_room);
        let index = index.map_or(self.chunks.len(), |index| self.lowest + index);
        if index == self.chunks.len() {
            self.chunks.push(Entry {
                chunk: None,
                taken: 0,
            });
        }
        // If the allocation below fails, the new entry is a chunk without a taken slot.
        self.lowest = index;
        let entry = &mut self.chunks[index];
        let chunk = entry.chunk.get_or_insert_with(|| Arc::new(Chunk::new()));
        let bit = entry.taken.trailing_ones() as usize;
        entry.taken |= 1 << bit;
        Registration {
            slot: SlotRef {
                slot: NonNull::from(&*chunk.slots[bit]),
                _chunk: Arc::clone(chunk),
            },
            number: index * CHUNK + bit,
        }
    }
}

impl<S, T> List<S, T> {
    fn free(&mut self, number: usize) {
        let index = number / CHUNK;
        let entry = &mut self.chunks[index];
        entry.taken &= !(1 << (number % CHUNK));
        if entry.taken == 0 {
            entry.chunk = None;
        }
        self.lowest = self.lowest.min(index);
        while self.chunks.last().is_some_and(|entry| entry.taken == 0) {
            self.chunks.pop();
        }
        self.lowest = self.lowest.min(self.chunks.len());
        if self.chunks.capacity() > 4 * self.chunks.len().max(CHUNK) {
            self.chunks.shrink_to(2 * self.chunks.len());
        }
    }
}
