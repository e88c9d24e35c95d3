//! What is said about the results, and the files that say it.

mod charts;
pub(crate) mod csv;
mod pictures;
pub(crate) mod tables;

use std::path::{Path, PathBuf};
use std::{fs, io, process};

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Map, Value, json};

use crate::figures::figure::Figure;
use crate::interrupt::Failure;
use crate::machine;
use crate::machine::Machine;
use crate::metric::{Record, clock_cost, time};
use crate::plan::Plan;
use crate::results::{Point, Verdict, crossings, points, verdicts};
use charts::charts;
pub(crate) use pictures::draw;
use tables::Table;

/// A run, and where it took place.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) facts: &'a [(&'static str, String)],
    pub(crate) records: &'a [Record],
    pub(crate) noise: machine::Verdict,
    pub(crate) partial: bool,
}

/// The first line of a report without all measurements.
const PARTIAL: &str = "PARTIAL: interrupted; what is missing was not measured";

/// What the numbers depend on.
pub(crate) fn facts() -> Vec<(&'static str, String)> {
    let mut facts = Vec::from(Machine::detect().facts);
    let clock = format!(
        "{:.1} ns for one reading; what is timed singly has one or two in it",
        clock_cost()
    );
    let hasher = "foldhash::fast with the same seed, for all contenders".to_owned();
    facts.extend([("clock", clock), ("hasher", hasher)]);
    facts
}

impl<'a> Report<'a> {
    /// The figures that were measured.
    fn figures(&self) -> impl Iterator<Item = (&'a Figure, Vec<Point<'a>>)> {
        let records = self.records;
        let figures = self.plan.figures.iter();
        let with_points = figures.map(move |figure| (figure, points(records, figure.id)));
        with_points.filter(|(_, points)| !points.is_empty())
    }

    fn crossings(&self) -> Vec<String> {
        let mut figures = self.figures();
        let crossover = figures.find(|(figure, _)| figure.id == "crossover");
        let crossings = crossover.map(|(figure, points)| crossings(&verdicts(&points, figure)));
        crossings.unwrap_or_default()
    }

    /// Writes the files of the report. Each is written aside and renamed, so that nobody sees
    /// half a file.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        for (name, content) in [
            ("report.html", self.html().into_bytes()),
            ("figures.csv", csv::write(self.records, self.partial)?),
        ] {
            let aside = aside(folder, name);
            fs::write(&aside, content)?;
            fs::rename(&aside, folder.join(name)).inspect_err(|_| {
                // The error of the renaming is the one to report.
                let _ = fs::remove_file(&aside);
            })?;
        }
        Ok(())
    }

    /// Everything but the single rounds.
    pub(crate) fn json(&self) -> Value {
        let facts = self.facts.iter();
        let facts = facts.map(|(name, fact)| ((*name).to_owned(), json!(fact)));
        let figures = self.figures();
        let figures = figures.map(|(figure, points)| self.figure_json(figure, &points));
        json!({
            "partial": self.partial,
            "noisy": self.noise.is_noisy,
            "noise": self.noise.text,
            "clock_ns": clock_cost(),
            "rounds": self.plan.rounds,
            "time": time(self.plan.time()),
            "facts": Map::from_iter(facts),
            "crossings": self.crossings(),
            "figures": figures.collect::<Vec<_>>(),
        })
    }

    fn figure_json(&self, figure: &Figure, points: &[Point<'_>]) -> Value {
        let point = |it: &Point<'_>| {
            let spread = it.spread;
            let shown = [spread.median, spread.min, spread.max].map(|n| it.metric.show(n));
            json!({
                "panel": it.panel, "x": it.x,
                "contender": it.contender.name, "is_ours": it.contender.is_ours,
                "metric": it.metric.name(), "unit": it.metric.unit(),
                "median": spread.median, "min": spread.min, "max": spread.max,
                "shown": shown,
            })
        };
        let verdict = |it: &Verdict<'_>| {
            json!({
                "word": it.word(), "lead": it.lead(), "shown": format!("{:.2}×", it.lead()),
                "position": it.position(figure.axis), "sentence": it.sentence(),
            })
        };
        let duel = |it: Table| json!({ "title": it.title, "header": it.header, "rows": it.rows });
        json!({
            "id": figure.id, "title": figure.title, "definition": figure.definition,
            "axis": figure.axis,
            "points": points.iter().map(point).collect::<Vec<_>>(),
            "verdicts": verdicts(points, figure).iter().map(verdict).collect::<Vec<_>>(),
            "duels": self.duels(figure).into_iter().map(duel).collect::<Vec<_>>(),
        })
    }

    /// A page that needs no other file.
    fn html(&self) -> String {
        let mut view = self.json();
        view["partial"] = json!(self.partial.then_some(PARTIAL));
        for (nth, (figure, points)) in self.figures().enumerate() {
            view["figures"][nth]["charts"] = json!(charts(figure, &points));
        }
        render(include_str!("report.html"), view)
    }
}

/// Renders a template that may draw charts.
fn render(template: &str, view: Value) -> String {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let template = [include_str!("chart.html"), template].concat();
    let page = environment.render_named_str("page.html", &template, Serde(view));
    page.expect("the template fits what it is given")
}

fn aside(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!(".{name}.{}", process::id()))
}

/// Makes the folder of a report if there is none, and checks that it can be written to: better
/// now than after an hour.
pub(crate) fn open(folder: &Path) -> Result<(), Failure> {
    let checked = fs::create_dir_all(folder).and_then(|()| {
        let aside = aside(folder, "check");
        fs::write(&aside, "")?;
        fs::remove_file(&aside)
    });
    checked.map_err(|error| {
        let folder = folder.display();
        let advice = "give --out a folder that can be written to";
        Failure::Usage(format!("cannot write to '{folder}': {error}; {advice}"))
    })
}
