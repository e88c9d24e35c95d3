//! The words of one reader, and what all readers of a strategy share.

use crossbeam_utils::CachePadded;
use dbuf_core::Side;
use dbuf_core::sync::atomic::{AtomicUsize, Ordering};

use super::note::Note;
use super::word::{AtomicEpoch, Epoch};
use crate::registry::Registry;
use crate::waker::AtomicWaker;

/// The words of one reader, on one cache line: a leave stores one and loads another.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// Odd while the reader has guards. It never decreases.
    pub(super) epoch: AtomicEpoch,
    /// The last odd epoch for which the writer asked for a wake, or 0.
    pub(super) asked: AtomicEpoch,
    /// A bit for each side for which the writer asked and the reader has not woken yet.
    pub(super) asked_sides: AtomicUsize,
    /// The sides on which the reader has guards (a [`Note`]).
    pub(super) note: AtomicEpoch,
}

impl Slot {
    /// P1: asks the reader to wake the writer when it has no guard on one of these sides.
    pub(super) fn request_wake(&self, epoch: Epoch, sides: usize) {
        // Relaxed, both: P2 in `poll_finish` and L2 in `order_leave` decide who sees them.
        self.asked_sides.store(sides, Ordering::Relaxed);
        self.asked.store(epoch, Ordering::Relaxed);
    }

    /// Returns whether a straggler has left: a scan that loaded `epoch` here found that the
    /// reader may have a guard on `side`, and it has none there any more.
    pub(super) fn has_left(&self, side: Side, epoch: Epoch) -> bool {
        // ORDERING: Acquire; partners: the stores to the epoch in `enter`, `leave_all` and the
        // drop of an `EpochReader`. S3: the reads under the guards that are gone happen-before
        // the finish.
        self.epoch.load(Ordering::Acquire) != epoch || !self.may_hold(side, epoch)
    }

    /// Returns whether the reader may have a guard on `side` in this epoch.
    pub(super) fn may_hold(&self, side: Side, epoch: Epoch) -> bool {
        // ORDERING: Acquire; partner: the store in `EpochReader::note` (S3).
        Note(self.note.load(Ordering::Acquire)).may_hold(side, epoch)
    }
}

/// What the readers of a strategy share with its writer.
pub(super) struct Inner {
    /// The slots, and the sum of the epochs of all that are not taken.
    pub(super) readers: Registry<Slot, Epoch>,
    /// On a cache line of its own, away from the counts of the `Arc`.
    pub(super) waker: CachePadded<AtomicWaker>,
}

impl Inner {
    pub(super) fn new() -> Self {
        Self {
            readers: Registry::new(0),
            waker: CachePadded::new(AtomicWaker::new()),
        }
    }

    /// Wakes the writer, if it is registered and no other reader is waking it.
    #[cold]
    #[inline(never)]
    pub(super) fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
