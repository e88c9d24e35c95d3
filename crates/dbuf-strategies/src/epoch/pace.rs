//! When a writer publishes too often for a barrier each time.
//!
//! A barrier costs the writer, and a little the readers that it interrupts; a fence
//! costs every read. Which is dearer depends on how often the writer publishes:
//! while the time between two publishes is [`UP`] barriers or less, readers fence;
//! when it has grown to [`DOWN`], they stop. Between the two nothing changes.
//!
//! Each barrier is timed as it is issued: when the process starts it often has one
//! thread, and a barrier then costs a thirtieth of what it costs later. A look at the
//! clock is as dear as a fenced publish may be, so one look a [`FENCED`] publishes has
//! to do there.
//!
//! Pure: the clock is the caller's.

use core::time::Duration;
use std::time::Instant;

/// Unfenced publishes that are looked at together: a short burst changes nothing.
const UNFENCED: u32 = 8;
/// Fenced publishes for one look at the clock.
const FENCED: u32 = 16;
/// So many barriers long, the time between two publishes is too short for one.
const UP: u32 = 2;
/// So many barriers long, it is long enough again.
const DOWN: u32 = 4;
/// A barrier that takes longer was interrupted itself.
const LONGEST: Duration = Duration::from_micros(25);

/// What is known of the publish rate. Readers start unfenced.
#[derive(Debug)]
pub(super) struct Pace {
    /// Publishes since the last decision.
    publishes: u32,
    /// Where the time that is measured began: after the last barrier (unfenced), at
    /// the last look (fenced).
    since: Option<Instant>,
    /// Time between barriers since the last decision.
    between: Duration,
    /// The shortest barrier since the last decision; the cost of one, once fenced.
    barrier: Duration,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self {
            publishes: 0,
            since: None,
            between: Duration::ZERO,
            barrier: LONGEST,
        }
    }

    /// Before an unfenced publish: whether readers shall fence from now on.
    pub(super) fn is_too_fast(&mut self, now: Instant) -> bool {
        if let Some(since) = self.since {
            self.publishes += 1;
            self.between = self
                .between
                .saturating_add(now.saturating_duration_since(since));
        }
        if self.publishes < UNFENCED {
            return false;
        }
        let too_fast = self.between <= self.barrier * (UP * self.publishes);
        self.publishes = 0;
        self.between = Duration::ZERO;
        if !too_fast {
            self.barrier = LONGEST;
        }
        too_fast
    }

    /// After the barrier of a publish that `began` and ended `now`.
    pub(super) fn took(&mut self, began: Instant, now: Instant) {
        self.barrier = self.barrier.min(now.saturating_duration_since(began));
        self.since = Some(now);
    }

    /// Before a fenced publish: whether readers may stop fencing. Looks at the clock
    /// now and then.
    #[inline]
    pub(super) fn is_slow_enough(&mut self, clock: impl FnOnce() -> Instant) -> bool {
        self.publishes += 1;
        self.publishes >= FENCED && self.has_slowed_down(clock())
    }

    #[cold]
    fn has_slowed_down(&mut self, now: Instant) -> bool {
        let slow = self.since.is_some_and(|since| {
            now.saturating_duration_since(since) >= self.barrier * (DOWN * self.publishes)
        });
        self.publishes = 0;
        self.since = Some(now);
        if slow {
            self.barrier = LONGEST;
        }
        slow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARRIER: Duration = Duration::from_micros(10);

    /// A writer with a clock of its own.
    struct Writer {
        pace: Pace,
        fenced: bool,
        now: Instant,
        looks: u32,
    }

    impl Writer {
        fn new() -> Self {
            Self {
                pace: Pace::new(),
                fenced: false,
                now: Instant::now(),
                looks: 0,
            }
        }

        /// Publishes as `start_swap` does, `gap` after the last one.
        fn publish(&mut self, gap: Duration, barrier: Duration) {
            self.now += gap;
            let now = self.now;
            if self.fenced {
                let looks = &mut self.looks;
                self.fenced = !self.pace.is_slow_enough(|| {
                    *looks += 1;
                    now
                });
            } else {
                self.fenced = self.pace.is_too_fast(now);
                self.now += barrier;
                self.pace.took(now, self.now);
            }
        }

        /// How many publishes it takes until the mode is `fenced`, at most 1,000.
        fn until(&mut self, fenced: bool, gap: Duration) -> Option<u32> {
            (0..1_000).find(|_| {
                let there = self.fenced == fenced;
                if !there {
                    self.publish(gap, BARRIER);
                }
                there
            })
        }
    }

    #[test]
    fn fast_writer_gives_barriers_up_soon() {
        let mut writer = Writer::new();
        // The first publish only starts the clock.
        assert_eq!(writer.until(true, Duration::ZERO), Some(UNFENCED + 1));
        assert_eq!(writer.until(false, BARRIER), None);
        // A look at the clock is rare.
        assert_eq!(writer.looks, 1_000 / FENCED);
    }

    #[test]
    fn slow_writer_never_makes_readers_fence() {
        assert_eq!(Writer::new().until(true, 3 * BARRIER), None);
    }

    #[test]
    fn readers_stop_fencing_when_the_writer_slows_down() {
        let mut writer = Writer::new();
        writer.until(true, Duration::ZERO);
        assert!(writer.until(false, 5 * BARRIER) <= Some(2 * FENCED));
        assert_eq!(writer.until(true, 5 * BARRIER), None);
        // One long pause among many short gaps is an end of a burst.
        writer.until(true, Duration::ZERO);
        writer.publish(Duration::from_secs(1), BARRIER);
        assert!(writer.until(false, Duration::ZERO) <= Some(FENCED));
    }

    #[test]
    fn between_the_two_rates_nothing_changes() {
        let mut writer = Writer::new();
        assert_eq!(writer.until(true, 3 * BARRIER), None);
        writer.until(true, Duration::ZERO);
        // The window in which it slowed down is a mixed one.
        (0..FENCED).for_each(|_| writer.publish(3 * BARRIER, BARRIER));
        assert_eq!(writer.until(false, 3 * BARRIER), None);
    }

    #[test]
    fn short_burst_changes_nothing() {
        let mut writer = Writer::new();
        for _ in 0..100 {
            writer.publish(Duration::from_millis(1), BARRIER);
            (0..3).for_each(|_| writer.publish(Duration::ZERO, BARRIER));
            assert!(!writer.fenced);
        }
    }

    #[test]
    fn interrupted_barriers_do_not_count() {
        let mut writer = Writer::new();
        for _ in 0..100 {
            // The machine is so busy that every barrier takes a time slice.
            writer.publish(Duration::from_micros(100), Duration::from_millis(4));
            assert!(!writer.fenced);
        }
        writer.until(true, Duration::ZERO);
        assert!(writer.until(false, Duration::from_micros(100)).is_some());
    }

    #[test]
    fn cheap_barriers_are_used_more_often() {
        let mut writer = Writer::new();
        let cheap = Duration::from_nanos(400);
        for _ in 0..100 {
            writer.publish(Duration::from_micros(2), cheap);
            assert!(!writer.fenced);
        }
        // Other threads begin to run.
        assert!(writer.until(true, Duration::from_micros(2)) <= Some(2 * UNFENCED));
    }
}
