//! Loads that others publish their figures for, scaled to this machine.

use core::iter;

use super::figure::{Case, ENTRIES, Figure, MANY, Mode, Settings};
use crate::drive::load::{Load, Pace, Task};
use crate::metric::{Metric, Tail};
use crate::workload::keyspace::Distribution;
use crate::workload::ops::Mix;

/// The Yahoo benchmark's mixes that read.
pub(super) fn ycsb(settings: &Settings) -> Figure {
    let threads = settings.mixers();
    let case = |panel, share| {
        let task = Task::put(share).keys(Distribution::Zipf(0.99));
        Case::numbers(panel, 0.0, Load::of(ENTRIES, task, threads))
    };
    Figure {
        id: "ycsb",
        title: "YCSB B and C",
        definition: format!(
            "B: 95 % reads, 5 % overwrites. C: reads only. Zipf keys, exponent 0.99; {MANY} entries (YCSB: records \
             of a database), {threads} threads, a publish for each write."
        ),
        cases: vec![case("B", 0.05), case("C", 0.0)],
        ..Figure::DEFAULT
    }
}

/// Keys that each thread inserts and removes.
const OWN: u32 = 1 << 14;

/// The three mixes of conc-map-bench.
pub(super) fn conc_map_bench(settings: &Settings) -> Figure {
    let threads = settings.mixers();
    let load = |entries, mix| Load::of(entries, Task::mix(mix), threads);
    let case = |panel, mix| Case::numbers(panel, 0.0, load(ENTRIES, mix).own(OWN));
    let mut cases = vec![
        case("ReadHeavy", Mix::of(0.0, 0.01, 0.01)),
        case("Exchange", Mix::of(0.1, 0.4, 0.4)),
    ];
    if settings.mode > Mode::Quick {
        let load = load(1000, Mix::of(0.1, 0.8, 0.05)).own(1 << 22).growing();
        cases.push(Case::numbers("RapidGrow", 0.0, load));
    }
    Figure {
        id: "conc-map-bench",
        title: "conc-map-bench",
        definition: format!(
            "read/insert/remove/update of 100. ReadHeavy 98/1/1/0, Exchange 10/40/40/10, RapidGrow 5/80/5/10 from a \
             new map each time. Uniform keys, {MANY} entries (there: tens of millions), {threads} threads, a publish \
             for each write. Each thread inserts and removes keys of its own; reads and updates ask for keys that stay."
        ),
        cases,
        ..Figure::DEFAULT
    }
}

/// The ratios of flashmap's own figures.
pub(super) fn flashmap(settings: &Settings) -> Figure {
    let threads = settings.mixers();
    let case = |panel, reads: f64| {
        let load = Load::of(ENTRIES, Task::put(1.0 / (reads + 1.0)), threads);
        Case::numbers(panel, 0.0, load)
    };
    Figure {
        id: "flashmap",
        title: "flashmap's ratios",
        definition: format!(
            "2500 reads to a write, and 50 to one; uniform keys, {MANY} entries, {threads} threads, a publish for \
             each write."
        ),
        cases: vec![case("2500:1", 2500.0), case("50:1", 50.0)],
        since: Mode::Standard,
        ..Figure::DEFAULT
    }
}

/// xsync's loads and sizes.
pub(super) fn xsync(settings: &Settings) -> Figure {
    let threads = settings.mixers();
    let case = |reads: u32, entries: u32| {
        let share = (1.0 - f64::from(reads) / 100.0) / 2.0;
        let load = Load::of(entries, Task::mix(Mix::of(0.0, share, share)), threads);
        let load = load.own((entries / 4).clamp(16, OWN));
        Case::numbers(format!("{reads} % reads"), entries.into(), load)
    };
    let sizes = |reads| [100, 1000, 100_000, 1_000_000].map(|entries| case(reads, entries));
    Figure {
        id: "xsync",
        title: "xsync's loads and sizes",
        definition: format!(
            "100, 99, 90 and 75 % reads, the rest inserts and removes in equal parts, of 100 to 1 M entries; uniform \
             keys, {threads} threads, a publish for each write."
        ),
        axis: "entries",
        cases: [100, 99, 90, 75].into_iter().flat_map(sizes).collect(),
        since: Mode::Full,
        ..Figure::DEFAULT
    }
}

/// evmap's readers and writers.
pub(super) fn evmap(settings: &Settings) -> Figure {
    let most = settings.mixers().max(2) * 2;
    let readers = || iter::successors(Some(1), |n| Some(n * 2)).take_while(|&n| n <= most);
    let mut cases = Vec::new();
    for (name, keys) in [
        ("uniform", Distribution::Uniform),
        ("zipf 1.03", Distribution::Zipf(1.03)),
    ] {
        for (panel, writers) in [("1 writer", 1), ("2 writers", 2)] {
            let writers = vec![Task::WRITE.keys(keys); writers];
            cases.extend(readers().map(|readers| {
                let tasks = Task::READ.keys(keys).times_and(readers, &writers);
                let panel = format!("{name}, {panel}");
                Case::numbers(panel, readers as f64, Load::new(ENTRIES, tasks))
            }));
        }
    }
    Figure {
        id: "evmap",
        title: "evmap's readers and writers",
        definition: format!(
            "Some threads read and some write, as fast as they can, with a publish for each write; {MANY} entries. \
             More threads than cores take turns: the scheduler is measured too."
        ),
        axis: "readers",
        metrics: &[Metric::Reads, Metric::Writes],
        cases,
        since: Mode::Full,
        ..Figure::DEFAULT
    }
}

/// papaya's growing map.
pub(super) fn growth(settings: &Settings) -> Figure {
    let most: u32 = match settings.mode {
        Mode::Quick | Mode::Standard => 100_000,
        Mode::Full => 1_000_000,
    };
    let load = Load::of(1, Task::GROW.pace(Pace::Timed(most.into())), 1);
    Figure {
        id: "growth",
        title: "Inserting while the map grows",
        definition: format!(
            "One thread inserts new keys into an empty map and publishes each. Every insert is timed by itself, with \
             the readings of the clock. It stops after {most} entries or at the end of its time: how far it came is a \
             figure of its own. From papaya."
        ),
        metrics: &[
            Metric::WriteAt(Tail::P50),
            Metric::WriteAt(Tail::P99),
            Metric::WriteAt(Tail::MAX),
            Metric::Entries,
        ],
        cases: vec![Case::numbers(
            "publish every 1",
            0.0,
            load.own(most).growing(),
        )],
        since: Mode::Standard,
        ..Figure::DEFAULT
    }
}
