//! More threads, more readers, more entries.

use super::figure::{Case, Chart, Figure, Mode, Settings};
use super::loads::{ENTRIES, MANY, Task, load, numbers};
use crate::drive::maps::Load;
use crate::metric::Metric;
use crate::workload::keyspace::Keyspace;

/// 1 to N threads.
pub(super) fn threads(settings: &Settings) -> Figure {
    let case = |panel: &str, readers: usize, writers: usize| {
        Case::numbers(panel, readers as f64, move || {
            let tasks = Task::READ.times_and(readers, Task::WRITE);
            load(Keyspace::numbers(ENTRIES), 0, &tasks[..readers + writers])
        })
    };
    let mut cases = Vec::new();
    for (panel, writers) in [("readers alone", 0), ("beside a writer", 1)] {
        let counts = settings.thread_counts.iter();
        cases.extend(counts.map(|&readers| case(panel, readers, writers)));
    }
    Figure {
        id: "threads",
        title: "Reading threads",
        definition: format!(
            "Reads a second of all threads together. Uniform keys, {MANY} entries; the writer publishes every write, \
             as fast as it can. More threads than cores take turns."
        ),
        chart: Chart::Lines("readers"),
        metrics: &[Metric::Reads],
        cases,
        since: Mode::Full,
        ..Figure::DEFAULT
    }
}

/// 1 to 10,000 registered readers.
pub(super) fn idle() -> Figure {
    let case = |idle: usize| {
        Case::numbers("", idle as f64, move || Load {
            idle,
            ..numbers(1000, 0, Task::WRITE, 1)
        })
    };
    Figure {
        id: "readers",
        title: "Registered readers",
        definition: "One thread publishes every overwrite, as fast as it can, in a map of 1,000 entries, beside a \
                     number of readers that have read once and rest, on one other thread. Maps that know threads, and \
                     not handles, have one of them whatever the number."
            .to_owned(),
        chart: Chart::Lines("registered readers"),
        metrics: &[Metric::Writes],
        cases: [1, 10, 100, 1000, 10_000].map(case).into(),
        since: Mode::Full,
        ..Figure::DEFAULT
    }
}

/// With more entries, one map is built after the other.
const TOGETHER: u32 = 1_000_000;

/// 100 to 10 M entries.
pub(super) fn sizes(settings: &Settings) -> Figure {
    let threads = settings.mixers();
    let case = |entries: u32| {
        let load = move || numbers(entries, 0, Task::READ, threads);
        let apart = entries > TOGETHER;
        Case {
            apart,
            ..Case::numbers("", entries.into(), load)
        }
    };
    Figure {
        id: "sizes",
        title: "The size of the map",
        definition: format!(
            "A read is the median block of 1,000, by {threads} threads, uniform keys, nobody writes. Maps of more \
             than 1,000,000 entries are measured one after the other, since not all fit into memory: what disturbs \
             the machine for a while disturbs only one of them."
        ),
        chart: Chart::Lines("entries"),
        metrics: &[Metric::Read],
        cases: [100, 1000, 10_000, 100_000, 1_000_000, 10_000_000]
            .map(case)
            .into(),
        since: Mode::Full,
        ..Figure::DEFAULT
    }
}

/// Bytes an entry.
pub(super) fn memory(settings: &Settings) -> Figure {
    let entries: &[u32] = match settings.mode {
        Mode::Quick | Mode::Standard => &[100_000],
        Mode::Full => &[1000, 100_000, 1_000_000],
    };
    Figure {
        id: "memory",
        title: "Bytes for an entry",
        definition: "What the allocator gave and did not get back, divided by the entries, after a map of 8 bytes for \
                     a key and 8 for a value was filled in batches of 1,000: both copies, and what a log keeps. \
                     Counted, not measured: the same every time."
            .to_owned(),
        metrics: &[Metric::Bytes],
        cases: entries.iter().copied().map(Case::size).collect(),
        since: Mode::Standard,
        ..Figure::DEFAULT
    }
}
