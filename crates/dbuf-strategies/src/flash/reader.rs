//! The reader's half: the words of one reader, and what all readers of a strategy share.

use alloc::sync::Arc;
use core::{array, fmt};

use crossbeam_utils::CachePadded;
use dbuf_core::Side;
use dbuf_core::sync::atomic::{AtomicUsize, Ordering};

use crate::registry::{Registration, Registry};
use crate::side_word::{SIDE, decode};
use crate::waker::AtomicWaker;

/// What the readers of a strategy share with its writer.
pub(super) struct Inner {
    pub(super) readers: Registry<Slot>,
    pub(super) waker: AtomicWaker,
    /// For each side, the guards that are in no reader's word.
    pub(super) residue: [CachePadded<AtomicUsize>; 3],
}

/// The words of one reader.
#[derive(Default)]
pub(super) struct Slot {
    /// The side is in the lowest bits, the number of guards on it above.
    pub(super) word: AtomicUsize,
    /// The part of each residue that is this reader's. Its drop subtracts it.
    pub(super) owed: [AtomicUsize; 3],
}

/// One guard, in a slot's word and in a residue.
pub(super) const GUARD: usize = SIDE + 1;
/// The writer sleeps: the lowest bit of a residue.
pub(super) const WAITS: usize = 1;
/// The highest value of a word. Only its reader adds to it.
pub(super) const LIMIT: usize = usize::MAX / 2;

impl Inner {
    pub(super) fn new() -> Self {
        Self {
            readers: Registry::new(()),
            waker: AtomicWaker::new(),
            residue: array::from_fn(|_| CachePadded::new(AtomicUsize::new(0))),
        }
    }

    /// Subtracts guards from a residue. Returns whether they were the last ones of a side for
    /// which the writer waits.
    fn settle(&self, side: Side, guards: usize) -> bool {
        let gone = guards.wrapping_mul(GUARD);
        // ORDERING: Release; partners: `is_free` and the sum in `start_swap` (S3).
        let before = self.residue[side as usize].fetch_sub(gone, Ordering::Release);
        before == gone | WAITS
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// A reader of a [`FlashStrategy`](crate::FlashStrategy).
pub struct FlashReader {
    pub(super) slot: Registration<Slot>,
    pub(super) shared: Arc<Inner>,
}

impl FlashReader {
    /// Ends a guard that is not the only one in the word, or is not in it at all.
    #[cold]
    #[inline(never)]
    pub(super) fn leave(&self, side: Side, mut word: usize) {
        while decode(word) == side {
            // Relaxed: this reader has another guard on the side, else the word would have been
            // what `release` expects. That guard's leave comes later and is Release (S3).
            match self.slot.word.compare_exchange_weak(
                word,
                word - GUARD,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(changed) => word = changed,
            }
        }
        // Relaxed: only this reader's drop, which follows, and `holds` load it.
        self.slot.owed[side as usize].fetch_sub(1, Ordering::Relaxed);
        if self.shared.settle(side, 1) {
            self.shared.wake();
        }
    }
}

impl fmt::Debug for FlashReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlashReader").finish_non_exhaustive()
    }
}

/// Frees the slot, and ends guards that were forgotten.
impl Drop for FlashReader {
    fn drop(&mut self) {
        let mut owed = [0; 3];
        self.shared.readers.free(&mut self.slot, |slot, ()| {
            // Relaxed: flips take the same lock; `settle` releases.
            owed = slot
                .owed
                .each_ref()
                .map(|owed| owed.swap(0, Ordering::Relaxed));
            slot.word.store(0, Ordering::Relaxed);
        });
        let mut wakes = false;
        for side in [Side::A, Side::B, Side::C] {
            let owed = owed[side as usize];
            wakes |= owed > 0 && self.shared.settle(side, owed);
        }
        // Once and last (S7), since there is one waker.
        if wakes {
            self.shared.wake();
        }
    }
}
