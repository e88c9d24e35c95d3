//! One of ours against a few others, round by round, over the share of writes.

use super::figure::{Case, Chart, Duel, Figure, Mode, Settings};
use super::loads::{ENTRIES, MANY, Task, numbers, some_threads};
use crate::workload::ops::Mix;

/// A figure with a case for each number of threads and each share of writes in percent.
fn figure(
    (id, title, note): (&'static str, &'static str, &str),
    threads: &[usize],
    shares: &[f64],
    duel: impl Fn(usize, f64) -> Duel,
) -> Figure {
    let case = |threads: usize, percent: f64| {
        let case = Case::numbers(&some_threads(threads), percent, move || {
            numbers(ENTRIES, 0, Task::mix(Mix::put(percent / 100.0)), threads)
        });
        case.between(duel(threads, percent))
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
        chart: Chart::Lines("% writes"),
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
    let name = (
        "mix",
        "ConcurrentHashMap against a mutex around its parts",
        "",
    );
    figure(name, &settings.threads_or(&[2, 8]), &shares, duel)
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
    let name = (
        "fences",
        "The fence that EpochStrategy decides for against both that it may have",
        " The last column is the regret: what deciding is worth beside the better of the two. A Writer in a mutex and \
         Readers.",
    );
    figure(name, &settings.threads_or(&[1, 2, 8]), &shares, duel)
}
