//! The figures that nobody else publishes.

use core::time::Duration;

use super::figure::{Case, Chart, Figure, Mode, Settings};
use super::loads::{ENTRIES, MANY, Task, load, numbers, threads_that};
use crate::drive::maps::Load;
use crate::drive::stuck;
use crate::drive::thread::{Pace, Publish};
use crate::metric::{Metric, Tail};
use crate::workload::keyspace::{Distribution, Keyspace};
use crate::workload::ops::Mix;

/// From which share of writes on is which map better?
pub(super) fn crossover(settings: &Settings) -> Figure {
    let threads = settings.mixers();
    let (shares, publishes): (&[f64], &[Publish]) = match settings.mode {
        Mode::Full => (
            &[0.0, 0.01, 0.04, 0.1, 0.4, 1.0, 2.0, 5.0, 10.0, 20.0],
            &[
                Publish::Each(1),
                Publish::Each(10),
                Publish::Each(100),
                Publish::Each(1000),
                Publish::After(Duration::from_millis(1)),
            ],
        ),
        _ => (
            &[0.0, 0.1, 1.0, 5.0, 20.0],
            &[Publish::Each(1), Publish::Each(100)],
        ),
    };
    let case = |publish: Publish, percent: f64| {
        let panel = match publish {
            Publish::Each(1) => "publish every write".to_owned(),
            Publish::Each(changes) => format!("publish every {changes} writes"),
            Publish::After(time) => format!("publish every {} ms", time.as_millis()),
        };
        Case::numbers(&panel, percent, move || {
            let task = Task::mix(Mix::put(percent / 100.0)).publish(publish);
            numbers(ENTRIES, 0, task, threads)
        })
    };
    let cases = |&publish| shares.iter().map(move |&share| case(publish, share));
    Figure {
        id: "crossover",
        title: "The crossover",
        definition: format!(
            "Operations a second against the share of writes. {threads} threads read and overwrite; uniform keys, \
             {MANY} entries. Each thread collects the writes of a batch, then makes all of them visible at once. \
             Maps without batches make them one by one. The share is exact, of 64,000 operations for each thread."
        ),
        chart: Chart::Lines("% writes"),
        cases: publishes.iter().flat_map(cases).collect(),
        since: Mode::Standard,
        ..Figure::DEFAULT
    }
}

/// What do rarer publishes buy the writer?
pub(super) fn interval(settings: &Settings) -> Figure {
    let readers = settings.readers();
    let case = |&batch: &usize| {
        Case::numbers("", batch as f64, move || {
            let write = Task::WRITE.publish(Publish::Each(batch));
            let tasks = Task::READ.times_and(readers, write);
            load(Keyspace::numbers(ENTRIES), 0, &tasks)
        })
    };
    let batches: &[usize] = match settings.mode {
        Mode::Full => &[1, 3, 10, 30, 100, 300, 1000, 10_000],
        _ => &[1, 10, 100, 1000],
    };
    Figure {
        id: "interval",
        title: "Writes a second against the publish interval",
        definition: format!(
            "One thread overwrites as fast as it can and publishes after a number of writes; {} meanwhile. Uniform \
             keys, {MANY} entries.",
            threads_that(readers, "read")
        ),
        chart: Chart::Lines("writes a publish"),
        metrics: &[Metric::Writes, Metric::Reads],
        cases: batches.iter().map(case).collect(),
        since: Mode::Full,
        ..Figure::DEFAULT
    }
}

/// How long can a read take, at worst?
pub(super) fn tail(settings: &Settings) -> Figure {
    let readers = settings.readers();
    let tick = Duration::from_micros(2);
    let read = Task::READ
        .keys(Distribution::Zipf(0.99))
        .pace(Pace::Open(tick));
    let publishing = |panel: &str, pace: Pace| {
        Case::numbers(panel, 0.0, move || {
            let write = Task::WRITE.publish(Publish::Each(100)).pace(pace);
            load(
                Keyspace::numbers(ENTRIES),
                0,
                &read.times_and(readers, write),
            )
        })
    };
    let paced = Pace::Paced(Duration::from_millis(1));
    let mut cases = vec![publishing("while the writer publishes", paced)];
    if settings.mode > Mode::Quick {
        cases.push(Case::numbers("while the map resizes", 0.0, move || {
            let tasks = read.times_and(readers, Task::GROW.publish(Publish::Each(10)));
            let load = load(Keyspace::numbers(1000), 1 << 23, &tasks);
            Load {
                grows: true,
                ..load
            }
        }));
    }
    if settings.mode == Mode::Full {
        cases.push(publishing("while the writer never rests", Pace::Closed));
    }
    Figure {
        id: "tail",
        title: "Read latency beside a writer",
        definition: format!(
            "By an open schedule {} once every {} µs. Each read is timed from the moment it was due: a late read \
             makes the next ones late, and that counts. Zipf keys, {MANY} entries. Publishing: 100 overwrites a \
             publish, 1,000 publishes a second. Resizing: a map of 1,000 entries grows as fast as it can, 10 inserts \
             a publish; writes/s says how far it comes. Every latency includes the readings of the clock. Of fewer \
             reads than a percentile takes, it is the worst of them.",
            threads_that(readers, "read"),
            tick.as_micros(),
        ),
        metrics: &[
            Metric::ReadAt(Tail::P50),
            Metric::ReadAt(Tail::P99),
            Metric::ReadAt(Tail::P999),
            Metric::ReadAt(Tail::P9999),
            Metric::ReadAt(Tail::Max),
            Metric::Writes,
        ],
        cases,
        weight: 2,
        ..Figure::DEFAULT
    }
}

/// How long does a write take while one reader keeps its guard?
pub(super) fn stuck(settings: &Settings) -> Figure {
    let mut cases = vec![Case::stuck_maps("a map")];
    if settings.mode > Mode::Quick {
        cases.push(Case::stuck_cells("one value"));
    }
    Figure {
        id: "stuck",
        title: "Write latency under a stuck reader",
        definition: format!(
            "One reader keeps what the contender's API gives to a reader (a guard, a reference, a pin) for the whole \
             measurement, which is {} s with --full and shorter otherwise. Another thread writes once every {} ms by \
             an open schedule, to {} keys in turn, of which the reader has one, and publishes each write. Each write \
             is timed from the moment it was due: a write that waits for the reader makes the next ones late, and that \
             counts. A map of {} entries, or one value. kovan-map gives clones only, so its reader keeps nothing.",
            stuck::LONGEST.as_secs(),
            stuck::TICK.as_millis(),
            stuck::WRITTEN,
            stuck::ENTRIES,
        ),
        metrics: &[
            Metric::WriteAt(Tail::P50),
            Metric::WriteAt(Tail::P99),
            Metric::WriteAt(Tail::Max),
        ],
        cases,
        weight: match settings.mode {
            Mode::Quick => 1,
            Mode::Standard => 2,
            Mode::Full => 5,
        },
        ..Figure::DEFAULT
    }
}
