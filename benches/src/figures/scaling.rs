//! More threads, more readers, more entries.

use super::{Case, CaseLoad, Chart, ENTRIES, Figure, MANY, Mode, Plain, Settings, load, numbers};
use crate::drive::Load;
use crate::metric::Metric;
use crate::script::Mix;
use crate::space::Space;

/// 1 to N threads.
pub(super) fn threads(settings: &Settings) -> Figure {
    let case = |panel: &str, readers: usize, writes: bool| {
        numbers(panel, readers as f64, move || {
            let mut threads = vec![Plain::READ; readers];
            if writes {
                threads.push(Plain::mix(Mix::put(1.0)));
            }
            load(Space::numbers(ENTRIES), 0, &threads)
        })
    };
    let mut cases = Vec::new();
    for (panel, writes) in [("readers alone", false), ("beside a writer", true)] {
        let ladder = settings.threads.iter();
        cases.extend(ladder.map(|&readers| case(panel, readers, writes)));
    }
    Figure {
        id: "threads",
        title: "Reading threads",
        definition: format!(
            "Reads a second of all threads together. Uniform keys, {MANY} entries; the writer publishes \
             every write, as fast as it can. More threads than cores take turns."
        ),
        chart: Chart::Ladder("readers"),
        metrics: &[Metric::Reads],
        cases,
        since: Mode::Full,
        weight: 1,
    }
}

/// 1 to 10,000 registered readers.
pub(super) fn idle(_: &Settings) -> Figure {
    let case = |idle: usize| {
        numbers("", idle as f64, move || Load {
            idle,
            ..load(Space::numbers(1000), 0, &[Plain::mix(Mix::put(1.0))])
        })
    };
    Figure {
        id: "readers",
        title: "Registered readers",
        definition:
            "One thread publishes every overwrite, as fast as it can, in a map of 1,000 entries, \
                     while so many readers exist that have read once and rest, on one other thread. Maps \
                     that know threads, and not handles, have one of them whatever the number."
                .to_owned(),
        chart: Chart::Ladder("registered readers"),
        metrics: &[Metric::Writes],
        cases: [1, 10, 100, 1000, 10_000].map(case).into(),
        since: Mode::Full,
        weight: 1,
    }
}

/// Beyond this, maps are built one after the other.
const TOGETHER: u32 = 1_000_000;

/// 100 to 10 M entries.
pub(super) fn sizes(settings: &Settings) -> Figure {
    let threads = settings.mixers();
    let case = |entries: u32| {
        let case = numbers("", f64::from(entries), move || {
            load(Space::numbers(entries), 0, &vec![Plain::READ; threads])
        });
        Case {
            apart: entries > TOGETHER,
            ..case
        }
    };
    Figure {
        id: "sizes",
        title: "The size of the map",
        definition: format!(
            "A read is the median block of 1,000, by {threads} threads, uniform keys, nobody writes. Maps \
             of more than 1,000,000 entries are measured one after the other, since not all fit into \
             memory: what disturbs the machine for a while disturbs only one of them."
        ),
        chart: Chart::Ladder("entries"),
        metrics: &[Metric::Read],
        cases: [100, 1000, 10_000, 100_000, 1_000_000, 10_000_000]
            .map(case)
            .into(),
        since: Mode::Full,
        weight: 1,
    }
}

/// Bytes an entry.
pub(super) fn memory(settings: &Settings) -> Figure {
    let entries: &[u32] = match settings.mode {
        Mode::Quick | Mode::Standard => &[100_000],
        Mode::Full => &[1000, 100_000, 1_000_000],
    };
    let case = |&entries: &u32| Case {
        panel: format!("{entries} entries"),
        x: 0.0,
        load: CaseLoad::Size(entries),
        apart: true,
        duel: None,
    };
    Figure {
        id: "memory",
        title: "Bytes for an entry",
        definition: "What the allocator gave and did not get back, divided by the entries, after a map of 8 \
                     bytes for a key and 8 for a value was filled in batches of 1,000: both copies, and what \
                     a log keeps. Counted, not measured: the same every time."
            .to_owned(),
        chart: Chart::Bars,
        metrics: &[Metric::Bytes],
        cases: entries.iter().map(case).collect(),
        since: Mode::Standard,
        weight: 1,
    }
}
