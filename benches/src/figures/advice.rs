//! The load that a user asks advice for.

use alloc::rc::Rc;
use core::time::Duration;

use super::figure::{Case, Chart, Figure, Mode};
use super::loads::{Task, load, some_threads};
use super::own;
use crate::drive::maps::Load;
use crate::drive::thread::Pace;
use crate::metric::{Metric, Tail};
use crate::workload::input::Trace;
use crate::workload::keyspace::{Distribution, Keyspace};

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
                own::replay(trace, *threads, 1),
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
            chart: Chart::Bars,
            metrics,
            cases: vec![case],
            since: Mode::Quick,
            weight: 1,
        }
    }
}

impl Rates {
    /// The readers' pace; `None` if the rate is higher than a clock can tell.
    fn read_tick(self) -> Option<Duration> {
        let tick = Duration::from_secs_f64(self.readers as f64 / self.reads as f64);
        (tick >= SHORTEST).then_some(tick)
    }

    fn case(self) -> Case {
        let case = Case::numbers("", 0.0, move || {
            let pace = self.read_tick().map_or(Pace::Closed, Pace::Open);
            let read = Task::READ.keys(Distribution::Zipf(0.99)).pace(pace);
            let mut tasks = vec![read; self.readers];
            if self.writers > 0 {
                let tick = Duration::from_secs_f64(self.writers as f64 / self.writes as f64);
                tasks.extend(vec![Task::WRITE.pace(Pace::Paced(tick)); self.writers]);
            }
            Load {
                value_bytes: self.value_bytes,
                ..load(Keyspace::numbers(self.entries), 0, &tasks)
            }
        });
        let apart = self.entries as usize * self.value_bytes > TOGETHER;
        Case { apart, ..case }
    }

    fn definition(self) -> String {
        let how = match self.read_tick() {
            Some(_) => "by an open schedule",
            None => "as fast as they can, since the clock is too slow for that rate",
        };
        format!(
            "{} reads/s by {} ({how}), {} writes/s by {}, each published, {} entries with values of {} bytes, Zipf keys",
            self.reads,
            some_threads(self.readers),
            self.writes,
            some_threads(self.writers),
            self.entries,
            self.value_bytes
        )
    }
}
