//! Figures that no other project publishes, and the user's own keys and operations.

use alloc::rc::Rc;
use core::time::Duration;

use super::figure::{
    Case, ENTRIES, Figure, MANY, Mode, Question, Settings, some_threads, threads_that,
};
use crate::drive::load::{Load, Pace, Task};
use crate::drive::stuck;
use crate::metric::{Metric, Tail};
use crate::workload::input::Trace;
use crate::workload::keyspace::Distribution;

/// Lookups of text, alone and beside a writer.
pub(super) fn names(settings: &Settings) -> Figure {
    const BATCH: usize = 10;
    let readers = settings.readers();
    let keys = Distribution::Zipf(1.0);
    let write = Task::WRITE.keys(keys).batch(BATCH);
    let case = |panel, others: &[Task]| {
        let tasks = Task::READ.keys(keys).times_and(readers, others);
        let load = Load::new(settings.texts.len(), tasks);
        Case::new(panel, Question::Texts(settings.texts.clone(), load))
    };
    Figure {
        id: "names",
        title: "A lookup of text",
        definition: format!(
            "{} {}, asked for by Zipf (exponent 1); {}. A read is the median block of 1,000 lookups: hashing, \
             entering, comparing keys, leaving, checking the value. Beside a writer: one more thread publishes \
             batches of {BATCH} overwritten values as fast as it can, which no real writer does.",
            settings.texts.len(),
            settings.texts.origin,
            threads_that(readers, "read"),
        ),
        metrics: &[Metric::Read, Metric::Reads, Metric::Writes],
        cases: vec![case("alone", &[]), case("beside a writer", &[write])],
        ..Figure::DEFAULT
    }
}

/// The user's own operations, by a number of threads.
pub(crate) fn replay(trace: &Rc<Trace>, threads: usize, publish: usize) -> Case {
    let panel = format!("{}, publish every {publish}", some_threads(threads));
    let task = Task::READ.batch(publish);
    let load = Load::of(0, task, threads);
    Case::new(panel, Question::Trace(Rc::clone(trace), load))
}

/// The user's own operations.
pub(super) fn trace(settings: &Settings) -> Option<Figure> {
    let trace = settings.trace.as_ref()?;
    let threads = settings.threads_or(&[settings.mixers()]);
    let cases = |publish| threads.iter().map(move |&it| replay(trace, it, publish));
    Some(Figure {
        id: "trace",
        title: "Your trace",
        definition: format!(
            "{}, {:.1} % of them writes, again and again, from another start for each thread. The map begins with \
             all of its keys.",
            trace.origin(),
            trace.write_share() * 100.0,
        ),
        cases: cases(1).chain(cases(100)).collect(),
        ..Figure::DEFAULT
    })
}

/// One value instead of a map.
pub(super) fn cells(settings: &Settings) -> Figure {
    let readers = settings.mixers();
    let mut cases = vec![
        Case::new("alone", Question::Cell(1, false)),
        Case::new("beside a writer", Question::Cell(1, true)),
    ];
    if settings.mode == Mode::Full && readers > 1 {
        let question = Question::Cell(readers, false);
        cases.push(Case::new(format!("{readers} readers"), question));
    }
    Figure {
        id: "cells",
        title: "A read of one value",
        definition: "Two words in a cell. A read enters, copies them, leaves, and checks that they belong together. \
                     The median block of 1,000 reads. epoch-refresh takes one guard for each block and refreshes it \
                     for each read; arc-swap-cache keeps a reference in the same way. Beside a writer: one more \
                     thread stores as fast as it can. local is for one thread, so it has no writer beside it; \
                     triple-buffer is for one reader."
            .to_owned(),
        metrics: &[Metric::Read, Metric::Writes],
        cases,
        ..Figure::DEFAULT
    }
}

/// How long can a read take, at worst?
pub(super) fn tail(settings: &Settings) -> Figure {
    const TICK: Duration = Duration::from_micros(2);
    const READ: Task = Task::READ
        .keys(Distribution::Zipf(0.99))
        .pace(Pace::Open(TICK));
    let readers = settings.readers();
    let publishing = |panel, pace| {
        let write = Task::WRITE.batch(100).pace(pace);
        let tasks = READ.times_and(readers, &[write]);
        Case::numbers(panel, 0.0, Load::new(ENTRIES, tasks))
    };
    let paced = Pace::Paced(Duration::from_millis(1));
    let mut cases = vec![publishing("while the writer publishes", paced)];
    if settings.mode > Mode::Quick {
        let tasks = READ.times_and(readers, &[Task::GROW.batch(10)]);
        let load = Load::new(1000, tasks).own(1 << 23).growing();
        cases.push(Case::numbers("while the map resizes", 0.0, load));
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
            TICK.as_micros(),
        ),
        metrics: &[
            Metric::ReadAt(Tail::P50),
            Metric::ReadAt(Tail::P99),
            Metric::ReadAt(Tail::P999),
            Metric::ReadAt(Tail::P9999),
            Metric::ReadAt(Tail::MAX),
            Metric::Writes,
        ],
        cases,
        weight: 2,
        ..Figure::DEFAULT
    }
}

/// How long does a write take while one reader keeps its guard?
pub(super) fn stuck() -> Figure {
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
            Metric::WriteAt(Tail::MAX),
        ],
        cases: vec![
            Case::new("a map", Question::StuckMap),
            Case::new("one value", Question::StuckCell),
        ],
        // A shorter one shows only the 100 ms for which our maps wait.
        since: Mode::Full,
        weight: 5,
        ..Figure::DEFAULT
    }
}

/// From which share of writes on is which map better?
pub(super) fn crossover(settings: &Settings) -> Figure {
    const SHARES: [f64; 10] = [0.0, 0.01, 0.04, 0.1, 0.4, 1.0, 2.0, 5.0, 10.0, 20.0];
    let threads = settings.mixers();
    let (shares, batches): (&[f64], &[usize]) = match settings.mode {
        Mode::Full => (&SHARES, &[1, 10, 100, 1000]),
        _ => (&[0.0, 0.1, 1.0, 5.0, 20.0], &[1, 100]),
    };
    let cases = |&batch: &usize| {
        let panel = match batch {
            1 => "publish every write".to_owned(),
            _ => format!("publish every {batch} writes"),
        };
        shares.iter().map(move |&percent| {
            let task = Task::put(percent / 100.0).batch(batch);
            Case::numbers(&*panel, percent, Load::of(ENTRIES, task, threads))
        })
    };
    Figure {
        id: "crossover",
        title: "The crossover",
        definition: format!(
            "Operations a second against the share of writes. {threads} threads read and overwrite; uniform keys, \
             {MANY} entries. Each thread collects the writes of a batch, then makes all of them visible at once. \
             Maps without batches make them one by one. The share is exact, of 64,000 operations for each thread."
        ),
        axis: "% writes",
        cases: batches.iter().flat_map(cases).collect(),
        since: Mode::Standard,
        ..Figure::DEFAULT
    }
}
