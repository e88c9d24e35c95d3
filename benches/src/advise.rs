//! `advise`: which map and strategy for this load?

use alloc::rc::Rc;
use core::time::Duration;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use crate::Machine;
use crate::cli::{Failure, seconds};
use crate::figures::{self, Asked, Figure, Mode};
use crate::interrupt;
use crate::metric::{Metric, Tail, count, time};
use crate::noise::Noise;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::report::table;
use crate::results::{Point, points};
use crate::trace::Trace;

/// Recommends a map and its strategy: runs each, and the other maps, on a load
#[derive(Debug, Args)]
pub(crate) struct Advise {
    /// Lookups a second, of all readers together
    #[arg(long, value_name = "N", required_unless_present = "trace",
          value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    reads_per_second: Option<u64>,

    /// Overwrites a second, of all writers together, each published by itself
    #[arg(long, value_name = "N", required_unless_present = "trace",
          value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    writes_per_second: Option<u64>,

    /// Threads that read [default: the number of cores, less the writers]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    readers: Option<u16>,

    /// Threads that write [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    writers: Option<u16>,

    /// Entries of the map
    #[arg(long, value_name = "N", required_unless_present = "trace",
          value_parser = clap::value_parser!(u32).range(1..=20_000_000))]
    map_size: Option<u32>,

    /// Bytes of a value; beyond 8 it has an allocation of its own [default: 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(8..=16_777_216))]
    value_bytes: Option<u32>,

    /// Replay these operations as fast as can be, instead
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["reads_per_second", "writes_per_second", "map_size", "readers",
                                "writers", "value_bytes"])]
    trace: Option<PathBuf>,

    /// Threads that replay the trace [default: the number of cores]
    #[arg(long, value_name = "N", requires = "trace",
          value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,

    /// Take about this many seconds [default: one for each contender]
    #[arg(long, value_name = "N", value_parser = seconds)]
    seconds: Option<Duration>,
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
    let each = Duration::from_secs(1) * contenders;
    let plan = plan.within(load.seconds.unwrap_or(each));
    let figure = &plan.figures[0];
    interrupt::listen();
    let mut out = io::stdout().lock();
    let mut say = |text: &str| {
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        written.map_err(Failure::Output)
    };
    say(&format!(
        "load: {}\nplan: {contenders} contenders, {} in {rounds} rounds\n",
        figure.definition,
        time(plan.time())
    ))?;
    for (name, fact) in Machine::look().facts() {
        say(&format!("{name}: {fact}\n"))?;
    }
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
    let (noise, is_noisy) = noise.say();
    let why_not = is_noisy.then_some(&*noise);
    say(&recommend(&asked, &scores, why_not))?;
    match is_noisy {
        true => Ok(()),
        false => say(&format!("{noise}\n")),
    }
}

/// More bytes of values than this are refused: a double buffer holds each twice, and a
/// log or a clone once more.
const MOST_BYTES: u64 = 1 << 30;

impl Advise {
    fn asked(&self) -> Result<Asked, Failure> {
        if let Some(path) = &self.trace {
            let trace = Rc::new(Trace::from_file(path)?);
            let threads = self.threads.map_or_else(Machine::cores, usize::from);
            return Ok(Asked::Trace { trace, threads });
        }
        let writers = match self.writes_per_second {
            Some(0) => 0,
            _ => self.writers.map_or(1, usize::from),
        };
        let spare = Machine::cores().saturating_sub(writers).max(1);
        let readers = self.readers.map_or(spare, usize::from);
        let value_bytes = self.value_bytes.unwrap_or(8);
        let bytes = u64::from(value_bytes) * u64::from(self.map_size.unwrap_or(0));
        if bytes > MOST_BYTES {
            return Err(Failure::Usage(format!(
                "--map-size times --value-bytes is {bytes}, more than {MOST_BYTES}: give a smaller map or smaller values"
            )));
        }
        match (self.reads_per_second, self.writes_per_second, self.map_size) {
            (Some(reads), Some(writes), Some(entries)) => Ok(Asked::Rates {
                reads,
                writes,
                entries,
                readers,
                writers,
                value_bytes: value_bytes as usize,
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

/// What to take, and by which rule; or why that cannot be told.
fn recommend(asked: &Asked, scores: &[Score<'_>], noise: Option<&str>) -> String {
    let ours: Vec<_> = scores.iter().filter(|score| score.is_ours).collect();
    let all: Vec<_> = scores.iter().collect();
    let (Some((chosen, keeps_up)), Some((winner, is_reached))) =
        (best(asked, &ours), best(asked, &all))
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
    let mut text = format!("rule: {rule}\n");
    if let Some(noise) = noise {
        text.push_str(&format!(
            "inconclusive: {noise}\nthis time it was {}, {}\n",
            chosen.name, chosen.about
        ));
        return text;
    }
    let reached = |score: &Score<'_>| {
        format!(
            "{} reads/s and {} writes/s",
            count(score.of(Metric::Reads)),
            count(score.of(Metric::Writes))
        )
    };
    if !is_reached {
        text.push_str(&format!(
            "inconclusive: nobody keeps up; {} comes nearest with {}; publish in batches, or use more threads\n",
            winner.name,
            reached(winner)
        ));
        return text;
    }
    if keeps_up {
        text.push_str(&format!(
            "recommended: {}\nwhich is {}\n",
            chosen.name, chosen.about
        ));
        if !winner.is_ours {
            text.push_str(&format!(
                "by the same rule {} is better than any of ours ({})\n",
                winner.name, winner.about
            ));
        }
    } else {
        text.push_str(&format!(
            "recommended: {}\nwhich is {}\nnone of ours keeps up: {} reaches {}\n",
            winner.name,
            winner.about,
            chosen.name,
            reached(chosen)
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

    type Row = (&'static str, f64, f64, f64);

    fn advice(rows: &[Row]) -> String {
        advice_with(rows, None)
    }

    fn advice_with(rows: &[Row], noise: Option<&str>) -> String {
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
            writers: 1,
            value_bytes: 8,
        };
        recommend(&asked, &scores(&points), noise)
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
    }

    #[test]
    fn advice_is_inconclusive_where_nobody_keeps_up_or_the_machine_is_noisy() {
        let nobody = [("epoch", 500.0, 10.0, 10.0), ("papaya", 100.0, 1.0, 1.0)];
        let text = advice(&nobody);
        assert!(
            text.contains("inconclusive: nobody keeps up; epoch "),
            "{text}"
        );
        assert!(!text.contains("recommended"), "{text}");
        let text = advice_with(
            &[("epoch", 1000.0, 1.0, 1.0)],
            Some("the machine was noisy"),
        );
        assert!(
            text.contains("inconclusive: the machine was noisy\n"),
            "{text}"
        );
        assert!(!text.contains("recommended"), "{text}");
    }

    #[test]
    fn a_peer_is_recommended_where_none_of_ours_keeps_up() {
        let text = advice(&[("epoch", 500.0, 10.0, 10.0), ("papaya", 1000.0, 50.0, 50.0)]);
        assert!(text.contains("recommended: papaya\n"), "{text}");
        assert!(
            text.contains("none of ours keeps up: epoch reaches 500 reads/s"),
            "{text}"
        );
    }
}
