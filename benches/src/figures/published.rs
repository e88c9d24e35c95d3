//! Loads that others publish their figures for, scaled to this machine.

use core::iter;

use super::{Chart, ENTRIES, Figure, MANY, Mode, Plain, Settings, load, numbers};
use crate::drive::{Load, Publish, Way};
use crate::metric::{Metric, Tail};
use crate::script::Mix;
use crate::space::{Keys, Space};

/// The Yahoo benchmark's mixes that read.
pub(super) fn ycsb(settings: &Settings) -> Figure {
    let threads = settings.mixers();
    let case = |panel, share| {
        numbers(panel, 0.0, move || {
            let mix = Plain::mix(Mix::put(share)).keys(Keys::Zipf(0.99));
            load(Space::numbers(ENTRIES), 0, &vec![mix; threads])
        })
    };
    Figure {
        id: "ycsb",
        title: "YCSB B and C",
        definition: format!(
            "B: 95 % reads, 5 % overwrites. C: reads only. Zipf keys, exponent 0.99; {MANY} entries (YCSB: \
             records of a database), {threads} threads, a publish for each write."
        ),
        chart: Chart::Bars,
        metrics: &[Metric::Ops],
        cases: vec![case("B", 0.05), case("C", 0.0)],
        since: Mode::Quick,
        weight: 1,
    }
}

/// Keys that each thread inserts and removes.
const OWN: u32 = 1 << 14;

/// The three mixes of conc-map-bench.
pub(super) fn conc_map_bench(settings: &Settings) -> Figure {
    let threads = settings.mixers();
    let case = |panel, mix: Mix, entries: u32| {
        numbers(panel, 0.0, move || {
            load(
                Space::numbers(entries),
                OWN,
                &vec![Plain::mix(mix); threads],
            )
        })
    };
    let of = |put, grow, shrink| Mix { put, grow, shrink };
    let grow = numbers("RapidGrow", 0.0, move || {
        let mix = Plain::mix(of(0.1, 0.8, 0.05));
        Load {
            grows: true,
            ..load(Space::numbers(1000), 1 << 22, &vec![mix; threads])
        }
    });
    let mut cases = vec![
        case("ReadHeavy", of(0.0, 0.01, 0.01), ENTRIES),
        case("Exchange", of(0.1, 0.4, 0.4), ENTRIES),
    ];
    if settings.mode > Mode::Quick {
        cases.push(grow);
    }
    Figure {
        id: "conc-map-bench",
        title: "conc-map-bench",
        definition: format!(
            "read/insert/remove/update of 100. ReadHeavy 98/1/1/0, Exchange 10/40/40/10, RapidGrow 5/80/5/10 \
             from a new map each time. Uniform keys, {MANY} entries (there: tens of millions), {threads} \
             threads, a publish for each write. Each thread inserts and removes keys of its own; reads and \
             updates ask for keys that stay."
        ),
        chart: Chart::Bars,
        metrics: &[Metric::Ops],
        cases,
        since: Mode::Quick,
        weight: 1,
    }
}

/// The ratios of flashmap's own figures.
pub(super) fn flashmap(settings: &Settings) -> Figure {
    let threads = settings.mixers();
    let case = |panel, reads: f64| {
        numbers(panel, 0.0, move || {
            let mix = Plain::mix(Mix::put(1.0 / (reads + 1.0)));
            load(Space::numbers(ENTRIES), 0, &vec![mix; threads])
        })
    };
    Figure {
        id: "flashmap",
        title: "flashmap's ratios",
        definition: format!(
            "2500 reads to a write, and 50 to one; uniform keys, {MANY} entries, {threads} threads, a \
             publish for each write."
        ),
        chart: Chart::Bars,
        metrics: &[Metric::Ops],
        cases: vec![case("2500:1", 2500.0), case("50:1", 50.0)],
        since: Mode::Standard,
        weight: 1,
    }
}

/// xsync's ladder of loads and sizes.
pub(super) fn xsync(settings: &Settings) -> Figure {
    let threads = settings.mixers();
    let case = |reads: u32, entries: u32| {
        let panel = format!("{reads} % reads");
        let share = 1.0 - f64::from(reads) / 100.0;
        numbers(&panel, f64::from(entries), move || {
            let mix = Plain::mix(Mix {
                put: 0.0,
                grow: share / 2.0,
                shrink: share / 2.0,
            });
            let own = (entries / 4).clamp(16, OWN);
            load(Space::numbers(entries), own, &vec![mix; threads])
        })
    };
    let sizes = |reads| [100, 1000, 100_000, 1_000_000].map(|entries| case(reads, entries));
    Figure {
        id: "xsync",
        title: "xsync's ladder",
        definition: format!(
            "100, 99, 90 and 75 % reads, the rest inserts and removes in equal parts, of 100 to 1 M entries; \
             uniform keys, {threads} threads, a publish for each write."
        ),
        chart: Chart::Ladder("entries"),
        metrics: &[Metric::Ops],
        cases: [100, 99, 90, 75].into_iter().flat_map(sizes).collect(),
        since: Mode::Full,
        weight: 1,
    }
}

/// evmap's readers and writers.
pub(super) fn evmap(settings: &Settings) -> Figure {
    let case = |readers: usize, writers: usize, zipf: bool| {
        let keys = if zipf {
            Keys::Zipf(1.03)
        } else {
            Keys::Uniform
        };
        let name = if zipf { "zipf 1.03" } else { "uniform" };
        let writers_named = match writers {
            1 => "1 writer".to_owned(),
            _ => format!("{writers} writers"),
        };
        numbers(
            &format!("{name}, {writers_named}"),
            readers as f64,
            move || {
                let read = Plain::READ.keys(keys);
                let write = Plain::mix(Mix::put(1.0)).keys(keys);
                let threads: Vec<_> = iter::repeat_n(read, readers)
                    .chain(iter::repeat_n(write, writers))
                    .collect();
                load(Space::numbers(ENTRIES), 0, &threads)
            },
        )
    };
    let mut cases = Vec::new();
    for zipf in [false, true] {
        for writers in [1, 2] {
            let most = settings.mixers().max(2) * 2;
            let ladder = iter::successors(Some(1), |n| Some(n * 2)).take_while(|&n| n <= most);
            cases.extend(ladder.map(|readers| case(readers, writers, zipf)));
        }
    }
    Figure {
        id: "evmap",
        title: "evmap's readers and writers",
        definition: format!(
            "So many threads read and so many write, as fast as they can, with a publish for each write; \
             {MANY} entries. More threads than cores take turns: the scheduler is measured too."
        ),
        chart: Chart::Ladder("readers"),
        metrics: &[Metric::Reads, Metric::Writes],
        cases,
        since: Mode::Full,
        weight: 1,
    }
}

/// papaya's growing map.
pub(super) fn growth(settings: &Settings) -> Figure {
    let most: u32 = match settings.mode {
        Mode::Quick | Mode::Standard => 100_000,
        Mode::Full => 1_000_000,
    };
    let case = |publish: usize| {
        numbers(&format!("publish every {publish}"), 0.0, move || {
            let plain = Plain::mix(Mix::GROW)
                .publish(Publish::Each(publish))
                .way(Way::Timed(u64::from(most)));
            Load {
                grows: true,
                ..load(Space::numbers(1), most, &[plain])
            }
        })
    };
    Figure {
        id: "growth",
        title: "Inserting while the map grows",
        definition: format!(
            "One thread inserts new keys into an empty map and publishes each; every insert is timed by \
             itself, the look at the clock included. It stops after {most} entries or at the end of its \
             time: how far it came is a figure of its own. From papaya."
        ),
        chart: Chart::Bars,
        metrics: &[
            Metric::WriteAt(Tail::P50),
            Metric::WriteAt(Tail::P99),
            Metric::WriteAt(Tail::Max),
            Metric::Entries,
        ],
        cases: vec![case(1)],
        since: Mode::Standard,
        weight: 1,
    }
}
