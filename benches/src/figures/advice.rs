//! The load that somebody asks advice for.

use alloc::rc::Rc;
use core::time::Duration;

use super::{Case, Chart, Figure, Mode, Plain, load, numbers, own, some_threads};
use crate::drive::{Load, Publish, Way};
use crate::metric::{Metric, Tail};
use crate::script::Mix;
use crate::space::{Keys, Space};
use crate::trace::Trace;

/// A load.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    /// Operations, as fast as can be.
    Trace { trace: Rc<Trace>, threads: usize },
    /// So many a second, of all readers and of all writers together.
    Rates {
        reads: u64,
        writes: u64,
        entries: u32,
        readers: usize,
        writers: usize,
        value_bytes: usize,
    },
}

/// A tick that is shorter is mostly looks at the clock.
const SHORTEST: Duration = Duration::from_nanos(300);

/// Bytes of values beyond which maps are built one after the other.
const TOGETHER: usize = 32 << 20;

impl Asked {
    /// How many threads it takes.
    pub(crate) fn threads(&self) -> usize {
        match self {
            Self::Trace { threads, .. } => *threads,
            Self::Rates {
                readers, writers, ..
            } => readers + writers,
        }
    }

    fn case(&self) -> (Case, String) {
        match *self {
            Self::Trace { ref trace, threads } => {
                let text = format!("{}, replayed by {}", trace.origin, some_threads(threads));
                (own::replay(trace, threads, 1), text)
            }
            Self::Rates {
                reads,
                writes,
                entries,
                readers,
                writers,
                value_bytes,
            } => {
                let tick = Duration::from_secs_f64(readers as f64 / reads as f64);
                let (way, how) = if tick < SHORTEST {
                    (
                        Way::Closed,
                        "as fast as they can, since the clock is too slow for that rate",
                    )
                } else {
                    (Way::Open(tick), "by an open schedule")
                };
                let mut case = numbers("", 0.0, move || {
                    let read = Plain::READ.keys(Keys::Zipf(0.99)).way(way);
                    let mut threads = vec![read; readers];
                    if writers > 0 {
                        let tick = Duration::from_secs_f64(writers as f64 / writes as f64);
                        let write = Plain::mix(Mix::put(1.0)).publish(Publish::Each(1));
                        threads.extend(vec![write.way(Way::Paced(tick)); writers]);
                    }
                    Load {
                        value_bytes,
                        ..load(Space::numbers(entries), 0, &threads)
                    }
                });
                // Not all fit into memory at a time.
                case.apart = entries as usize * value_bytes > TOGETHER;
                let text = format!(
                    "{reads} reads/s by {} ({how}), {writes} writes/s by {}, each published, {entries} entries with \
                     values of {value_bytes} bytes, Zipf keys",
                    some_threads(readers),
                    some_threads(writers),
                );
                (case, text)
            }
        }
    }
}

/// The figure that answers it.
pub(crate) fn advice(asked: &Asked) -> Figure {
    let (case, definition) = asked.case();
    Figure {
        id: "advise",
        title: "Your load",
        definition,
        chart: Chart::Bars,
        metrics: match asked {
            Asked::Trace { .. } => &[Metric::Ops, Metric::Reads, Metric::Writes],
            Asked::Rates { .. } => &[
                Metric::Reads,
                Metric::Writes,
                Metric::Read,
                Metric::ReadAt(Tail::P50),
                Metric::ReadAt(Tail::P99),
                Metric::ReadAt(Tail::P999),
                Metric::ReadAt(Tail::Max),
            ],
        },
        cases: vec![case],
        since: Mode::Quick,
        weight: 1,
    }
}
