//! The load that somebody asks advice for.

use alloc::rc::Rc;
use core::time::Duration;

use super::{Case, Chart, Figure, Mode, Plain, load, numbers, own};
use crate::drive::{Publish, Way};
use crate::metric::{Metric, Tail};
use crate::script::Mix;
use crate::space::{Keys, Space};
use crate::trace::Trace;

/// A load.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    /// Operations, as fast as can be.
    Trace { trace: Rc<Trace>, threads: usize },
    /// So many a second.
    Rates {
        reads: u64,
        writes: u64,
        entries: u32,
        readers: usize,
    },
}

/// A tick that is shorter is mostly looks at the clock.
const SHORTEST: Duration = Duration::from_nanos(300);

impl Asked {
    /// How many threads it takes.
    pub(crate) fn threads(&self) -> usize {
        match self {
            Self::Trace { threads, .. } => *threads,
            Self::Rates {
                readers, writes: 0, ..
            } => *readers,
            Self::Rates { readers, .. } => readers + 1,
        }
    }

    fn case(&self) -> (Case, String) {
        match *self {
            Self::Trace { ref trace, threads } => {
                let text = format!("{}, replayed by {threads} threads", trace.origin);
                (own::replay(trace, threads, 1), text)
            }
            Self::Rates {
                reads,
                writes,
                entries,
                readers,
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
                let case = numbers("", 0.0, move || {
                    let read = Plain::READ.keys(Keys::Zipf(0.99)).way(way);
                    let mut threads = vec![read; readers];
                    if writes > 0 {
                        let tick = Duration::from_secs_f64(1.0 / writes as f64);
                        let write = Plain::mix(Mix::put(1.0)).publish(Publish::Each(1));
                        threads.push(write.way(Way::Paced(tick)));
                    }
                    load(Space::numbers(entries), 0, &threads)
                });
                let text = format!(
                    "{reads} reads/s by {readers} threads ({how}), {writes} writes/s by one, each published, \
                     {entries} entries, Zipf keys"
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
