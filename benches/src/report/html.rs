//! For a browser: one file that needs no other.

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Value, json};

use super::charts::{bars, lines};
use super::{PARTIAL, Report};
use crate::figures::figure::Figure;
use crate::metric::time;
use crate::results::{Point, Verdict, distinct, on_axis, verdicts};

impl Report<'_> {
    pub(super) fn html(&self) -> String {
        let (mut sections, mut all) = (Vec::new(), Vec::new());
        for (figure, points) in self.figures() {
            if figure.has_bars() {
                let verdicts = verdicts(&points, figure);
                let position = |it: &Verdict<'_>| format!("{}, {}", figure.title, it.position(""));
                all.extend(verdicts.iter().map(|it| judged(it, position(it))));
            }
            sections.push(self.section(figure, &points));
        }
        let view = json!({
            "partial": self.partial.then_some(PARTIAL),
            "noisy": self.noise.is_noisy,
            "noise": self.noise.text,
            "rounds": self.plan.rounds,
            "time": time(self.plan.time()),
            "facts": self.facts,
            "crossings": self.crossings(),
            "verdicts_of_bars": all,
            "figures": sections,
        });
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let page =
            environment.render_named_str("report.html", include_str!("report.html"), Serde(view));
        page.expect("the template fits what it is given")
    }

    fn section(&self, figure: &Figure, points: &[Point<'_>]) -> Value {
        let verdicts = match figure.has_bars() {
            true => Vec::new(),
            false => verdicts(points, figure),
        };
        let verdicts = verdicts.iter();
        let duel = |it| {
            let super::duels::Table {
                title,
                header,
                rows,
            } = it;
            json!({ "title": title, "header": header, "rows": rows })
        };
        let number = |it: &Point<'_>| {
            let spread = it.spread;
            let numbers = [spread.median, spread.min, spread.max].map(|n| it.metric.show(n));
            let step = match figure.has_bars() {
                true => String::new(),
                false => on_axis(it.x),
            };
            let cells = [it.panel.to_owned(), step, it.metric.name()];
            let cells = [cells, numbers].concat();
            json!({ "name": it.contender.name, "is_ours": it.contender.is_ours, "cells": cells })
        };
        json!({
            "id": figure.id,
            "title": figure.title,
            "definition": figure.definition,
            "axis": figure.axis,
            "charts": charts(figure, points),
            "duels": self.duels(figure).into_iter().map(duel).collect::<Vec<_>>(),
            "verdicts": verdicts.map(|it| judged(it, it.position(figure.axis))).collect::<Vec<_>>(),
            "numbers": points.iter().map(number).collect::<Vec<_>>(),
        })
    }
}

fn judged(verdict: &Verdict<'_>, position: String) -> Value {
    json!({
        "word": verdict.word(),
        "lead": format!("{:.2}×", verdict.lead()),
        "position": position,
        "sentence": verdict.sentence(),
    })
}

/// A chart for each panel and metric.
fn charts(figure: &Figure, points: &[Point<'_>]) -> Vec<Value> {
    let mut charts = Vec::new();
    for panel in distinct(points.iter().map(|point| point.panel)) {
        for &metric in figure.metrics {
            let is_here = |it: &&Point<'_>| it.panel == panel && it.metric == metric;
            let here: Vec<_> = points.iter().filter(is_here).collect();
            if here.is_empty() {
                continue;
            }
            let title = match panel {
                "" => metric.name(),
                _ => format!("{panel}: {}", metric.name()),
            };
            let chart = match figure.has_bars() {
                true => bars(metric, here),
                false => lines(metric, &here),
            };
            let less_is_better = metric.less_is_better();
            let chart = json!({ "title": title, "less_is_better": less_is_better, "svg": chart });
            charts.push(chart);
        }
    }
    charts
}
