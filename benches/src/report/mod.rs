//! What is said about the results.

mod charts;
mod duels;
pub(crate) mod files;
mod formats;
mod html;
mod pictures;
pub(crate) mod text;

use crate::figures::figure::Figure;
use crate::machine::Machine;
use crate::metric::{Record, clock_cost};
use crate::noise::{self, Noise};
use crate::plan::Plan;
use crate::results::{Point, crossings, points, verdicts};

/// A report before there is anything to report.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    plan: &'a Plan,
    facts: Vec<(&'static str, String)>,
}

/// A report of a run.
#[derive(Debug)]
pub(crate) struct Rendered<'a> {
    report: &'a Report<'a>,
    records: &'a [Record],
    noise: noise::Verdict,
    partial: bool,
}

/// The first line of a report without all measurements.
const PARTIAL: &str = "PARTIAL: interrupted; what is missing was not measured";

impl<'a> Report<'a> {
    pub(crate) fn new(plan: &'a Plan, machine: Machine) -> Self {
        let mut facts = Vec::from(machine.facts);
        let clock = format!(
            "{:.1} ns for one reading; what is timed singly has one or two in it",
            clock_cost()
        );
        let hasher = "foldhash::fast with the same seed, for all contenders".to_owned();
        facts.extend([("clock", clock), ("hasher", hasher)]);
        Self { plan, facts }
    }

    /// What is going to happen, and where.
    pub(crate) fn header(&self) -> String {
        let mut header = self.plan.describe();
        for (name, fact) in &self.facts {
            header += &format!("{name}: {fact}\n");
        }
        header
    }

    /// With what was measured.
    pub(crate) fn render(
        &'a self,
        records: &'a [Record],
        noise: &Noise,
        partial: bool,
    ) -> Rendered<'a> {
        let (report, noise) = (self, noise.verdict());
        Rendered {
            report,
            records,
            noise,
            partial,
        }
    }
}

impl<'a> Rendered<'a> {
    /// The figures that were measured.
    fn figures(&self) -> impl Iterator<Item = (&'a Figure, Vec<Point<'a>>)> {
        let records = self.records;
        let figures = self.report.plan.figures.iter();
        let with_points = figures.map(move |figure| (figure, points(records, figure.id)));
        with_points.filter(|(_, points)| !points.is_empty())
    }

    fn crossings(&self) -> Vec<String> {
        let crossover = self.figures().find(|(figure, _)| figure.id == "crossover");
        crossover.map_or_else(Vec::new, |(figure, points)| {
            crossings(&verdicts(&points, figure))
        })
    }

    /// Name and content of each file.
    pub(crate) fn files(&self, with_pictures: bool) -> Vec<(String, String)> {
        let mut files = vec![
            ("report.html".to_owned(), self.html()),
            ("figures.csv".to_owned(), self.csv()),
        ];
        if with_pictures {
            files.extend(self.pictures());
        }
        files
    }
}
