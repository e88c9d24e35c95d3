//! The writer's half: it starts a swap, checks for stragglers and asks them for a wake.

use core::ptr;
use std::time::Instant;

use dbuf_core::Side;
use dbuf_core::sync::atomic::{Ordering, fence};

use super::EpochStrategy;
use super::fence::{Fence, barrier, fence_cost, is_available};
use super::slot::Inner;
use super::state::{EpochWriter, Start, Straggler, WriterState};
use super::word::Word;

impl EpochStrategy {
    /// Returns whether readers rely on barriers when they leave, and may when they enter.
    pub(super) fn has_barrier(&self) -> bool {
        // Relaxed: stored under the claim, which the caller holds.
        !self.front.load(Ordering::Relaxed).has_leave_fences()
    }

    /// Takes the fences off the readers, if the process has a barrier. The caller holds the
    /// claim. Only the first claim changes the word, so no swap was started yet.
    pub(super) fn adopt_barrier(&self) {
        // Relaxed: stored under the claim, which the caller holds.
        let word = self.front.load(Ordering::Relaxed);
        if word.has_leave_fences() && self.forced != Some(Fence::Symmetric) && is_available() {
            // ORDERING: Release; partners: the loads in `EpochReader::enter` and `load_front`
            // (S4: a reader that loads the front from this store sees what was written to
            // that side before). UNMODELLED: loom has no barrier.
            self.front.store(word.without_fences(), Ordering::Release);
        }
    }

    /// Starts a swap: W1 to W3.
    #[inline]
    pub(super) fn start(&self, writer: &mut WriterState) {
        let shared = &**self.shared();
        // What can fail comes first, when nothing has changed yet.
        if shared.readers.has_changed() {
            writer.renew(shared);
        }
        // Relaxed: stored under the claim.
        let before = self.front.load(Ordering::Relaxed);
        let fenced = before.is_fenced();
        if self.forced.is_some() || before.has_leave_fences() {
            self.flip(writer, before, fenced);
            Self::order_swap(fenced);
            self.scan(shared, writer);
        } else if fenced && !writer.policy.wants_probe() {
            self.flip(writer, before, self.wants_fences(writer));
            Self::order_swap(fenced);
            let reads = self.scan(shared, writer);
            writer.policy.record_fenced(reads, fence_cost());
        } else {
            self.start_timed(shared, writer, before);
        }
    }

    /// Starts a swap as `start` does, and times a barrier.
    #[cold]
    #[inline(never)]
    fn start_timed(&self, shared: &Inner, writer: &mut WriterState, before: Word) {
        let fenced = before.is_fenced();
        let began = Instant::now();
        self.flip(writer, before, self.wants_fences(writer));
        Self::order_swap(fenced);
        if fenced {
            // A probe, which this swap does not need.
            barrier();
        }
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let cost = nanos.saturating_mul(1_000);
        let reads = self.scan(shared, writer);
        if fenced {
            writer.policy.record_probe(cost);
            writer.policy.record_fenced(reads, fence_cost());
        } else {
            writer.policy.record_unfenced(cost, reads, fence_cost());
        }
    }

    /// Returns whether readers fence after this publish.
    fn wants_fences(&self, writer: &WriterState) -> bool {
        #[cfg(test)]
        if let Some(scripted) = super::tests::scripted(self) {
            return scripted;
        }
        writer.policy.wants_fences()
    }

    /// W1. Until `scan` returns, nothing is known of the old side.
    #[inline]
    pub(super) fn flip(&self, writer: &mut WriterState, before: Word, fences: bool) {
        let front = self.claim.back();
        self.claim.start_swap(before.side());
        writer.start = Start::Flipped {
            fenced: before.is_fenced(),
        };
        // ORDERING: W1: Release, partners: the loads in `EpochReader::enter` and `load_front`
        // (S4).
        self.front
            .store(before.next(front, fences), Ordering::Release);
    }

    /// W2, partner: E2 in `EpochReader::enter` and `load_front` (S2). `fenced` is the mode
    /// *before* W1, by which readers entered the old side (design.md 6.12).
    #[inline]
    fn order_swap(fenced: bool) {
        if fenced {
            // ORDERING: W2, partner: the fence of E2 in `EpochReader::enter` and `load_front`.
            fence(Ordering::SeqCst);
        } else {
            barrier();
        }
    }

    /// W3, which completes the start. Returns the number of reads since the last scan.
    #[allow(clippy::unnecessary_cast, reason = "an epoch may have fewer bits")]
    #[inline]
    pub(super) fn scan(&self, shared: &Inner, writer: &mut WriterState) -> u64 {
        // A reader that registered before this load is in the view after it; one that
        // registers later sees the new front (R4).
        if shared.readers.has_changed() {
            writer.renew(shared);
        }
        // From here on nothing unwinds: `waiting` has room for the whole view.
        let old = self.claim.back();
        let mut epochs = writer.retired;
        for (index, slot) in writer.view.iter().enumerate() {
            // ORDERING: Acquire; partners: the stores to the epoch in `enter`, `leave_all` and
            // the drop of an `EpochReader`. S3, for guards that are already gone.
            let epoch = slot.epoch.load(Ordering::Acquire);
            epochs = epochs.wrapping_add(epoch);
            if epoch % 2 == 1 && slot.may_hold(old, epoch) {
                writer.waiting.push(Straggler {
                    index,
                    epoch,
                    asked: false,
                });
            }
        }
        let reads = epochs.wrapping_sub(writer.epochs) / 2;
        writer.epochs = epochs;
        writer.start = Start::Scanned;
        self.claim.set_finished(writer.waiting.is_empty());
        reads as u64
    }

    /// Does W2 and W3 for a swap whose start unwound after W1. It relies on no barrier or part
    /// of a scan that was made before (design.md 6.10).
    #[cold]
    #[inline(never)]
    pub(super) fn complete_start(&self, writer: &mut WriterState, fenced: bool) {
        Self::order_swap(fenced);
        self.scan(self.shared(), writer);
    }

    /// Removes the readers that have left from the waiting set, and sets the latch if it is
    /// empty. Returns whether the swap is finished.
    pub(super) fn poll_waiting(&self, token: &mut EpochWriter) -> bool {
        if self.claim.is_finished() {
            return true;
        }
        self.writer.with_mut(token, |writer| {
            if let Start::Flipped { fenced } = writer.start {
                self.complete_start(writer, fenced);
            }
            let old = self.claim.back();
            let WriterState { view, waiting, .. } = writer;
            waiting.retain(|straggler| !straggler.has_left(view, old));
            if !waiting.is_empty() {
                self.mark_stragglers();
            }
            self.claim.set_finished(waiting.is_empty())
        })
    }

    /// Removes the readers that have left from the spare side's waiting set, and sets its latch
    /// if it is empty. Returns whether the side is free.
    pub(super) fn poll_aside(&self, token: &mut EpochWriter) -> bool {
        if self.claim.is_spare_free() {
            return true;
        }
        let spare = self.claim.spare();
        self.writer.with_mut(token, |writer| {
            writer
                .aside
                .retain(|aside| !aside.slot.has_left(spare, aside.epoch));
            self.claim.set_spare_free(writer.aside.is_empty())
        })
    }

    /// Makes the guards that the swap waits for on the *new* side not current, so that their
    /// next refresh releases them (design.md 6.17). It changes the word once for each swap.
    #[inline]
    pub(super) fn mark_stragglers(&self) {
        // Relaxed: stored under the claim.
        let word = self.front.load(Ordering::Relaxed);
        if !word.has_stragglers() {
            // ORDERING: Release; partners: the loads in `EpochReader::enter` and `load_front`
            // (S4). UNMODELLED: loom has the fenced mode only, where the fence of W2, which
            // precedes this store, is enough.
            self.front.store(word.with_stragglers(), Ordering::Release);
        }
    }

    /// P1: asks the last straggler of each waiting set for a wake, unless it was asked before.
    /// Returns whether it asked any.
    pub(super) fn request_wake(&self, token: &mut EpochWriter) -> bool {
        self.writer.with_mut(token, |writer| {
            let WriterState {
                view,
                waiting,
                aside,
                ..
            } = writer;
            let (old, spare) = (self.claim.back(), self.claim.spare());
            // One reader may be in both sets, and is then asked about both sides.
            let bit = |side: Side, is_in: bool| usize::from(is_in) << side as usize;
            let mut any = false;
            if let Some(last) = waiting.last_mut().filter(|last| !last.asked) {
                last.asked = true;
                any = true;
                let slot = view.get(last.index);
                let both = aside.iter().any(|aside| ptr::eq(&*aside.slot, slot));
                slot.request_wake(last.epoch, bit(old, true) | bit(spare, both));
            }
            if let Some(last) = aside.last_mut().filter(|last| !last.asked) {
                last.asked = true;
                any = true;
                let slot = &*last.slot;
                let both = waiting
                    .iter()
                    .any(|waiting| ptr::eq(view.get(waiting.index), slot));
                slot.request_wake(last.epoch, bit(spare, true) | bit(old, both));
            }
            any
        })
    }
}
