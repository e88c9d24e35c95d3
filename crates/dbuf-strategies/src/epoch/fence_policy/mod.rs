//! Chooses which threads fence next: the writer for all, by a barrier, or each reader for itself.
//!
//! # Idea
//!
//! A publish in asymmetric mode costs a barrier. One in symmetric mode costs a fence for each
//! read since the publish before. Both costs are known: barriers are timed as they are issued, a
//! fence is timed once per process, and the epochs, which the scan loads anyway, count the reads.
//! So with each publish the policy adds up how much more the mode in use has cost than the other
//! would have, its *regret*, and switches when the regret exceeds a threshold. This is the
//! ski-rental problem: rent until the rent has cost as much as the skis.
//!
//! # The rule
//!
//! `own` and `other` are the costs of one publish in the mode in use and in the other one.
//!
//! - regret := max(0, regret + own − 1.25 × other)
//! - If the regret exceeds the threshold, the other mode is next, and the regret starts at 0.
//!
//! The regret never falls below 0, so it forgets the past: a mode that was right for hours is
//! left as fast as any other.
//!
//! # The bound
//!
//! Take a phase in which readers fence and the unfenced one that follows. Let L be the regret
//! at which the first ended, which is the threshold of the second (*the way back*, below).
//!
//! - Fenced: the fences cost at least L, and at most L + 1.25 × the barriers saved.
//! - Unfenced: the barriers cost at least L, and at most L + 1.25 × the fences saved, and one
//!   barrier.
//!
//! Both together cost at most twice what either fixed mode would have cost, and one barrier. So
//! does the whole, apart from the phase that has not ended yet, as long as a mean describes what
//! a barrier costs and no pause between two publishes exceeds [`MAX_RETURN_THRESHOLD`]: what
//! fences cost in a pause is known only when it is over. `costs_at_most_twice_the_better_mode`
//! tests it.
//!
//! # Constants
//!
//! | | value | why |
//! |---|---|---|
//! | [`HYSTERESIS`] | 1.25 | where both modes cost the same, the noise of either switches nothing. A larger factor would keep a mode that is dearer by it |
//! | [`SWITCH_THRESHOLD`] | 8 barriers | a few publishes in a row change nothing; at half the cost of the other mode, eight times less than the mean must come eight times in a row to leave the right mode. A lower one reacts sooner, a higher one costs more with each change of the load |
//! | [`MAX_RETURN_THRESHOLD`] | 1,024 barriers | see below |
//! | [`BARRIER_WEIGHT`], [`PROBE_WEIGHT`] | 1/16, 1/4 | barriers of one load differ by ten times (0.15 µs while the other thread sleeps, 60 µs beside it), so the mean is over sixteen; a probe is rare, and counts for more |
//! | [`PROBE_INTERVAL`] | 64 barriers | while readers fence, a barrier is issued and timed when the fences have cost 64 of them: at most 1/64 is spent on it, and the policy notices a machine that became quiet |
//! | [`MAX_BARRIER`] | 250 µs | 57 to 73 µs is usual beside busy threads of a virtual machine; a thread that took longer was descheduled, and another one used that time |
//!
//! *The way back.* A writer that publishes a hundred times at each tick of a timer makes the
//! readers fence within the first eight, and then they read, and fence, until the next tick. By
//! then the fences of one pause may have cost more than all barriers of the burst. So the regret
//! at which readers stopped fencing is the threshold for the way back: before they fence again,
//! barriers must have cost what the last mistake has. It is at most [`MAX_RETURN_THRESHOLD`], so
//! that a night without a publish does not slow a writer down all day.
//!
//! # Costs
//!
//! In picoseconds, since a fence takes a few nanoseconds. Callers pass the time: there is no
//! clock here, and no atomic.

#[cfg(test)]
mod tests;

/// The other mode must have been cheaper by this factor: 5/4.
const HYSTERESIS: (u64, u64) = (5, 4);
/// The regret, in barriers, at which the mode changes.
const SWITCH_THRESHOLD: u64 = 8;
/// The highest threshold that a long pause can set, in barriers.
const MAX_RETURN_THRESHOLD: u64 = 1024;
/// A barrier is one part in this many of the mean.
const BARRIER_WEIGHT: u64 = 16;
/// A probe is one part in this many of the mean.
const PROBE_WEIGHT: u64 = 4;
/// The cost of fences, in barriers, after which a barrier is probed.
const PROBE_INTERVAL: u64 = 64;
/// The cost of the dearest barrier that counts. During a longer one the thread was descheduled.
const MAX_BARRIER: u64 = 250_000_000;

/// The costs so far, and the next mode. Readers start unfenced.
#[derive(Debug)]
pub(super) struct FencePolicy {
    /// Readers fence after the next publish.
    fenced: bool,
    /// How much more that mode has cost than the other would have, since it was chosen, or
    /// since it was last the cheaper one.
    regret: u64,
    /// The least regret at which readers fence again.
    return_threshold: u64,
    /// The mean cost of a barrier; 0 before the first.
    barrier: u64,
    /// The cost of the fences since the last barrier.
    fences: u64,
}

impl FencePolicy {
    pub(super) const fn new() -> Self {
        Self {
            fenced: false,
            regret: 0,
            return_threshold: 0,
            barrier: 0,
            fences: 0,
        }
    }

    /// Returns whether readers fence after the next publish.
    #[inline]
    pub(super) const fn wants_fences(&self) -> bool {
        self.fenced
    }

    /// Returns whether the next publish issues a barrier to time it, although readers fence.
    #[inline]
    pub(super) const fn wants_probe(&self) -> bool {
        self.fences > self.barrier * PROBE_INTERVAL
    }

    /// Records a publish before which readers fenced. There were `reads` since the publish
    /// before.
    #[inline]
    pub(super) fn record_fenced(&mut self, reads: u64, fence: u64) {
        let fences = reads.saturating_mul(fence);
        self.fences = self.fences.saturating_add(fences);
        // Otherwise the publish was started before the last decision took effect.
        if self.fenced {
            self.record(fences, self.barrier);
        }
    }

    /// Records a publish before which readers did not fence, and the cost of its barrier.
    /// There were `reads` since the publish before.
    pub(super) fn record_unfenced(&mut self, barrier: u64, reads: u64, fence: u64) {
        let barrier = self.record_barrier(barrier, BARRIER_WEIGHT);
        if !self.fenced {
            self.record(barrier, reads.saturating_mul(fence));
        }
    }

    /// Records the cost of a barrier that was issued although readers fenced.
    pub(super) fn record_probe(&mut self, barrier: u64) {
        self.record_barrier(barrier, PROBE_WEIGHT);
    }

    /// Adds one publish to the regret.
    #[inline]
    fn record(&mut self, own: u64, other: u64) {
        let (times, parts) = HYSTERESIS;
        let other = other.saturating_add(other / parts * (times - parts));
        self.regret = self.regret.saturating_add(own).saturating_sub(other);
        if self.regret > self.threshold() {
            self.switch();
        }
    }

    #[inline]
    fn threshold(&self) -> u64 {
        let least = self.barrier * SWITCH_THRESHOLD;
        if self.fenced {
            least
        } else {
            least.max(self.return_threshold)
        }
    }

    /// Adds one barrier to the mean. Returns its cost, within bounds.
    fn record_barrier(&mut self, cost: u64, parts: u64) -> u64 {
        // At least 1, so that a clock that does not advance makes no barrier free.
        let cost = cost.clamp(1, MAX_BARRIER);
        self.barrier = match self.barrier {
            0 => cost,
            mean => mean - mean / parts + cost / parts,
        };
        self.fences = 0;
        cost
    }

    #[cold]
    fn switch(&mut self) {
        if self.fenced {
            self.return_threshold = self.regret.min(self.barrier * MAX_RETURN_THRESHOLD);
        }
        self.regret = 0;
        self.fences = 0;
        self.fenced = !self.fenced;
    }
}
