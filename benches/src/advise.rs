//! `advise`: which map and strategy for this load?

use alloc::rc::Rc;
use core::time::Duration;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use crate::Machine;
use crate::cli::Failure;
use crate::figures::{self, Asked, Figure, Mode};
use crate::interrupt;
use crate::metric::{Metric, Tail, count};
use crate::noise::Noise;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::report::table;
use crate::results::{Point, points};
use crate::trace::Trace;

/// Recommends a map and its strategy: runs each, and the other maps, on a load for a second
#[derive(Debug, Args)]
pub(crate) struct Advise {
    /// Lookups a second, of all readers together
    #[arg(long, value_name = "N", required_unless_present = "trace",
          value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    reads_per_second: Option<u64>,

    /// Overwrites a second, each published by itself
    #[arg(long, value_name = "N", required_unless_present = "trace",
          value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    writes_per_second: Option<u64>,

    /// Threads that read [default: the number of cores, less one for the writer]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    readers: Option<u16>,

    /// Entries of the map
    #[arg(long, value_name = "N", required_unless_present = "trace",
          value_parser = clap::value_parser!(u32).range(1..=20_000_000))]
    map_size: Option<u32>,

    /// Replay these operations as fast as can be, instead
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["reads_per_second", "writes_per_second", "map_size"])]
    trace: Option<PathBuf>,
}

/// What a contender made of the load.
#[derive(Clone, Debug)]
struct Score<'a> {
    name: &'static str,
    about: &'static str,
    is_ours: bool,
    numbers: Vec<&'a Point<'a>>,
}

impl Score<'_> {
    fn of(&self, metric: Metric) -> f64 {
        let found = self.numbers.iter().find(|point| point.metric == metric);
        found.map_or(0.0, |point| point.spread.median)
    }
}

pub(crate) fn run(load: &Advise) -> Result<(), Failure> {
    let asked = load.asked()?;
    let figure = figures::advice(&asked);
    let rounds = 3;
    let plan = Plan::new(vec![figure], Vec::new(), Mode::Quick);
    let contenders = u32::try_from(figures::maps().len()).unwrap_or(1);
    let plan = plan.within(Duration::from_secs(1) * contenders);
    let figure = &plan.figures[0];
    interrupt::listen();
    let mut out = io::stdout().lock();
    let mut say = |text: &str| {
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        written.map_err(Failure::Output)
    };
    say(&format!(
        "load: {}\nplan: {contenders} contenders, a second each in {rounds} rounds\n",
        figure.definition
    ))?;
    if asked.threads() > Machine::cores() {
        say(&format!(
            "note: {} threads on {} cores take turns: the scheduler is measured too\n",
            asked.threads(),
            Machine::cores()
        ))?;
    }
    let mut noise = Noise::new();
    let progress = Progress::new(plan.time());
    let records = plan.run(&progress, &mut noise);
    progress.clear();
    if interrupt::asked() {
        return say("PARTIAL: interrupted; no advice without all figures\n");
    }
    let points = points(&records, figure);
    let scores = scores(&points);
    say(&numbers(&scores, figure))?;
    say(&recommend(&asked, &scores))?;
    let (noise, is_noisy) = noise.say();
    say(&format!(
        "{}{noise}\n",
        if is_noisy { "WARNING: " } else { "" }
    ))
}

impl Advise {
    fn asked(&self) -> Result<Asked, Failure> {
        let spare = Machine::cores().saturating_sub(1).max(1);
        let readers = self.readers.map_or(spare, usize::from);
        if let Some(path) = &self.trace {
            let trace = Rc::new(Trace::from_file(path)?);
            return Ok(Asked::Trace {
                trace,
                threads: readers,
            });
        }
        match (self.reads_per_second, self.writes_per_second, self.map_size) {
            (Some(reads), Some(writes), Some(entries)) => Ok(Asked::Rates {
                reads,
                writes,
                entries,
                readers,
            }),
            _ => Err(Failure::Usage(
                "give --reads-per-second, --writes-per-second and --map-size, or --trace"
                    .to_owned(),
            )),
        }
    }
}

fn scores<'a>(points: &'a [Point<'a>]) -> Vec<Score<'a>> {
    figures::maps()
        .into_iter()
        .map(|name| Score {
            name: name.name,
            about: name.about,
            is_ours: name.is_ours,
            numbers: points
                .iter()
                .filter(|point| point.contender == name.name)
                .collect(),
        })
        .collect()
}

fn numbers(scores: &[Score<'_>], figure: &Figure) -> String {
    let measured = |metric: &&Metric| {
        let mut all = scores.iter().flat_map(|score| &score.numbers);
        all.any(|point| point.metric == **metric)
    };
    let metrics: Vec<&Metric> = figure.metrics.iter().filter(measured).collect();
    let mut header = vec!["contender".to_owned()];
    header.extend(metrics.iter().map(|metric| metric.name()));
    let row = |score: &Score<'_>| {
        let mut row = vec![score.name.to_owned()];
        row.extend(metrics.iter().map(|metric| metric.show(score.of(**metric))));
        row
    };
    table(header, scores.iter().map(row).collect())
}

/// A twentieth short of what is asked is noise.
const ENOUGH: f64 = 0.95;
/// Latencies that differ by less are alike.
const ALIKE: f64 = 1.1;

/// The first of these that is better decides.
fn best<'s, 'a>(asked: &Asked, scores: &[&'s Score<'a>]) -> Option<(&'s Score<'a>, bool)> {
    let most = |scores: &[&'s Score<'a>], metric: Metric| {
        scores
            .iter()
            .copied()
            .max_by(|one, other| one.of(metric).total_cmp(&other.of(metric)))
    };
    let &Asked::Rates { reads, writes, .. } = asked else {
        return Some((most(scores, Metric::Ops)?, true));
    };
    let share = |score: &Score<'_>| {
        let reads = score.of(Metric::Reads) / reads as f64;
        match writes {
            0 => reads,
            _ => reads.min(score.of(Metric::Writes) / writes as f64),
        }
    };
    let fit: Vec<&Score<'_>> = scores
        .iter()
        .copied()
        .filter(|score| share(score) >= ENOUGH)
        .collect();
    if fit.is_empty() {
        let by_share = |one: &&&Score<'_>, other: &&&Score<'_>| share(one).total_cmp(&share(other));
        return Some((*scores.iter().max_by(by_share)?, false));
    }
    let tail = Metric::ReadAt(Tail::P99);
    let least = fit
        .iter()
        .map(|score| score.of(tail))
        .fold(f64::MAX, f64::min);
    let by_median = |score: &&Score<'_>| {
        [Metric::ReadAt(Tail::P50), Metric::Read]
            .map(|metric| score.of(metric))
            .into_iter()
            .sum::<f64>()
    };
    fit.into_iter()
        .filter(|score| score.of(tail) <= least * ALIKE)
        .min_by(|one, other| by_median(one).total_cmp(&by_median(other)))
        .map(|score| (score, true))
}

fn recommend(asked: &Asked, scores: &[Score<'_>]) -> String {
    let ours: Vec<_> = scores.iter().filter(|score| score.is_ours).collect();
    let all: Vec<_> = scores.iter().collect();
    let (Some((chosen, keeps_up)), Some((winner, _))) = (best(asked, &ours), best(asked, &all))
    else {
        return "nothing was measured\n".to_owned();
    };
    let rule = match asked {
        Asked::Trace { .. } => "most operations a second".to_owned(),
        Asked::Rates { .. } => format!(
            "of those that reach {:.0} % of the load, the least p99 of a read; within {:.0} % of it, the least median",
            ENOUGH * 100.0,
            (ALIKE - 1.0) * 100.0
        ),
    };
    let mut text = format!(
        "rule: {rule}\nrecommended: {}\nwhich is {}\n",
        chosen.name, chosen.about
    );
    if !keeps_up {
        text.push_str(&format!(
            "but it does not keep up: {} reads/s and {} writes/s is all that it reaches; publish in batches, \
             or read from more threads\n",
            count(chosen.of(Metric::Reads)),
            count(chosen.of(Metric::Writes))
        ));
    }
    if !winner.is_ours {
        text.push_str(&format!(
            "by the same rule {} is better than any of ours ({})\n",
            winner.name, winner.about
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Spread;

    fn point(contender: &'static str, metric: Metric, value: f64) -> Point<'static> {
        Point {
            panel: "",
            x: 0.0,
            contender,
            is_ours: contender != "papaya",
            metric,
            spread: Spread::of([value]).unwrap(),
        }
    }

    fn advice(rows: &[(&'static str, f64, f64, f64)]) -> String {
        let points: Vec<_> = rows
            .iter()
            .flat_map(|&(name, reads, p99, p50)| {
                [
                    point(name, Metric::Reads, reads),
                    point(name, Metric::Writes, 100.0),
                    point(name, Metric::ReadAt(Tail::P99), p99),
                    point(name, Metric::ReadAt(Tail::P50), p50),
                ]
            })
            .collect();
        let asked = Asked::Rates {
            reads: 1000,
            writes: 100,
            entries: 10,
            readers: 1,
        };
        recommend(&asked, &scores(&points))
    }

    #[test]
    fn the_least_tail_wins_and_then_the_least_median() {
        let text = advice(&[
            ("epoch", 1000.0, 101.0, 40.0),
            ("flash", 1000.0, 100.0, 50.0),
            ("count", 1000.0, 500.0, 10.0),
        ]);
        assert!(
            text.contains("recommended: epoch\nwhich is dbuf's Writer and Reader, "),
            "{text}"
        );
        assert!(!text.contains("better than any"), "{text}");
    }

    #[test]
    fn a_handle_for_all_threads_is_recommended_as_such() {
        let text = advice(&[
            ("epoch", 1000.0, 200.0, 40.0),
            ("concurrent", 1000.0, 100.0, 50.0),
        ]);
        assert!(text.contains("recommended: concurrent\n"), "{text}");
        assert!(text.contains("ConcurrentHashMap"), "{text}");
    }

    #[test]
    fn who_does_not_keep_up_is_not_recommended_and_a_better_peer_is_named() {
        let text = advice(&[
            ("epoch", 500.0, 10.0, 10.0),
            ("flash", 1000.0, 100.0, 50.0),
            ("papaya", 1000.0, 50.0, 50.0),
        ]);
        assert!(text.contains("recommended: flash\n"), "{text}");
        assert!(text.contains("papaya is better"), "{text}");
        let none = advice(&[("epoch", 500.0, 10.0, 10.0), ("flash", 100.0, 1.0, 1.0)]);
        assert!(none.contains("recommended: epoch\n"), "{none}");
        assert!(none.contains("does not keep up"), "{none}");
    }
}
