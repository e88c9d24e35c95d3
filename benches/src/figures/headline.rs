//! The figures that nobody else publishes.

use core::time::Duration;

use super::{
    Case, Chart, ENTRIES, Figure, MANY, Mode, Plain, Settings, load, numbers, threads_that,
};
use crate::drive::{Load, Publish, Way};
use crate::metric::{Metric, Tail};
use crate::script::Mix;
use crate::space::{Keys, Space};

/// From which share of writes on is which map better?
pub(super) fn crossover(settings: &Settings) -> Figure {
    let threads = settings.mixers();
    let (shares, publishes): (&[f64], &[Publish]) = if settings.mode == Mode::Full {
        (
            &[0.0, 0.01, 0.04, 0.1, 0.4, 1.0, 2.0, 5.0, 10.0, 20.0],
            &[
                Publish::Each(1),
                Publish::Each(10),
                Publish::Each(100),
                Publish::Each(1000),
                Publish::After(Duration::from_millis(1)),
            ],
        )
    } else {
        (
            &[0.0, 0.1, 1.0, 5.0, 20.0],
            &[Publish::Each(1), Publish::Each(100)],
        )
    };
    let case = |publish: Publish, percent: f64| {
        let panel = match publish {
            Publish::Each(1) => "publish every write".to_owned(),
            Publish::Each(changes) => format!("publish every {changes} writes"),
            Publish::After(time) => format!("publish every {} ms", time.as_millis()),
        };
        numbers(&panel, percent, move || {
            let mix = Plain::mix(Mix::put(percent / 100.0)).publish(publish);
            load(Space::numbers(ENTRIES), 0, &vec![mix; threads])
        })
    };
    let cases = |&publish: &Publish| -> Vec<Case> {
        shares.iter().map(|&share| case(publish, share)).collect()
    };
    Figure {
        id: "crossover",
        title: "The crossover",
        definition: format!(
            "Operations a second against the share of writes. {threads} threads read and overwrite; uniform \
             keys, {MANY} entries. Each thread collects as many writes as a batch has, then makes all of \
             them visible at once. Maps that know no batches make them one by one. Of each thread's 64,000 \
             operations the share is exact."
        ),
        chart: Chart::Ladder("% writes"),
        metrics: &[Metric::Ops],
        cases: publishes.iter().flat_map(cases).collect(),
        since: Mode::Standard,
        weight: 1,
    }
}

/// What do rarer publishes buy the writer?
pub(super) fn interval(settings: &Settings) -> Figure {
    let readers = settings.readers();
    let case = |batch: usize| {
        numbers("", batch as f64, move || {
            let write = Plain::mix(Mix::put(1.0)).publish(Publish::Each(batch));
            let mut threads = vec![Plain::READ; readers];
            threads.push(write);
            load(Space::numbers(ENTRIES), 0, &threads)
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
            "One thread overwrites as fast as it can and publishes every so many writes; {} \
             meanwhile. Uniform keys, {MANY} entries.",
            threads_that(readers, "read")
        ),
        chart: Chart::Ladder("writes a publish"),
        metrics: &[Metric::Writes, Metric::Reads],
        cases: batches.iter().map(|&batch| case(batch)).collect(),
        since: Mode::Full,
        weight: 1,
    }
}

/// How long can a read take, at worst?
pub(super) fn tail(settings: &Settings) -> Figure {
    let readers = settings.readers();
    let tick = Duration::from_micros(2);
    let read = Plain::READ.keys(Keys::Zipf(0.99)).way(Way::Open(tick));
    let publishing = |panel: &str, way: Way| {
        numbers(panel, 0.0, move || {
            let write = Plain::mix(Mix::put(1.0))
                .publish(Publish::Each(100))
                .way(way);
            let mut threads = vec![read; readers];
            threads.push(write);
            load(Space::numbers(ENTRIES), 0, &threads)
        })
    };
    let paced = Way::Paced(Duration::from_millis(1));
    let mut cases = vec![publishing("while the writer publishes", paced)];
    if settings.mode > Mode::Quick {
        cases.push(numbers("while the map resizes", 0.0, move || {
            let grow = Plain::mix(Mix::GROW).publish(Publish::Each(10));
            let mut threads = vec![read; readers];
            threads.push(grow);
            Load {
                grows: true,
                ..load(Space::numbers(1000), 1 << 23, &threads)
            }
        }));
    }
    if settings.mode == Mode::Full {
        cases.push(publishing("while the writer never rests", Way::Closed));
    }
    Figure {
        id: "tail",
        title: "Read latency while somebody writes",
        definition: format!(
            "By an open schedule {} once every {} µs, each read timed by itself from the moment \
             it was due: a read that is late makes the next ones late, and that counts. Zipf keys, \
             {MANY} entries. Publishing: 100 overwrites a publish, 1,000 publishes a second. Resizing: a \
             map of 1,000 entries grows as fast as it can, 10 inserts a publish; how far it \
             comes differs, and writes/s says how far. Every latency includes the \
             looks at the clock. Of fewer reads than a percentile takes it is the worst of them.",
            threads_that(readers, "read"),
            tick.as_micros(),
        ),
        chart: Chart::Bars,
        metrics: &[
            Metric::ReadAt(Tail::P50),
            Metric::ReadAt(Tail::P99),
            Metric::ReadAt(Tail::P999),
            Metric::ReadAt(Tail::P9999),
            Metric::ReadAt(Tail::Max),
            Metric::Writes,
        ],
        cases,
        since: Mode::Quick,
        weight: 2,
    }
}
