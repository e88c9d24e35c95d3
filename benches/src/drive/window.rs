//! When operations count, and what is counted.

use core::hint;
use core::time::Duration;
use std::panic;
use std::sync::mpsc;
use std::thread::{self, ScopedJoinHandle};
use std::time::Instant;

use hdrhistogram::Histogram;

use crate::interrupt;
use crate::metric::{Metric, QUANTILES, Sample, median};

/// A contender with a load: measures for the time of a slice, again and again. Panics if the
/// contender gives a wrong answer.
pub type Subject = Box<dyn FnMut(Duration) -> Sample>;

/// Reads between two readings of the clock.
pub const BLOCK: usize = 1000;

/// When operations count: after a warm-up of a fifth of the slice. All threads share one, so
/// that no thread waits for another. One that starts late has a shorter warm-up, and one that
/// gets no core until the warm-up is over has waited in the time that counts.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// When the threads were started.
    begin: Instant,
    from: Instant,
    pub until: Instant,
}

impl Window {
    pub fn new(slice: Duration) -> Self {
        let begin = Instant::now();
        let (from, until) = (begin + slice / 5, begin + slice);
        Self { begin, from, until }
    }

    /// The same without a warm-up.
    pub fn whole(self) -> Self {
        let from = self.begin;
        Self { from, ..self }
    }

    /// Whether a thread that counted this many operations must stop. It counts at least one,
    /// however late it began.
    pub fn is_over(self, now: Instant, counted: u64) -> bool {
        (now >= self.until && counted > 0) || interrupt::is_requested()
    }

    /// Repeats `step`, which is asked for a number of operations, and returns how many it did and
    /// how many of them were changes.
    pub fn repeat(self, reads_only: bool, mut step: impl FnMut(usize) -> (usize, u64)) -> Counted {
        // A write may clone a whole map, so a chunk between two readings of the clock has as many
        // operations as fit into a fifth of a millisecond.
        let mut chunk = if reads_only { BLOCK } else { 1 };
        let mut counted = Counted::default();
        let mut begin = self.begin;
        loop {
            let (done, changes) = step(chunk);
            let end = Instant::now();
            let nanos = nanos_between(begin, end);
            // A chunk that began before counts in part.
            let counting = nanos_between(begin.max(self.from), end);
            let share = |of: f64| (of * counting / nanos.max(1.0)).round() as u64;
            counted.ops += share(done as f64);
            counted.changes += share(changes as f64);
            counted.nanos += counting;
            if reads_only && done == BLOCK && begin >= self.from {
                counted.blocks.push(nanos);
            }
            if self.is_over(end, counted.ops) {
                return counted;
            }
            if !reads_only && nanos < 1e5 {
                chunk = (chunk * 2).min(BLOCK);
            } else if !reads_only && nanos > 4e5 {
                chunk = (chunk / 2).max(1);
            }
            begin = end;
        }
    }

    /// Calls `step` at every tick from `begin` or now on, or again and again if there is no tick, and
    /// times each call from its tick on: a late one makes the next one late, and that counts.
    /// `is_over` gets the next tick, the end of the last call, and the number of operations that
    /// counted.
    pub fn ticks(
        self,
        begin: Option<Instant>,
        tick: Option<Duration>,
        wait: fn(Instant),
        is_over: impl Fn(Instant, Instant, u64) -> bool,
        mut step: impl FnMut() -> (usize, u64),
    ) -> Counted {
        let (mut counted, mut latencies) = (Counted::default(), histogram());
        let (mut due, mut first) = (begin.unwrap_or_else(Instant::now), None);
        loop {
            wait(due);
            let (done, changes) = step();
            let end = Instant::now();
            if due >= self.from {
                first = first.or(Some(due));
                counted.ops += done as u64;
                counted.changes += changes;
                latencies.saturating_record(nanos_between(due, end) as u64);
            }
            let next = due + tick.unwrap_or_default();
            if is_over(next, end, counted.ops) || interrupt::is_requested() {
                counted.nanos = first.map_or(0.0, |first| nanos_between(first, end.max(next)));
                counted.latencies = Some(latencies);
                return counted;
            }
            // Without ticks, the next call is timed from its own begin on.
            due = tick.map_or_else(Instant::now, |_| next);
        }
    }
}

/// Waits without leaving the core: a thread that sleeps wakes late.
pub fn spin_until(due: Instant) {
    while Instant::now() < due {
        hint::spin_loop();
    }
}

pub fn sleep_until(due: Instant) {
    thread::sleep(due.saturating_duration_since(Instant::now()));
}

#[derive(Debug, Default)]
pub struct Counted {
    pub ops: u64,
    pub nanos: f64,
    pub changes: u64,
    /// The nanoseconds of each full block of reads.
    blocks: Vec<f64>,
    /// Of operations that were timed one by one.
    latencies: Option<Histogram<u64>>,
}

impl Counted {
    /// This many operations in the counted time, as a rate per second.
    pub fn rate(&self, count: u64) -> f64 {
        count as f64 * 1e9 / self.nanos.max(1.0)
    }

    pub fn ops_a_second(&self) -> f64 {
        self.rate(self.ops)
    }
}

fn nanos_between(begin: Instant, end: Instant) -> f64 {
    end.saturating_duration_since(begin).as_nanos() as f64
}

pub fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    let ended = thread.join();
    ended.unwrap_or_else(|why| panic::resume_unwind(why))
}

/// The nanoseconds of a read: of the median block, or of all reads if no block was full.
pub fn read_cost<'a>(counted: impl Iterator<Item = &'a Counted>) -> Option<(Metric, f64)> {
    let (mut ops, mut nanos, mut blocks) = (0, 0.0, Vec::new());
    for counted in counted {
        ops += counted.ops;
        nanos += counted.nanos;
        blocks.extend(&counted.blocks);
    }
    let of_block = median(&mut blocks).map(|nanos| nanos / BLOCK as f64);
    let cost = of_block.or_else(|| (ops > 0).then(|| nanos / ops as f64))?;
    Some((Metric::READ, cost))
}

/// For latencies in nanoseconds, up to a minute, to three digits.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are right")
}

/// Each percentile of the latencies; of fewer than it takes, it is the worst of them.
pub fn tails<'a>(
    counted: impl IntoIterator<Item = &'a Counted>,
    metrics: [Metric; QUANTILES.len()],
) -> Sample {
    let mut all = histogram();
    for latencies in counted.into_iter().filter_map(|it| it.latencies.as_ref()) {
        all.add(latencies).expect("the bounds are the same");
    }
    let tails = metrics
        .into_iter()
        .zip(QUANTILES)
        .filter(|_| !all.is_empty());
    let tails = tails.map(|(metric, quantile)| (metric, all.value_at_quantile(quantile) as f64));
    tails.collect()
}

/// A stuck reader keeps what it read for the whole slice, within these bounds.
const SHORTEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(1);

/// Writes at every tick, beginning when the reader has what it keeps, and times each write from
/// its tick on. A write that waits for the reader makes the next ones late, and that counts.
pub fn stuck(
    slice: Duration,
    hold: impl FnOnce(&mut dyn FnMut()) + Send,
    mut write: impl FnMut(),
) -> Sample {
    let time = slice.clamp(SHORTEST, LONGEST);
    let counted = thread::scope(|scope| {
        let (held, begins) = mpsc::channel();
        let reading = scope.spawn(move || {
            hold(&mut || {
                held.send(Instant::now()).expect("the writer waits for it");
                thread::sleep(time);
            });
        });
        let begin = begins.recv().expect("the reader has something to keep");
        let (from, until) = (begin, begin + time);
        let window = Window { begin, from, until };
        let is_over = |due, _, _| due >= until;
        let counted = window.ticks(Some(begin), Some(TICK), spin_until, is_over, || {
            write();
            (1, 1)
        });
        join(reading);
        counted
    });
    tails([&counted], Metric::WRITE_TAILS)
}
