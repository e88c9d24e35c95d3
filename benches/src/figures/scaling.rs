//! More threads, more readers, more entries, more writes a publish; and one of ours against a
//! few others.

use super::figure::{
    Case, Duel, ENTRIES, Figure, MANY, Mode, Question, Settings, some_threads, threads_that,
};
use crate::drive::load::{Load, Task};
use crate::metric::Metric;

/// What do rarer publishes buy the writer?
pub(super) fn interval(settings: &Settings) -> Figure {
    let readers = settings.readers();
    let case = |batch: usize| {
        let write = Task::WRITE.batch(batch);
        let tasks = Task::READ.times_and(readers, &[write]);
        Case::numbers("", batch as f64, Load::new(ENTRIES, tasks))
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
        axis: "writes a publish",
        metrics: &[Metric::Writes, Metric::Reads],
        cases: batches.iter().copied().map(case).collect(),
        since: Mode::Full,
        ..Figure::DEFAULT
    }
}

/// 1 to N threads.
pub(super) fn threads(settings: &Settings) -> Figure {
    let mut cases = Vec::new();
    for (panel, writers) in [
        ("readers alone", &[][..]),
        ("beside a writer", &[Task::WRITE]),
    ] {
        cases.extend(settings.thread_counts.iter().map(|&readers| {
            let load = Load::new(ENTRIES, Task::READ.times_and(readers, writers));
            Case::numbers(panel, readers as f64, load)
        }));
    }
    Figure {
        id: "threads",
        title: "Reading threads",
        definition: format!(
            "Reads a second of all threads together. Uniform keys, {MANY} entries; the writer publishes every write, \
             as fast as it can. More threads than cores take turns."
        ),
        axis: "readers",
        metrics: &[Metric::Reads],
        cases,
        since: Mode::Full,
        ..Figure::DEFAULT
    }
}

/// 1 to 10,000 registered readers.
pub(super) fn idle() -> Figure {
    let case = |idle: usize| {
        let load = Load::of(1000, Task::WRITE, 1);
        Case::numbers("", idle as f64, Load { idle, ..load })
    };
    Figure {
        id: "readers",
        title: "Registered readers",
        definition: "One thread publishes every overwrite, as fast as it can, in a map of 1,000 entries, beside a \
                     number of readers that have read once and rest, on one other thread. Maps that know threads, and \
                     not handles, have one of them whatever the number."
            .to_owned(),
        axis: "registered readers",
        metrics: &[Metric::Writes],
        cases: [1, 10, 100, 1000, 10_000].map(case).into(),
        since: Mode::Full,
        ..Figure::DEFAULT
    }
}

/// 100 to 10 M entries.
pub(super) fn sizes(settings: &Settings) -> Figure {
    /// With more entries, one map is built after the other.
    const TOGETHER: u32 = 1_000_000;
    let threads = settings.mixers();
    let case = |entries: u32| Case {
        apart: entries > TOGETHER,
        ..Case::numbers("", entries.into(), Load::of(entries, Task::READ, threads))
    };
    Figure {
        id: "sizes",
        title: "The size of the map",
        definition: format!(
            "A read is the median block of 1,000, by {threads} threads, uniform keys, no writes. Maps of more \
             than 1,000,000 entries are measured one after the other, since not all fit into memory: what disturbs \
             the machine for a while disturbs only one of them."
        ),
        axis: "entries",
        metrics: &[Metric::Read],
        cases: (2..=7).map(|zeros| case(10_u32.pow(zeros))).collect(),
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
    let case = |&entries: &u32| Case::new(format!("{entries} entries"), Question::Size(entries));
    Figure {
        id: "memory",
        title: "Bytes for an entry",
        definition: "What the allocator gave and did not get back, divided by the entries, after a map of 8 bytes for \
                     a key and 8 for a value was filled in batches of 1,000: both copies, and what a log keeps. \
                     Counted, not measured: the same every time."
            .to_owned(),
        metrics: &[Metric::Bytes],
        cases: entries.iter().map(case).collect(),
        since: Mode::Standard,
        ..Figure::DEFAULT
    }
}

/// A figure with a case for each number of threads and each share of writes in percent.
fn duels(
    (id, title, note): (&'static str, &'static str, &str),
    threads: &[usize],
    shares: &[f64],
    duel: impl Fn(usize, f64) -> Duel,
) -> Figure {
    let case = |threads: usize, percent: f64| {
        let load = Load::of(ENTRIES, Task::put(percent / 100.0), threads);
        let duel = Some(duel(threads, percent));
        let case = Case::numbers(some_threads(threads), percent, load);
        Case { duel, ..case }
    };
    let mut cases = Vec::new();
    for &threads in threads {
        cases.extend(shares.iter().map(|&percent| case(threads, percent)));
    }
    Figure {
        id,
        title,
        definition: format!(
            "Threads read and overwrite, uniform keys, {MANY} entries, each write published. Contenders take turns in \
             {} rounds. A ratio is the median of the rounds' ratios, with the least and the greatest round, and the \
             bar that it has to reach.{note}",
            Duel::ROUNDS
        ),
        axis: "% writes",
        cases,
        since: Mode::Full,
        ..Figure::DEFAULT
    }
}

/// The map of most users against the naive composition of its parts, and others.
pub(super) fn mix(settings: &Settings) -> Figure {
    let shares = [0.04, 0.2, 1.0, 2.0, 5.0, 10.0, 50.0, 90.0];
    let duel = |_, percent: f64| {
        let dashmap = match percent {
            ..=5.0 => 1.0,
            ..=10.0 => 0.7,
            _ => 0.25,
        };
        Duel {
            ours: "concurrent",
            others: vec![
                ("mutex-writer", Some(0.9)),
                ("evmap", Some(1.0)),
                ("dashmap", Some(dashmap)),
                ("papaya", (percent <= 5.0).then_some(1.0)),
            ],
        }
    };
    let title = "ConcurrentHashMap against a mutex around its parts";
    let threads = settings.threads_or(&[2, 8]);
    duels(("mix", title, ""), &threads, &shares, duel)
}

/// What does it cost that the epochs' fence is not known in advance?
pub(super) fn fences(settings: &Settings) -> Figure {
    let shares = [0.01, 0.04, 0.2, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0];
    let duel = |threads, _| {
        let bar = Some(if threads <= 2 { 0.85 } else { 0.8 });
        Duel {
            ours: "adaptive",
            others: vec![("symmetric", bar), ("asymmetric", bar)],
        }
    };
    let title = "The fence that EpochStrategy decides for against both that it may have";
    let note =
        " The last column is the ratio to the better of the two. A Writer in a mutex and Readers.";
    let threads = settings.threads_or(&[1, 2, 8]);
    duels(("fences", title, note), &threads, &shares, duel)
}
