//! One of ours against a few others, round by round, at a ladder of write shares.

use super::{
    Case, Chart, Duel, ENTRIES, Figure, MANY, Mode, Plain, Settings, load, numbers, some_threads,
};
use crate::metric::Metric;
use crate::script::Mix;
use crate::space::Space;

/// A case for each number of threads and each share of writes in percent.
fn ladder(threads: &[usize], shares: &[f64], duel: impl Fn(usize, f64) -> Duel) -> Vec<Case> {
    let mut cases = Vec::new();
    for &threads in threads {
        for &percent in shares {
            let case = numbers(&some_threads(threads), percent, move || {
                let mix = Plain::mix(Mix::put(percent / 100.0));
                load(Space::numbers(ENTRIES), 0, &vec![mix; threads])
            });
            cases.push(Case {
                duel: Some(duel(threads, percent)),
                ..case
            });
        }
    }
    cases
}

/// What the threads of such a figure do, in words.
fn loads() -> String {
    format!(
        "Threads read and overwrite, uniform keys, {MANY} entries, each write published. Contenders take turns \
         in {} rounds. A ratio is the median of the rounds' ratios, with the least and the greatest round",
        Duel::ROUNDS
    )
}

/// The map of most users against the naive composition of its parts, and others.
pub(super) fn mix(settings: &Settings) -> Figure {
    let shares = [0.04, 0.2, 1.0, 2.0, 5.0, 10.0, 50.0, 90.0];
    let duel = |_, percent: f64| Duel {
        ours: "concurrent",
        others: vec![
            ("mutex-writer", Some(0.9)),
            ("evmap", Some(1.0)),
            (
                "dashmap",
                Some(match percent {
                    ..=5.0 => 1.0,
                    ..=10.0 => 0.7,
                    _ => 0.25,
                }),
            ),
            ("papaya", (percent <= 5.0).then_some(1.0)),
        ],
    };
    Figure {
        id: "mix",
        title: "ConcurrentHashMap against a mutex around its parts",
        definition: format!("{}, and the bar that it is held to.", loads()),
        chart: Chart::Ladder("% writes"),
        metrics: &[Metric::Ops],
        cases: ladder(&settings.threads_or(&[2, 8]), &shares, duel),
        since: Mode::Full,
        weight: 1,
    }
}

/// What does it cost that the epochs' fence is not known in advance?
pub(super) fn fences(settings: &Settings) -> Figure {
    let shares = [0.01, 0.04, 0.2, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0];
    let duel = |threads, _| {
        let bar = if threads <= 2 { 0.85 } else { 0.8 };
        Duel {
            ours: "adaptive",
            others: vec![("symmetric", Some(bar)), ("asymmetric", Some(bar))],
        }
    };
    Figure {
        id: "fences",
        title: "The fence that EpochStrategy decides for against both that it may have",
        definition: format!(
            "{}, and the bar that it is held to. The last column is the regret: what deciding is worth beside \
             the better of the two. A Writer in a mutex and Readers.",
            loads()
        ),
        chart: Chart::Ladder("% writes"),
        metrics: &[Metric::Ops],
        cases: ladder(&settings.threads_or(&[1, 2, 8]), &shares, duel),
        since: Mode::Full,
        weight: 1,
    }
}
