//! What is said about the results, and the files that say it.

mod charts;
pub mod csv;
mod pictures;
pub mod tables;

use std::path::{Path, PathBuf};
use std::{fs, io, process};

use anyhow::anyhow;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Map, Value, json};

use crate::figures::figure::Figure;
use crate::interrupt;
use crate::machine::{self, Noise};
use crate::metric::{clock_cost, time};
use crate::plan::Plan;
use crate::results::{Point, Verdict, crossings, verdicts};
use charts::charts;
pub(crate) use pictures::draw;

pub struct Report<'p> {
    plan: &'p Plan,
    facts: Vec<(&'static str, String)>,
    pub points: Vec<Point>,
    pub noise: machine::Verdict,
    pub partial: bool,
}

/// The first line of a report without all measurements.
const PARTIAL: &str = "PARTIAL: interrupted; what is missing was not measured";

impl<'p> Report<'p> {
    /// Says what is planned and what the numbers depend on, then measures.
    pub fn measure(
        plan: &'p Plan,
        say: &mut dyn FnMut(&str) -> io::Result<()>,
    ) -> io::Result<Self> {
        interrupt::listen();
        say(&plan.describe())?;
        let facts = machine::facts();
        for (name, fact) in &facts {
            say(&format!("{name}: {fact}\n"))?;
        }
        let mut noise = Noise::new();
        let points = plan.run(&mut noise);
        let (noise, partial) = (noise.verdict(), interrupt::is_requested());
        Ok(Self {
            plan,
            facts,
            points,
            noise,
            partial,
        })
    }

    pub fn figures(&self) -> impl Iterator<Item = (&'p Figure, Vec<Point>)> {
        let with_points = |figure: &'p Figure| {
            let points = self.points.iter().filter(|it| it.figure == figure.id);
            (figure, points.cloned().collect::<Vec<_>>())
        };
        let figures = self.plan.figures.iter().map(with_points);
        figures.filter(|(_, points)| !points.is_empty())
    }

    fn crossings(&self) -> Vec<String> {
        let mut figures = self.figures();
        let crossover = figures.find(|(figure, _)| figure.id == "crossover");
        crossover.map_or(Vec::new(), |(figure, points)| {
            crossings(&verdicts(&points, &figure.metrics))
        })
    }

    /// Writes the files of the report. Each is written aside and renamed, so that nobody sees
    /// half a file.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        for (name, content) in [
            ("report.html", self.html().into_bytes()),
            ("figures.csv", csv::write(&self.points, self.partial)?),
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
    pub fn json(&self) -> Value {
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

    fn figure_json(&self, figure: &Figure, points: &[Point]) -> Value {
        let point = |it: &Point| {
            let spread = it.spread();
            let shown = [spread.median, spread.min, spread.max].map(|n| it.metric.show(n));
            json!({
                "panel": it.panel, "x": it.x,
                "contender": it.contender.name, "is_ours": it.contender.is_ours,
                "metric": it.metric.0, "unit": it.metric.unit(),
                "median": spread.median, "min": spread.min, "max": spread.max,
                "shown": shown,
            })
        };
        let verdict = |it: &Verdict<'_>| {
            json!({
                "word": it.word(), "lead": it.lead(), "shown": format!("{:.2}×", it.lead()),
                "position": it.ours.position(&figure.axis), "sentence": it.sentence(),
            })
        };
        json!({
            "id": figure.id, "title": figure.title, "definition": figure.definition,
            "axis": figure.axis,
            "points": points.iter().map(point).collect::<Vec<_>>(),
            "verdicts": verdicts(points, &figure.metrics).iter().map(verdict).collect::<Vec<_>>(),
            "duels": self.duels(figure),
        })
    }

    fn html(&self) -> String {
        let mut view = self.json();
        view["partial"] = json!(self.partial.then_some(PARTIAL));
        for (nth, (figure, points)) in self.figures().enumerate() {
            view["figures"][nth]["charts"] = json!(charts(figure, &points));
        }
        render(include_str!("report.html"), view)
    }
}

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
pub fn open(folder: &Path) -> anyhow::Result<()> {
    let checked = fs::create_dir_all(folder).and_then(|()| {
        let aside = aside(folder, "check");
        fs::write(&aside, "")?;
        fs::remove_file(&aside)
    });
    checked.map_err(|error| {
        let folder = folder.display();
        anyhow!("cannot write to '{folder}': {error}; give --out a folder that can be written to")
    })
}
