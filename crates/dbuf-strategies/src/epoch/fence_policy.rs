//! Who fences next: the writer for all, by a barrier, or each reader for itself.
//!
//! # Idea
//!
//! A publish in asymmetric mode costs a barrier, one in symmetric mode a fence for each
//! read since the publish before. Both are known: barriers are timed as they are issued, a
//! fence is timed once per process, and the epochs count the reads (the scan loads them
//! anyway). So with each publish the policy adds up how much more the mode in use has
//! cost than the other would have, its *regret*, and switches when that exceeds a
//! threshold. This is ski rental: rent until the rent has cost as much as skis.
//!
//! # The rule
//!
//! `own` and `other` are the costs of one publish in the mode in use and in the other one.
//!
//! - regret := max(0, regret + own − 1.25 × other)
//! - if regret exceeds the threshold, the other mode is next, and the regret starts at 0.
//!
//! A regret that starts again at 0 whenever the mode in use has paid off forgets the past, so
//! that a mode that was right for hours is left as fast as any.
//!
//! # The bound
//!
//! Take a phase in which readers fence and the unfenced one that follows. Let L be the regret
//! at which the first ended, which is the threshold of the second (*patience*, below).
//!
//! - Fenced: the fences cost at least L, and at most L + 1.25 × the barriers saved.
//! - Unfenced: the barriers cost at least L, and at most L + 1.25 × the fences saved, and one
//!   barrier.
//!
//! Both together cost at most twice what either fixed mode would have cost, and one barrier. So
//! does the whole, apart from the phase that has not ended yet, as long as a mean says what a
//! barrier costs and no pause between two publishes exceeds [`PATIENCE`]: what fences cost in a
//! pause is known only when it is over. `costs_at_most_twice_the_better_mode` tests it.
//!
//! # Constants
//!
//! | | value | why |
//! |---|---|---|
//! | [`HYSTERESIS`] | 1.25 | where both cost the same, the noise of either switches nothing. More would cost as much: the mode that is kept may be dearer by that factor |
//! | [`THRESHOLD`] | 8 barriers | a few publishes in a row change nothing; at half the cost of the other mode, eight times less than the mean must come eight times in a row to leave the right mode. Fewer react sooner, more cost more with each change of the load |
//! | [`PATIENCE`] | 1,024 barriers | see below |
//! | [`SETTLES`], [`SETTLES_PROBED`] | 1/16, 1/4 | barriers of one load differ by ten times (0.15 µs while the other thread sleeps, 60 µs beside it), so the mean of sixteen; a probe is rare, and each counts for more |
//! | [`PROBE`] | 64 barriers | while readers fence, a barrier is issued and timed when the fences have cost 64 of them: at most 1/64 is spent on knowing, and a machine that became quiet is noticed |
//! | [`LONGEST`] | 250 µs | 57 to 73 µs is usual beside busy threads of a virtual machine; what takes longer was descheduled, and that time was another thread's |
//!
//! *Patience.* A writer that publishes a hundred times at each tick of a timer makes the readers
//! fence within the first eight, and then they read, and fence, until the next tick. By then the
//! fences of one pause may have cost more than all barriers of the burst. So the regret at which
//! readers stopped fencing is the threshold for the way back: before they fence again, barriers
//! must have cost what the last mistake has. At most [`PATIENCE`], so that a night without a
//! publish does not slow a writer down all day.
//!
//! # Costs
//!
//! In picoseconds: a fence takes a few nanoseconds. Pure: no clock, no atomics.

/// The other mode must have been cheaper by this factor: 5/4.
const HYSTERESIS: (u64, u64) = (5, 4);
/// The regret, in barriers, at which the mode changes.
const THRESHOLD: u64 = 8;
/// The threshold that a long pause can set, in barriers.
const PATIENCE: u64 = 1024;
/// The weight of a barrier in the mean: one part in this many.
const SETTLES: u64 = 16;
/// The weight of a probing barrier.
const SETTLES_PROBED: u64 = 4;
/// How much may be spent on fences before a barrier is probed, in barriers.
const PROBE: u64 = 64;
/// A barrier that took longer was descheduled.
const LONGEST: u64 = 250_000_000;

/// What the costs have been so far, and which mode is next. Readers start unfenced.
#[derive(Debug)]
pub(super) struct FencePolicy {
    /// Whether readers fence after the next publish.
    fenced: bool,
    /// How much more that mode has cost than the other would have, since it was chosen, or
    /// since it was last the cheaper one.
    regret: u64,
    /// The least regret at which readers fence again.
    patience: u64,
    /// The mean cost of a barrier; 0 before the first.
    barrier: u64,
    /// What fences have cost since the last barrier.
    spent: u64,
}

impl FencePolicy {
    pub(super) const fn new() -> Self {
        Self {
            fenced: false,
            regret: 0,
            patience: 0,
            barrier: 0,
            spent: 0,
        }
    }

    /// Whether readers fence after the next publish.
    #[inline]
    pub(super) const fn wants_fences(&self) -> bool {
        self.fenced
    }

    /// Whether the next publish issues a barrier although readers fence, to time it.
    #[inline]
    pub(super) const fn wants_probe(&self) -> bool {
        self.spent > self.barrier * PROBE
    }

    /// A publish has been made. Readers fenced before it, and there were `reads` since the
    /// publish before.
    #[inline]
    pub(super) fn record_fenced(&mut self, reads: u64, fence: u64) {
        let fences = reads.saturating_mul(fence);
        self.spent = self.spent.saturating_add(fences);
        // Else it was started before the last decision took effect.
        if self.fenced {
            self.record(fences, self.barrier);
        }
    }

    /// A publish has been made. Readers did not fence before it, a barrier `took` so long,
    /// and there were `reads` since the publish before.
    pub(super) fn record_unfenced(&mut self, took: u64, reads: u64, fence: u64) {
        let took = self.settle(took, SETTLES);
        if !self.fenced {
            self.record(took, reads.saturating_mul(fence));
        }
    }

    /// A barrier that was issued although readers fenced `took` so long.
    pub(super) fn record_probe(&mut self, took: u64) {
        self.settle(took, SETTLES_PROBED);
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
        let least = self.barrier * THRESHOLD;
        if self.fenced {
            least
        } else {
            least.max(self.patience)
        }
    }

    /// Adds one barrier to the mean. What it took, within bounds.
    fn settle(&mut self, took: u64, parts: u64) -> u64 {
        // Not 0: a clock that stands still must not make barriers free.
        let took = took.clamp(1, LONGEST);
        self.barrier = match self.barrier {
            0 => took,
            mean => mean - mean / parts + took / parts,
        };
        self.spent = 0;
        took
    }

    #[cold]
    fn switch(&mut self) {
        if self.fenced {
            self.patience = self.regret.min(self.barrier * PATIENCE);
        }
        self.regret = 0;
        self.spent = 0;
        self.fenced = !self.fenced;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FENCE: u64 = 8_000;
    const NANO: u64 = 1_000;
    const MICRO: u64 = 1_000 * NANO;
    /// A barrier of a process with one thread, of a quiet machine, and of a loaded one.
    const BARRIERS: [u64; 3] = [400 * NANO, 5 * MICRO, 100 * MICRO];

    /// Publishes as `start_swap` does, and adds up what each mode costs.
    #[derive(Debug)]
    struct Writer {
        policy: FencePolicy,
        /// What readers do since the last publish.
        fenced: bool,
        publishes: u64,
        switches: u64,
        cost: u64,
        symmetric: u64,
        asymmetric: u64,
    }

    impl Writer {
        fn new() -> Self {
            Self {
                policy: FencePolicy::new(),
                fenced: false,
                publishes: 0,
                switches: 0,
                cost: 0,
                symmetric: 0,
                asymmetric: 0,
            }
        }

        /// One publish, after so many reads.
        fn publish(&mut self, reads: u64, barrier: u64) {
            let (before, after) = (self.fenced, self.policy.wants_fences());
            let timed = !before || self.policy.wants_probe();
            self.fenced = after;
            if !before {
                self.policy.record_unfenced(barrier, reads, FENCE);
            } else {
                if timed {
                    self.policy.record_probe(barrier);
                }
                self.policy.record_fenced(reads, FENCE);
            }
            self.publishes += 1;
            self.switches += u64::from(before != after);
            self.symmetric += reads * FENCE;
            self.asymmetric += barrier;
            self.cost += if before { reads * FENCE } else { 0 } + if timed { barrier } else { 0 };
        }

        /// How many publishes it takes until readers fence or do not, at most 10,000.
        fn until(&mut self, fenced: bool, reads: u64, barrier: u64) -> Option<u64> {
            (0..10_000).find(|_| {
                let there = self.fenced == fenced;
                if !there {
                    self.publish(reads, barrier);
                }
                there
            })
        }

        fn best(&self) -> u64 {
            self.symmetric.min(self.asymmetric)
        }
    }

    /// The reads that cost as much as a barrier.
    fn even(barrier: u64) -> u64 {
        barrier / FENCE
    }

    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 >> 16
        }

        fn below(&mut self, n: u64) -> u64 {
            self.next() % n
        }

        /// Reads between two publishes where each operation is a read with the same chance.
        fn reads(&mut self, mean: u64) -> u64 {
            let uniform = (self.next() % (1 << 24) + 1) as f64 / f64::from(1 << 24);
            (-uniform.ln() * mean as f64) as u64
        }
    }

    #[test]
    fn cheaper_mode_is_chosen_and_kept() {
        for barrier in BARRIERS {
            let mut few = Writer::new();
            assert!(few.until(true, even(barrier) / 2, barrier) <= Some(3 * THRESHOLD));
            assert_eq!(few.until(false, even(barrier) / 2, barrier), None);
            let mut many = Writer::new();
            assert_eq!(many.until(true, even(barrier) * 2, barrier), None);
            // Wherever it comes from.
            few.until(false, even(barrier) * 2, barrier).unwrap();
            assert_eq!(few.until(true, even(barrier) * 2, barrier), None);
        }
    }

    #[test]
    fn where_both_cost_the_same_nothing_changes() {
        for barrier in BARRIERS {
            let mut writer = Writer::new();
            assert_eq!(writer.until(true, even(barrier), barrier), None);
            writer.until(true, 0, barrier).unwrap();
            assert_eq!(writer.until(false, even(barrier), barrier), None);
        }
    }

    #[test]
    fn random_reads_cause_no_oscillation() {
        for barrier in BARRIERS {
            let mut random = Random(1);
            for mean in [even(barrier) / 2, even(barrier) * 2] {
                let mut writer = Writer::new();
                for _ in 0..200_000 {
                    // As barriers are beside a thread that sometimes sleeps.
                    let barrier = barrier / 2 + random.below(barrier);
                    writer.publish(random.reads(mean), barrier);
                }
                assert!(writer.switches <= 3, "{writer:?}");
                assert!(writer.cost < writer.best() + writer.best() / 16);
            }
        }
    }

    /// A map that is filled by single inserts, and then read.
    #[test]
    fn burst_of_publishes_makes_readers_fence_until_it_is_over() {
        for barrier in BARRIERS {
            let mut writer = Writer::new();
            assert_eq!(writer.until(true, 0, barrier), Some(THRESHOLD + 2));
            assert_eq!(writer.until(false, 0, barrier), None);
            // The publish after the reads sees them, and the next one acts.
            writer.publish(10_000_000, barrier);
            assert_eq!(writer.until(false, 10_000_000, barrier), Some(1));
            assert_eq!(writer.until(true, 10_000_000, barrier), None);
        }
    }

    #[test]
    fn writer_on_a_timer_makes_nobody_fence() {
        for barrier in BARRIERS {
            // Once in a millisecond, read by one thread.
            let mut single = Writer::new();
            assert_eq!(single.until(true, 100_000, barrier), None);
            // A hundred at each tick: the first pause teaches it.
            let mut bursts = Writer::new();
            for _ in 0..1_000 {
                bursts.publish(100 * even(barrier) * 20, barrier);
                (1..100).for_each(|_| bursts.publish(0, barrier));
            }
            assert!(bursts.switches <= 2, "{bursts:?}");
            assert!(bursts.cost < bursts.best() + bursts.best() / 16);
        }
    }

    #[test]
    fn short_burst_changes_nothing() {
        for barrier in BARRIERS {
            let mut writer = Writer::new();
            for _ in 0..1_000 {
                writer.publish(even(barrier) * 20, barrier);
                (1..THRESHOLD).for_each(|_| writer.publish(0, barrier));
            }
            assert_eq!(writer.switches, 0);
        }
    }

    #[test]
    fn kept_guard_is_one_read() {
        let mut writer = Writer::new();
        // It is read under all the time, but no fence is saved.
        assert!(writer.until(true, 1, 400 * NANO).is_some());
        assert_eq!(writer.until(false, 1, 400 * NANO), None);
    }

    #[test]
    fn machine_that_became_quiet_is_noticed() {
        let mut writer = Writer::new();
        writer.until(true, 500, 60 * MICRO).unwrap();
        assert_eq!(writer.until(false, 500, 60 * MICRO), None);
        // 500 fences are 4 µs, and now a barrier is 0.4.
        let (cost, best) = (writer.cost, writer.symmetric);
        assert!(writer.until(false, 500, 400 * NANO).is_some());
        assert_eq!(writer.until(true, 500, 400 * NANO), None);
        assert!(writer.cost - cost <= writer.symmetric - best);
    }

    #[test]
    fn probes_cost_little() {
        let mut writer = Writer::new();
        writer.until(true, 1_000, 60 * MICRO).unwrap();
        let (cost, symmetric) = (writer.cost, writer.symmetric);
        (0..100_000).for_each(|_| writer.publish(1_000, 60 * MICRO));
        let (cost, symmetric) = (writer.cost - cost, writer.symmetric - symmetric);
        assert!(cost > symmetric, "nothing was probed");
        assert!(cost <= symmetric + symmetric / PROBE);
    }

    #[test]
    fn descheduled_barrier_is_no_costly_one() {
        let mut writer = Writer::new();
        for n in 0..10_000 {
            let barrier = if n % 16 == 0 {
                4_000 * MICRO
            } else {
                10 * MICRO
            };
            writer.publish(6 * even(10 * MICRO), barrier);
        }
        assert_eq!(writer.switches, 0);
    }

    #[test]
    fn extremes_do_not_overflow() {
        let mut writer = Writer::new().policy;
        for reads in [u64::MAX, 0, u64::MAX, 0, 0, 0] {
            for barrier in [u64::MAX, 0] {
                writer.record_unfenced(barrier, reads, FENCE);
                writer.record_probe(barrier);
                writer.record_fenced(reads, FENCE);
                let _ = (writer.wants_fences(), writer.wants_probe());
            }
        }
    }

    /// Phases of every kind, from single publishes to many, against whichever fixed mode was
    /// the better in the end.
    #[test]
    fn costs_at_most_twice_the_better_mode() {
        for seed in 1..=if cfg!(miri) { 5 } else { 300 } {
            let mut random = Random(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed));
            let barrier = BARRIERS[random.below(3) as usize];
            let mut writer = Writer::new();
            let mut pause = 0;
            for _ in 0..1 + random.below(60) {
                let mean = even(barrier) * [0, 1, 1, 2, 8, 100, 900][random.below(7) as usize] / 2;
                let most = 1 << random.below(12);
                for _ in 0..=random.below(most) {
                    let reads = if mean == 0 { 0 } else { random.reads(mean) };
                    // No pause that patience does not cover.
                    let reads = reads.min(even(barrier) * PATIENCE / 2);
                    pause = pause.max(reads * FENCE);
                    writer.publish(reads, barrier);
                }
            }
            // Two phases that have not ended; and what is spent on probes.
            let bound =
                2 * writer.best() + writer.symmetric / PROBE + 4 * (THRESHOLD * barrier + pause);
            assert!(writer.cost <= bound, "{seed}: {writer:?}");
        }
    }
}
