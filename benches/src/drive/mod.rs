//! Measures one contender at a time.

mod cells;
mod maps;
mod size;
mod thread;

use core::time::Duration;
use std::panic;
use std::thread::ScopedJoinHandle;
use std::time::Instant;

pub(crate) use cells::{CellLoad, CellSubject};
pub(crate) use maps::{Load, MapSubject};
pub(crate) use size::SizeSubject;
pub(crate) use thread::{Publish, Role, Way};

use crate::interrupt;
use crate::metric::{Metric, Sample};

/// A contender with a load, ready to be measured again and again.
pub(crate) trait Subject {
    /// Measures for the time of a `slice`; the first fifth is warm-up.
    ///
    /// # Panics
    ///
    /// If the contender gives a wrong answer.
    fn measure(&mut self, slice: Duration) -> Sample;
}

/// When things count. All threads share one, so that nobody has to be waited for:
/// a thread that starts late has a shorter warm-up, and one that gets no core until the
/// warm-up is over has waited in the time that counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// When the threads were started.
    begin: Instant,
    from: Instant,
    until: Instant,
}

impl Window {
    fn new(slice: Duration) -> Self {
        let now = Instant::now();
        Self {
            begin: now,
            from: now + slice / 5,
            until: now + slice,
        }
    }

    /// Whether a thread that counted so many operations shall stop. One is counted
    /// at least, however late a thread began.
    fn is_over(self, now: Instant, counted: u64) -> bool {
        (now >= self.until && counted > 0) || interrupt::asked()
    }
}

/// What one thread did while it counted.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    ops: u64,
    nanos: f64,
    /// The nanoseconds of each full block of reads.
    blocks: Vec<f64>,
}

impl Counted {
    fn note(&mut self, ops: usize, nanos: f64) {
        self.ops += ops as u64;
        self.nanos += nanos;
    }

    /// So many of its operations, or of others in that time, a second.
    fn rate(&self, count: u64) -> f64 {
        count as f64 * 1e9 / self.nanos.max(1.0)
    }

    fn ops_a_second(&self) -> f64 {
        self.rate(self.ops)
    }
}

fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|why| panic::resume_unwind(why))
}

/// The nanoseconds of a read: of the median block, or of all if no block was full.
fn a_read(blocks: &mut [f64], block: usize, counted: &[&Counted]) -> Option<(Metric, f64)> {
    let all: (u64, f64) = counted.iter().fold((0, 0.0), |(ops, nanos), counted| {
        (ops + counted.ops, nanos + counted.nanos)
    });
    let nanos = crate::median(blocks)
        .map(|nanos| nanos / block as f64)
        .or_else(|| (all.0 > 0).then(|| all.1 / all.0 as f64))?;
    Some((Metric::Read, nanos))
}
