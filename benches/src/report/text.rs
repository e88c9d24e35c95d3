//! For a terminal.

use super::{PARTIAL, Report};
use crate::contender::DEFAULTS;
use crate::figures::case::{Duel, maps};
use crate::metric::Metric;
use crate::metric::Tail::P999;
use crate::results::{Point, distinct, verdicts};

/// Columns of the short table: figure, panel, metric and title.
const COLUMNS: [(&str, &str, Metric, &str); 8] = [
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
];

/// A table in Markdown, the first column to the left and the others to the right.
pub(crate) fn table(header: Vec<String>, rows: Vec<Vec<String>>) -> String {
    let mut lines = vec![header];
    lines.extend(rows);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let cell = |(nth, (cell, &width)): (usize, (&String, &usize))| match nth {
            0 => format!("| {cell:<width$} |"),
            _ => format!(" {cell:>width$} |"),
        };
        cells
            .iter()
            .zip(&widths)
            .enumerate()
            .map(cell)
            .collect::<String>()
            + "\n"
    };
    let rule = widths
        .iter()
        .map(|width| format!("|{}", "-".repeat(width + 2)));
    let rule = rule.collect::<String>() + "|\n";
    line(&lines[0]) + &rule + &lines[1..].iter().map(line).collect::<String>()
}

/// A row for each of these names, and a column for each of these panels and metrics. Rows without
/// a number are left out.
fn table_of(names: Vec<&'static str>, columns: &[(String, Vec<Point<'_>>)]) -> String {
    let mut header = vec!["contender".to_owned()];
    header.extend(columns.iter().map(|column| column.0.clone()));
    let row = |name: &str| {
        let cell = |points: &Vec<Point<'_>>| {
            let point = points.iter().find(|point| point.contender.name == name);
            point.map_or_else(|| "-".to_owned(), |it| it.metric.show(it.spread.median))
        };
        let cells = columns.iter().map(|column| cell(&column.1));
        [name.to_owned()].into_iter().chain(cells).collect()
    };
    let mut rows: Vec<Vec<String>> = names.into_iter().map(row).collect();
    rows.retain(|row| row[1..].iter().any(|cell| cell != "-"));
    if rows.is_empty() {
        String::new()
    } else {
        table(header, rows)
    }
}

fn column<'a>(
    title: String,
    points: &[Point<'a>],
    panel: &str,
    metric: Metric,
) -> Option<(String, Vec<Point<'a>>)> {
    let of_column = points
        .iter()
        .filter(|it| it.panel == panel && it.metric == metric);
    let points: Vec<_> = of_column.cloned().collect();
    (!points.is_empty()).then_some((title, points))
}

impl Report<'_> {
    /// Everything that fits on a screen or two.
    pub(crate) fn text(&self) -> String {
        let mut text = match self.partial {
            true => format!("{PARTIAL}\n\n"),
            false => "\n".to_owned(),
        };
        let figures: Vec<_> = self.figures().collect();
        let short = COLUMNS.iter().filter_map(|&(id, panel, metric, title)| {
            let (_, points) = figures.iter().find(|(figure, _)| figure.id == id)?;
            column(title.to_owned(), points, panel, metric)
        });
        let names = maps().iter().map(|map| map.name).collect();
        text += &table_of(names, &short.collect::<Vec<_>>());
        for (figure, points) in &figures {
            let is_told = COLUMNS.iter().any(|(id, ..)| *id == figure.id);
            if figure.has_bars() && !is_told {
                let mut columns = Vec::new();
                for panel in distinct(points.iter().map(|point| point.panel)) {
                    columns.extend(figure.metrics.iter().filter_map(|&metric| {
                        let title = format!("{panel}, {}", metric.name());
                        column(title, points, panel, metric)
                    }));
                }
                let names = distinct(points.iter().map(|point| point.contender.name));
                text += &format!("\n{}\n{}", figure.title, table_of(names, &columns));
            }
        }
        for duel in figures.iter().flat_map(|(figure, _)| self.duels(figure)) {
            text += &format!("\n{}\n{}", duel.title, table(duel.header, duel.rows));
        }
        text += &self.verdicts();
        for sentence in self.crossings() {
            text += &format!("  crossover, {sentence}\n");
        }
        let (rounds, of_duels) = (self.plan.rounds, Duel::ROUNDS);
        let warning = if self.noise.is_noisy { "WARNING: " } else { "" };
        text += &format!(
            "\nMedians of {rounds} rounds, {of_duels} where a ratio has a bar; the report has their spread and every definition.\n{warning}{}\n",
            self.noise.text
        );
        text
    }

    /// Where the default types are ahead and where they are behind.
    fn verdicts(&self) -> String {
        let mut lines = String::new();
        let mut words = Vec::new();
        for (figure, points) in self.figures() {
            for verdict in verdicts(&points, figure) {
                words.push((verdict.ours.0, verdict.word()));
                if figure.has_bars() {
                    lines += &format!(
                        "  {:<6} {:>5.2}x  {}, {}, {}\n",
                        verdict.word(),
                        verdict.lead(),
                        figure.id,
                        verdict.position(""),
                        verdict.sentence()
                    );
                }
            }
        }
        if lines.is_empty() {
            return lines;
        }
        let mut summary = String::from(
            "\nThe default types against the best of the others (in parentheses the best of ours that one has to choose):\n",
        );
        for name in DEFAULTS {
            let count = |word| words.iter().filter(|it| **it == (name, word)).count();
            let [ahead, level, behind] = ["ahead", "level", "behind"].map(count);
            summary += &format!("{name}: {ahead} ahead, {level} level, {behind} behind\n");
        }
        summary + &lines
    }
}
