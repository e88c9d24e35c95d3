//! When operations count, and what is counted.

use core::time::Duration;
use std::panic;
use std::thread::ScopedJoinHandle;
use std::time::Instant;

use hdrhistogram::Histogram;

use crate::interrupt;
use crate::metric::{Metric, Sample, Tail, median};

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
    pub from: Instant,
    pub until: Instant,
}

impl Window {
    pub fn new(slice: Duration) -> Self {
        let begin = Instant::now();
        let (from, until) = (begin + slice / 5, begin + slice);
        Self { begin, from, until }
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
}

#[derive(Debug, Default)]
pub struct Counted {
    pub ops: u64,
    pub nanos: f64,
    pub changes: u64,
    /// The nanoseconds of each full block of reads.
    blocks: Vec<f64>,
    /// Of operations that were timed one by one.
    pub latencies: Option<Latencies>,
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

pub fn nanos_between(begin: Instant, end: Instant) -> f64 {
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
    Some((Metric::Read, cost))
}

/// Latencies in nanoseconds, up to a minute, to three digits.
#[derive(Debug)]
pub struct Latencies(Histogram<u64>);

impl Latencies {
    pub fn new() -> Self {
        Self(Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are right"))
    }

    pub fn record(&mut self, begin: Instant, end: Instant) {
        self.0.saturating_record(nanos_between(begin, end) as u64);
    }

    pub fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("the bounds are the same");
    }

    /// Each percentile; of fewer latencies than it takes, it is the worst of them.
    pub fn tails(&self, metric: fn(Tail) -> Metric) -> impl Iterator<Item = (Metric, f64)> {
        let tails = Tail::ALL.into_iter().filter(|_| !self.0.is_empty());
        tails.map(move |tail| {
            let value = self.0.value_at_quantile(tail.quantile());
            (metric(tail), value as f64)
        })
    }
}
