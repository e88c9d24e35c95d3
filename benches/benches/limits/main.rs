//! How close reads come to what the machine allows, against stated bars.
//!
//! Contenders take turns, so that a busy machine slows all of them alike; what is
//! compared are medians of one run. criterion is not used: it measures one contender
//! after the other.
//!
//! ```sh
//! cargo bench -p dbuf-bench --bench limits            # a table, and lines of CSV
//! cargo bench -p dbuf-bench --bench limits -- --test  # does it run
//! ```
//!
//! `-- --count GROUP/NAME N` does N calls and nothing else, for `.ci/instructions`.
#![allow(
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc,
    reason = "a bench has std"
)]

mod subjects;
mod threads;

use std::time::{Duration, Instant};
use std::{env, process};

use dbuf_bench::bench::asked;
use subjects::{Subject, gets, inserts, reads};

/// How much of everything.
struct Plan {
    rounds: usize,
    /// Reads in a row.
    block: usize,
    /// Of a round with threads.
    time: Duration,
    publishes: u64,
}

const FULL: Plan = Plan {
    rounds: 301,
    block: 20_000,
    time: Duration::from_millis(40),
    publishes: 20_000,
};

const TEST: Plan = Plan {
    rounds: 1,
    block: 10,
    time: Duration::from_micros(100),
    publishes: 10,
};

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--count") {
        return count(&arguments[at + 1..]);
    }
    let Some(is_test) = asked("limits") else {
        return;
    };
    let plan = if is_test { TEST } else { FULL };
    println!("group,subject,median,least,unit");
    let read = in_turns(
        "read",
        reads(),
        &plan,
        &[
            ("epoch", "left-right", 0.25),
            ("epoch", "flashmap", 0.40),
            ("epoch", "arc-swap", 0.40),
            ("epoch-fenced", "left-right", 0.65),
            ("shared-two", "epoch-two", 1.3),
            ("epoch-refresh", "arc-swap-cache", 1.15),
        ],
    );
    let get = in_turns(
        "get",
        gets(),
        &plan,
        &[
            ("epoch", "hashbrown", 1.6),
            ("epoch-refresh", "hashbrown", 1.2),
            ("epoch", "flashmap", 0.65),
            ("epoch", "papaya", 0.65),
            ("epoch", "dashmap", 0.75),
            ("epoch", "evmap", 0.45),
            ("get_with", "dashmap", 1.0),
            ("get_with", "papaya", 0.9),
        ],
    );
    let _ = in_turns(
        "insert",
        inserts(),
        &plan,
        &[
            ("concurrent", "mutex-writer", 1.25),
            ("concurrent", "dashmap", 4.0),
        ],
    );
    at_most(
        "get: get_with less epoch, ns",
        get("get_with") - get("epoch"),
        2.0,
    );
    println!(
        "# of which a shared handle's read, ns: {:.2}",
        read("shared") - read("epoch")
    );
    let rounds = plan.rounds.div_ceil(8);
    for (every, bar) in [(100, 0.93), (1_000, 0.97)] {
        let ratios = threads::beside_a_writer(Duration::from_micros(every), rounds, plan.time);
        at_least(
            &format!("reads beside a publish every {every} us"),
            ratios,
            bar,
        );
    }
    let ratios = threads::two_readers(rounds, plan.time);
    at_least("two readers by one", ratios, 1.9);
    for (reads, bar) in [(false, 1.0), (true, 1.5)] {
        let [ours, flashmap] = threads::publishes(plan.rounds, plan.publishes, reads);
        let name = if reads { "one reader" } else { "nobody" };
        let (ours, flashmap) = (spread(ours), spread(flashmap));
        row(&format!("publish/{name}"), "epoch", ours, "ns");
        row(&format!("publish/{name}"), "flashmap", flashmap, "ns");
        at_most(
            &format!("publish, {name} reading: epoch / flashmap"),
            ours.0 / flashmap.0,
            bar,
        );
    }
    let [stores, loads] = threads::false_sharing(rounds, plan.publishes * 100);
    row(
        "false sharing",
        "two readers' words on a line",
        spread(stores),
        "x",
    );
    row(
        "false sharing",
        "a loaded word beside a stored one",
        spread(loads),
        "x",
    );
}

/// Median and least; of nothing, no number.
fn spread(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    if values.is_empty() {
        return (f64::NAN, f64::NAN);
    }
    (values[values.len() / 2], values[0])
}

fn row(group: &str, subject: &str, (median, least): (f64, f64), unit: &str) {
    println!("{group},{subject},{median:.3},{least:.3},{unit}");
}

fn verdict(met: bool) -> &'static str {
    match met {
        _ if env::args().any(|argument| argument == "--test") => "not judged",
        true => "met",
        false => "MISSED",
    }
}

fn at_most(what: &str, ratio: f64, bar: f64) {
    println!(
        "# {what}: {ratio:.2}, at most {bar}: {}",
        verdict(ratio <= bar)
    );
}

fn at_least(what: &str, ratios: Vec<f64>, bar: f64) {
    let ratio = spread(ratios).0;
    println!(
        "# {what}: {ratio:.3}, at least {bar}: {}",
        verdict(ratio >= bar)
    );
}

/// Blocks of reads, one contender after the other, round after round. Gives the medians,
/// by name.
fn in_turns(
    group: &str,
    mut subjects: Vec<Subject>,
    plan: &Plan,
    bars: &[(&str, &str, f64)],
) -> impl Fn(&str) -> f64 + use<> {
    let mut times = vec![vec![]; subjects.len()];
    for _ in 0..plan.rounds {
        for (subject, times) in subjects.iter_mut().zip(&mut times) {
            // Caches and predictors are this contender's again.
            (subject.run)(plan.block / 10);
            let begin = Instant::now();
            (subject.run)(plan.block);
            times.push(begin.elapsed().as_nanos() as f64 / plan.block as f64);
        }
    }
    let spreads: Vec<_> = times.into_iter().map(spread).collect();
    for (subject, spread) in subjects.iter().zip(&spreads) {
        row(group, subject.name, *spread, "ns");
    }
    let names: Vec<_> = subjects.iter().map(|subject| subject.name).collect();
    let median = move |name: &str| {
        let at = names.iter().position(|&subject| subject == name);
        spreads[at.expect("a bar names contenders")].0
    };
    for &(ours, theirs, bar) in bars {
        let ratio = median(ours) / median(theirs);
        at_most(&format!("{group}: {ours} / {theirs}"), ratio, bar);
    }
    median
}

/// Does a number of reads with one contender, or prints the names of all.
fn count(arguments: &[String]) {
    let mut all: Vec<(&str, Subject)> = vec![];
    all.extend(reads().into_iter().map(|subject| ("read", subject)));
    all.extend(gets().into_iter().map(|subject| ("get", subject)));
    all.extend(inserts().into_iter().map(|subject| ("insert", subject)));
    let [wanted, count, ..] = arguments else {
        for (group, subject) in all {
            println!("{group}/{}", subject.name);
        }
        return;
    };
    let found =
        (all.iter_mut()).find(|(group, subject)| format!("{group}/{}", subject.name) == *wanted);
    let (Some((_, subject)), Ok(count)) = (found, count.parse()) else {
        eprintln!("limits: no contender {wanted}, or {count} is no number. `--count` names them");
        process::exit(2);
    };
    (subject.run)(count);
}
