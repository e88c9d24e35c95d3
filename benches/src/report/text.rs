//! For a terminal.

use core::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};

use super::{COLUMNS, PARTIAL, Told, place, sentence};
use crate::figures::{Chart, DEFAULTS, Duel};
use crate::metric::Metric;
use crate::results::{Point, panels, verdicts};

/// A table in Markdown, numbers to the right.
pub(crate) fn table(header: Vec<String>, rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(header);
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{table}\n")
}

impl Told<'_> {
    /// All that fits on a screen or two.
    pub(crate) fn text(&self) -> String {
        let mut text = String::from("\n");
        if self.partial {
            text = format!("{PARTIAL}\n\n");
        }
        text.push_str(&self.short_table());
        for (figure, points) in self.figures() {
            let is_told = COLUMNS.iter().any(|(id, ..)| *id == figure.id);
            if figure.chart == Chart::Bars && !is_told {
                let _ = write!(
                    text,
                    "\n{}\n{}",
                    figure.title,
                    bars(&points, figure.metrics)
                );
            }
        }
        for (figure, _) in self.figures() {
            for duel in self.duels(figure) {
                let _ = write!(text, "\n{}\n{}", duel.title, table(duel.header, duel.rows));
            }
        }
        text.push_str(&self.verdicts());
        for sentence in self.crossings() {
            let _ = writeln!(text, "  crossover, {sentence}");
        }
        let rounds = self.report.plan.rounds();
        let (noise, is_noisy) = &self.noise;
        let warning = if *is_noisy { "WARNING: " } else { "" };
        let _ = write!(
            text,
            "\nMedians of {rounds} rounds, {} where a ratio has a bar; the report has their spread and every definition.\n{warning}{noise}\n",
            Duel::ROUNDS
        );
        text
    }

    /// The maps, a column for each number that was measured.
    fn short_table(&self) -> String {
        let all: Vec<_> = self.figures().collect();
        let mut header = vec!["contender".to_owned()];
        let mut rows: Vec<Vec<String>> = crate::figures::maps()
            .iter()
            .map(|name| vec![name.name.to_owned()])
            .collect();
        for &(id, panel, metric, title) in COLUMNS {
            let Some((_, points)) = all.iter().find(|(figure, _)| figure.id == id) else {
                continue;
            };
            let of_column = |point: &&Point<'_>| point.panel == panel && point.metric == metric;
            if !points.iter().any(|point| of_column(&point)) {
                continue;
            }
            header.push(title.to_owned());
            for row in &mut rows {
                let mut of_row = points.iter().filter(of_column);
                let cell = of_row.find(|point| point.contender == row[0]);
                row.push(
                    cell.map_or_else(|| "-".to_owned(), |point| metric.show(point.spread.median)),
                );
            }
        }
        rows.retain(|row| row.iter().skip(1).any(|cell| cell != "-"));
        if rows.is_empty() {
            return String::new();
        }
        table(header, rows)
    }

    /// Where the default types are ahead and where they are behind, alike.
    fn verdicts(&self) -> String {
        let mut lines = String::new();
        let mut counts = DEFAULTS.map(|name| (name, [0; 3]));
        for (figure, points) in self.figures() {
            for verdict in verdicts(&points, figure) {
                let nth = match verdict.word() {
                    "ahead" => 0,
                    "behind" => 2,
                    _ => 1,
                };
                for (_, count) in counts.iter_mut().filter(|(n, _)| *n == verdict.ours.0) {
                    count[nth] += 1;
                }
                if figure.chart == Chart::Bars {
                    let _ = writeln!(
                        lines,
                        "  {:<6} {:>5.2}x  {}, {}, {}",
                        verdict.word(),
                        verdict.lead(),
                        figure.id,
                        place(&verdict, None),
                        sentence(&verdict)
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
        for (name, [ahead, level, behind]) in counts {
            let _ = writeln!(
                summary,
                "{name}: {ahead} ahead, {level} level, {behind} behind"
            );
        }
        summary + &lines
    }
}

/// A figure of bars, a column for each panel and metric.
fn bars(points: &[Point<'_>], metrics: &[Metric]) -> String {
    let mut columns: Vec<(&str, Metric)> = Vec::new();
    for panel in panels(points) {
        let measured = |metric: &&Metric| {
            points
                .iter()
                .any(|point| point.panel == panel && point.metric == **metric)
        };
        columns.extend(
            metrics
                .iter()
                .filter(measured)
                .map(|metric| (panel, *metric)),
        );
    }
    let mut names: Vec<&str> = Vec::new();
    for point in points {
        if !names.contains(&point.contender) {
            names.push(point.contender);
        }
    }
    let mut header = vec!["contender".to_owned()];
    header.extend(
        columns
            .iter()
            .map(|(panel, metric)| format!("{panel}, {}", metric.name())),
    );
    let row = |name: &&str| {
        let cell = |(panel, metric): &(&str, Metric)| {
            let found = points
                .iter()
                .find(|p| (p.contender, p.panel, p.metric) == (*name, *panel, *metric));
            found.map_or_else(|| "-".to_owned(), |point| metric.show(point.spread.median))
        };
        let mut row = vec![(*name).to_owned()];
        row.extend(columns.iter().map(cell));
        row
    };
    table(header, names.iter().map(row).collect())
}
