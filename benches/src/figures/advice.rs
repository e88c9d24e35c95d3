//! The load that a user asks advice for.

use alloc::rc::Rc;
use core::time::Duration;

use super::case::Case;
use super::figure::{Figure, some_threads};
use super::headline::replay;
use crate::drive::load::{Load, Pace, Task};
use crate::metric::{Metric, Tail};
use crate::workload::input::Trace;
use crate::workload::keyspace::Distribution;

/// A load.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    /// Operations, as fast as possible.
    Trace { trace: Rc<Trace>, threads: usize },
    /// Rates per second, of all readers and of all writers together.
    Rates(Rates),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    pub(crate) entries: u32,
    pub(crate) readers: usize,
    pub(crate) writers: usize,
    pub(crate) value_bytes: usize,
}

/// A shorter tick is mostly readings of the clock.
const SHORTEST: Duration = Duration::from_nanos(300);

/// With more bytes of values, one map is measured after the other.
const TOGETHER: usize = 32 << 20;

impl Asked {
    /// How many threads it takes.
    pub(crate) fn threads(&self) -> usize {
        match self {
            Self::Trace { threads, .. } => *threads,
            Self::Rates(rates) => rates.readers + rates.writers,
        }
    }

    /// The figure that answers it.
    pub(crate) fn figure(&self) -> Figure {
        let (metrics, case, definition): (&[Metric], _, _) = match self {
            Self::Trace { trace, threads } => (
                &[Metric::Ops, Metric::Reads, Metric::Writes],
                replay(trace, *threads, 1),
                format!("{}, replayed by {}", trace.origin(), some_threads(*threads)),
            ),
            Self::Rates(rates) => (
                &[
                    Metric::Reads,
                    Metric::Writes,
                    Metric::Read,
                    Metric::ReadAt(Tail::P50),
                    Metric::ReadAt(Tail::P99),
                    Metric::ReadAt(Tail::P999),
                    Metric::ReadAt(Tail::Max),
                ],
                rates.case(),
                rates.definition(),
            ),
        };
        Figure {
            id: "advise",
            title: "Your load",
            definition,
            metrics,
            cases: vec![case],
            ..Figure::DEFAULT
        }
    }
}

impl Rates {
    /// The readers' pace: a tick for each read, unless the rate is higher than a clock can tell.
    fn read_pace(self) -> Pace {
        let tick = Duration::from_secs_f64(self.readers as f64 / self.reads as f64);
        match tick >= SHORTEST {
            true => Pace::Open(tick),
            false => Pace::Closed,
        }
    }

    fn case(self) -> Case {
        let tick = self.writers as f64 / self.writes.max(1) as f64;
        let write = Task::WRITE.pace(Pace::Paced(Duration::from_secs_f64(tick)));
        let read = Task::READ.keys(Distribution::Zipf(0.99));
        let read = read.pace(self.read_pace());
        let tasks = read.times_and(self.readers, &vec![write; self.writers]);
        let load = Load {
            value_bytes: self.value_bytes,
            ..Load::new(self.entries, tasks)
        };
        let apart = self.entries as usize * self.value_bytes > TOGETHER;
        let case = Case::numbers("", 0.0, load);
        Case { apart, ..case }
    }

    fn definition(self) -> String {
        let how = match self.read_pace() {
            Pace::Open(_) => "by an open schedule",
            _ => "as fast as they can, since the clock is too slow for that rate",
        };
        let [readers, writers] = [self.readers, self.writers].map(some_threads);
        let (reads, writes, entries, bytes) =
            (self.reads, self.writes, self.entries, self.value_bytes);
        format!(
            "{reads} reads/s by {readers} ({how}), {writes} writes/s by {writers}, each published, {entries} entries \
             with values of {bytes} bytes, Zipf keys"
        )
    }
}
