//! Loads that others publish their figures for, scaled to this machine.

use core::iter;

use super::figure::{Case, Chart, Figure, Mode, Settings};
use super::loads::{ENTRIES, MANY, Task, load, numbers};
use crate::drive::maps::Load;
use crate::drive::thread::Pace;
use crate::metric::{Metric, Tail};
use crate::workload::keyspace::{Distribution, Keyspace};
use crate::workload::ops::Mix;

/// The Yahoo benchmark's mixes that read.
pub(super) fn ycsb(settings: &Settings) -> Figure {
    let threads = settings.mixers();
    let case = |panel, share| {
        Case::numbers(panel, 0.0, move || {
            let task = Task::mix(Mix::put(share)).keys(Distribution::Zipf(0.99));
            numbers(ENTRIES, 0, task, threads)
        })
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
    let case = |panel, mix: Mix| {
        let load = move || numbers(ENTRIES, OWN, Task::mix(mix), threads);
        Case::numbers(panel, 0.0, load)
    };
    let mut cases = vec![
        case("ReadHeavy", Mix::of(0.0, 0.01, 0.01)),
        case("Exchange", Mix::of(0.1, 0.4, 0.4)),
    ];
    if settings.mode > Mode::Quick {
        cases.push(Case::numbers("RapidGrow", 0.0, move || {
            let load = numbers(1000, 1 << 22, Task::mix(Mix::of(0.1, 0.8, 0.05)), threads);
            Load {
                grows: true,
                ..load
            }
        }));
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
        Case::numbers(panel, 0.0, move || {
            numbers(
                ENTRIES,
                0,
                Task::mix(Mix::put(1.0 / (reads + 1.0))),
                threads,
            )
        })
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
        let share = 1.0 - f64::from(reads) / 100.0;
        Case::numbers(&format!("{reads} % reads"), entries.into(), move || {
            let own = (entries / 4).clamp(16, OWN);
            let mix = Mix::of(0.0, share / 2.0, share / 2.0);
            numbers(entries, own, Task::mix(mix), threads)
        })
    };
    let sizes = |reads| [100, 1000, 100_000, 1_000_000].map(|entries| case(reads, entries));
    Figure {
        id: "xsync",
        title: "xsync's loads and sizes",
        definition: format!(
            "100, 99, 90 and 75 % reads, the rest inserts and removes in equal parts, of 100 to 1 M entries; uniform \
             keys, {threads} threads, a publish for each write."
        ),
        chart: Chart::Lines("entries"),
        cases: [100, 99, 90, 75].into_iter().flat_map(sizes).collect(),
        since: Mode::Full,
        ..Figure::DEFAULT
    }
}

/// evmap's readers and writers.
pub(super) fn evmap(settings: &Settings) -> Figure {
    let case = |readers: usize, writers: usize, (name, keys): (&str, Distribution)| {
        let s = if writers == 1 { "" } else { "s" };
        let panel = format!("{name}, {writers} writer{s}");
        Case::numbers(&panel, readers as f64, move || {
            let read = iter::repeat_n(Task::READ.keys(keys), readers);
            let write = iter::repeat_n(Task::WRITE.keys(keys), writers);
            let tasks: Vec<_> = read.chain(write).collect();
            load(Keyspace::numbers(ENTRIES), 0, &tasks)
        })
    };
    let most = settings.mixers().max(2) * 2;
    let readers = || iter::successors(Some(1), |n| Some(n * 2)).take_while(|&n| n <= most);
    let mut cases = Vec::new();
    for keys in [
        ("uniform", Distribution::Uniform),
        ("zipf 1.03", Distribution::Zipf(1.03)),
    ] {
        for writers in [1, 2] {
            cases.extend(readers().map(|readers| case(readers, writers, keys)));
        }
    }
    Figure {
        id: "evmap",
        title: "evmap's readers and writers",
        definition: format!(
            "Some threads read and some write, as fast as they can, with a publish for each write; {MANY} entries. \
             More threads than cores take turns: the scheduler is measured too."
        ),
        chart: Chart::Lines("readers"),
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
    let case = Case::numbers("publish every 1", 0.0, move || {
        let load = numbers(1, most, Task::GROW.pace(Pace::Timed(most.into())), 1);
        Load {
            grows: true,
            ..load
        }
    });
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
            Metric::WriteAt(Tail::Max),
            Metric::Entries,
        ],
        cases: vec![case],
        since: Mode::Standard,
        ..Figure::DEFAULT
    }
}
