//! What is said about the results.

mod duels;
mod files;
mod html;
mod raw;
mod svg;
mod text;

pub(crate) use files::Files;

use crate::Machine;
use crate::figures::{DEFAULTS, Figure};
use crate::metric::{Metric, Record, clock_cost};
use crate::noise::Noise;
use crate::plan::Plan;
use crate::results::{Point, Verdict, crossing, points, verdicts};

pub(crate) use text::table;

/// A report before there is anything to report.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    plan: &'a Plan,
    machine: Machine,
}

/// A report of a run.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    report: &'a Report<'a>,
    records: &'a [Record],
    noise: (String, bool),
    partial: bool,
}

impl<'a> Report<'a> {
    pub(crate) fn new(plan: &'a Plan, machine: Machine) -> Self {
        Self { plan, machine }
    }

    /// What is going to happen, and where.
    pub(crate) fn header(&self) -> String {
        let mut header = self.plan.describe();
        for (name, fact) in self.facts() {
            header.push_str(&format!("{name}: {fact}\n"));
        }
        header
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = self.machine.facts().to_vec();
        let clock = format!(
            "{:.1} ns for a look at it; what is timed singly has one or two in it",
            clock_cost()
        );
        let hasher = "foldhash::fast with the same seed, for all contenders".to_owned();
        facts.extend([("clock", clock), ("hasher", hasher)]);
        facts
    }

    /// With what was measured.
    pub(crate) fn tell(&'a self, records: &'a [Record], noise: &Noise, partial: bool) -> Told<'a> {
        Told {
            report: self,
            records,
            noise: noise.say(),
            partial,
        }
    }
}

/// What the first line says if not all was measured.
const PARTIAL: &str = "PARTIAL: interrupted; what is missing was not measured";

impl<'a> Told<'a> {
    fn figures(&self) -> impl Iterator<Item = (&'a Figure, Vec<Point<'a>>)> {
        let records = self.records;
        let figures = self.report.plan.figures.iter();
        figures
            .map(move |figure| (figure, points(records, figure)))
            .filter(|(_, points)| !points.is_empty())
    }

    /// Name and content of each file.
    pub(crate) fn files(&self) -> [(&'static str, String); 2] {
        [("report.html", self.html()), ("figures.csv", self.csv())]
    }

    /// Where a default type falls behind the best of the others, in a sentence for
    /// each panel of the crossover.
    fn crossings(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        for (figure, points) in self.figures().filter(|(f, _)| f.id == "crossover") {
            let all = verdicts(&points, figure);
            let panels = crate::results::panels(&points).into_iter();
            for (panel, name) in panels.flat_map(|panel| DEFAULTS.map(|name| (panel, name))) {
                let is_of = |v: &&Verdict<'_>| v.panel == panel && v.ours.0 == name;
                let of_panel: Vec<&Verdict<'_>> = all.iter().filter(is_of).collect();
                if of_panel.is_empty() {
                    continue;
                }
                let most = of_panel.last().map_or(0.0, |verdict| verdict.x);
                sentences.push(match crossing(&of_panel) {
                    Some(x) if of_panel.first().is_some_and(|first| first.x == x) => format!(
                        "{panel}: the best of the others is ahead of {name} at every share measured."
                    ),
                    Some(x) => format!(
                        "{panel}: {name} is ahead up to about {x:.2} % writes, the best of the \
                         others from there on."
                    ),
                    None => format!(
                        "{panel}: {name} is ahead at the last share measured, {most} % writes."
                    ),
                });
            }
        }
        sentences
    }
}

/// A verdict in a sentence; in parentheses what one of ours that one has to choose
/// reaches.
fn sentence(verdict: &Verdict<'_>) -> String {
    let Verdict {
        metric,
        ours,
        theirs,
        beside,
        ..
    } = verdict;
    let beside = beside.map_or_else(String::new, |(name, spread)| {
        format!(" ({name} {})", metric.show(spread.median))
    });
    format!(
        "{}: {} {}, {} {}{beside}",
        metric.name(),
        ours.0,
        metric.show(ours.1.median),
        theirs.0,
        metric.show(theirs.1.median)
    )
}

/// A place in a figure, in words.
fn place(verdict: &Verdict<'_>, axis: Option<&str>) -> String {
    match axis {
        Some(axis) if verdict.panel.is_empty() => format!("{} {axis}", plain(verdict.x)),
        Some(axis) => format!("{}, {} {axis}", verdict.panel, plain(verdict.x)),
        None => verdict.panel.to_owned(),
    }
}

/// A number on an axis.
fn plain(x: f64) -> String {
    if x < 1000.0 {
        format!("{x}")
    } else {
        crate::metric::count(x)
    }
}

/// Columns of the short table: figure, panel, metric, and what stands above.
const COLUMNS: &[(&str, &str, Metric, &str)] = {
    use crate::metric::Tail::P999;
    &[
        ("names", "alone", Metric::Read, "text, alone"),
        ("names", "beside a writer", Metric::Read, "beside a writer"),
        ("ycsb", "B", Metric::Ops, "YCSB B /s"),
        ("conc-map-bench", "ReadHeavy", Metric::Ops, "ReadHeavy /s"),
        ("conc-map-bench", "Exchange", Metric::Ops, "Exchange /s"),
        (
            "tail",
            "while the writer publishes",
            Metric::ReadAt(P999),
            "read p99.9",
        ),
        (
            "tail",
            "while the map resizes",
            Metric::ReadAt(P999),
            "p99.9, resizing",
        ),
        ("memory", "100000 entries", Metric::Bytes, "an entry"),
    ]
};
