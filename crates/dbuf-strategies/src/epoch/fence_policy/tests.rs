//! Tests of the policy, without a clock: what each mode would cost is known.

use super::*;

const FENCE: u64 = 8_000;
const NANO: u64 = 1_000;
const MICRO: u64 = 1_000 * NANO;
/// The cost of a barrier in a process with one thread, on a quiet machine, and on a loaded one.
const BARRIERS: [u64; 3] = [400 * NANO, 5 * MICRO, 100 * MICRO];

/// Publishes as `EpochStrategy::start` does, and adds up what each mode costs.
#[derive(Debug)]
struct Writer {
    policy: FencePolicy,
    /// Readers fence since the last publish.
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

    /// Makes one publish, after that many reads.
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

    /// Returns how many publishes it takes until readers fence or do not, at most 10,000.
    fn until(&mut self, fenced: bool, reads: u64, barrier: u64) -> Option<u64> {
        (0..10_000).find(|_| {
            let reached = self.fenced == fenced;
            if !reached {
                self.publish(reads, barrier);
            }
            reached
        })
    }

    fn best(&self) -> u64 {
        self.symmetric.min(self.asymmetric)
    }
}

/// The number of reads whose fences cost as much as a barrier.
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

    /// The reads between two publishes, if each operation is a read with the same chance.
    fn reads(&mut self, mean: u64) -> u64 {
        let uniform = (self.next() % (1 << 24) + 1) as f64 / f64::from(1 << 24);
        (-uniform.ln() * mean as f64) as u64
    }
}

#[test]
fn cheaper_mode_is_chosen_and_kept() {
    for barrier in BARRIERS {
        let mut few = Writer::new();
        assert!(few.until(true, even(barrier) / 2, barrier) <= Some(3 * SWITCH_THRESHOLD));
        assert_eq!(few.until(false, even(barrier) / 2, barrier), None);
        let mut many = Writer::new();
        assert_eq!(many.until(true, even(barrier) * 2, barrier), None);
        // It is chosen from the other mode too.
        few.until(false, even(barrier) * 2, barrier).unwrap();
        assert_eq!(few.until(true, even(barrier) * 2, barrier), None);
    }
}

#[test]
fn nothing_changes_while_both_modes_cost_the_same() {
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
                // As barriers vary beside a thread that sometimes sleeps.
                let barrier = barrier / 2 + random.below(barrier);
                writer.publish(random.reads(mean), barrier);
            }
            assert!(writer.switches <= 3, "{writer:?}");
            assert!(writer.cost < writer.best() + writer.best() / 16);
        }
    }
}

/// The load of a map that is filled by single inserts, and then read.
#[test]
fn burst_of_publishes_makes_readers_fence_until_it_is_over() {
    for barrier in BARRIERS {
        let mut writer = Writer::new();
        assert_eq!(writer.until(true, 0, barrier), Some(SWITCH_THRESHOLD + 2));
        assert_eq!(writer.until(false, 0, barrier), None);
        // The publish after the reads sees them, and the next one acts.
        writer.publish(10_000_000, barrier);
        assert_eq!(writer.until(false, 10_000_000, barrier), Some(1));
        assert_eq!(writer.until(true, 10_000_000, barrier), None);
    }
}

#[test]
fn writer_on_a_timer_makes_no_reader_fence() {
    for barrier in BARRIERS {
        // Once in a millisecond, read by one thread.
        let mut single = Writer::new();
        assert_eq!(single.until(true, 100_000, barrier), None);
        // A hundred at each tick: the policy learns from the first pause.
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
            (1..SWITCH_THRESHOLD).for_each(|_| writer.publish(0, barrier));
        }
        assert_eq!(writer.switches, 0);
    }
}

#[test]
fn kept_guard_counts_as_one_read() {
    let mut writer = Writer::new();
    // The guard is read all the time, but reading it needs no fence.
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
    assert!(cost <= symmetric + symmetric / PROBE_INTERVAL);
}

#[test]
fn descheduled_barrier_does_not_switch_the_mode() {
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

/// Compares phases of every kind, from single publishes to many, with the fixed mode that was
/// the better one in the end.
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
                // No pause exceeds what the threshold of the way back covers.
                let reads = reads.min(even(barrier) * MAX_RETURN_THRESHOLD / 2);
                pause = pause.max(reads * FENCE);
                writer.publish(reads, barrier);
            }
        }
        // Two phases that have not ended, and the cost of the probes.
        let bound = 2 * writer.best()
            + writer.symmetric / PROBE_INTERVAL
            + 4 * (SWITCH_THRESHOLD * barrier + pause);
        assert!(writer.cost <= bound, "{seed}: {writer:?}");
    }
}
