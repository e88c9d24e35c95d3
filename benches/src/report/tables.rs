//! Tables for a terminal, and the tables of one of ours against a few others.

use comfy_table::CellAlignment;
use comfy_table::presets::ASCII_MARKDOWN;

use super::{PARTIAL, Report};
use crate::contender::DEFAULTS;
use crate::figures::figure::{Duel, Figure};
use crate::metric::{Metric, Record, Spread, Tail};
use crate::results::{Point, distinct, on_axis, panels, verdicts};

/// Columns of the short table: figure, panel, metric and title.
const COLUMNS: [(&str, &str, Metric, &str); 8] = [
    ("names", "alone", Metric::Read, "text, alone"),
    ("names", "beside a writer", Metric::Read, "beside a writer"),
    ("ycsb", "B", Metric::Ops, "YCSB B /s"),
    ("conc-map-bench", "ReadHeavy", Metric::Ops, "ReadHeavy /s"),
    ("conc-map-bench", "Exchange", Metric::Ops, "Exchange /s"),
    ("tail", "while the writer publishes", P999, "read p99.9"),
    ("tail", "while the map resizes", P999, "p99.9, resizing"),
    ("memory", "100000 entries", Metric::Bytes, "an entry"),
];
const P999: Metric = Metric::ReadAt(Tail::P999);
/// A cell without a number.
const NONE: &str = "-";

/// A table in Markdown, the first column to the left and the others to the right.
fn text(header: &[String], rows: &[Vec<String>]) -> String {
    let mut table = comfy_table::Table::new();
    table
        .load_preset(ASCII_MARKDOWN)
        .set_header(header)
        .add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{table}\n")
}

/// A row for each contender with a number, and a column for each title with its points.
fn of_points(mut columns: Vec<(String, Vec<&Point<'_>>)>) -> String {
    columns.retain(|column| !column.1.is_empty());
    let mut header = vec!["contender".to_owned()];
    header.extend(columns.iter().map(|column| column.0.clone()));
    let points = columns.iter().flat_map(|column| &column.1);
    let names = distinct(points.map(|point| point.contender.name));
    let row = |name: &str| {
        let cell = |column: &(_, Vec<&Point<'_>>)| {
            let point = column.1.iter().find(|it| it.contender.name == name);
            point.map_or(NONE.to_owned(), |it| it.metric.show(it.spread.median))
        };
        let cells = columns.iter().map(cell).collect();
        [vec![name.to_owned()], cells].concat()
    };
    let rows: Vec<_> = names.into_iter().map(row).collect();
    if rows.is_empty() {
        String::new()
    } else {
        text(&header, &rows)
    }
}

/// A column for each panel and metric of a figure.
pub fn points_table(figure: &Figure, points: &[Point<'_>]) -> String {
    let panels = panels(&figure.metrics, points).into_iter();
    let titled = panels.map(|(panel, metric, points)| match panel {
        "" => (metric.name(), points),
        _ => (format!("{panel}, {}", metric.name()), points),
    });
    of_points(titled.collect())
}

impl Report<'_> {
    /// Everything that fits on a screen or two.
    pub fn text(&self) -> String {
        let figures: Vec<_> = self.figures().collect();
        let short = COLUMNS.map(|(id, panel, metric, title)| {
            let of_figure = figures.iter().filter(|(figure, _)| figure.id == id);
            let points = of_figure.flat_map(|(_, points)| points);
            let points = points.filter(|it| it.panel == panel && it.metric == metric);
            (title.to_owned(), points.collect())
        });
        let head = if self.partial { PARTIAL } else { "" };
        let mut text = format!("{head}\n{}", of_points(short.into()));
        for (figure, points) in &figures {
            let is_shown = COLUMNS.iter().any(|(id, ..)| *id == figure.id);
            if figure.has_bars() && !is_shown {
                text += &format!("\n{}\n{}", figure.title, points_table(figure, points));
            }
        }
        for duel in figures.iter().flat_map(|(figure, _)| self.duels(figure)) {
            text += &format!("\n{}\n{}", duel.title, self::text(&duel.header, &duel.rows));
        }
        text += &self.verdicts();
        for sentence in self.crossings() {
            text += &format!("  crossover, {sentence}\n");
        }
        let (rounds, of_duels) = (self.plan.rounds, Duel::ROUNDS);
        let warning = if self.noise.is_noisy { "WARNING: " } else { "" };
        text += &format!(
            "\nMedians of {rounds} rounds, {of_duels} where a ratio has a bar; the report has their spread and every \
             definition.\n{warning}{}\n",
            self.noise.text
        );
        text
    }

    /// Where the default types are ahead and where they are behind.
    fn verdicts(&self) -> String {
        let (mut lines, mut words) = (String::new(), Vec::new());
        for (figure, points) in self.figures() {
            for verdict in verdicts(&points, &figure.metrics) {
                let (id, word, lead) = (figure.id, verdict.word(), verdict.lead());
                words.push((verdict.ours.0, word));
                if figure.has_bars() {
                    let (position, sentence) = (verdict.position(""), verdict.sentence());
                    lines += &format!("  {word:<6} {lead:>5.2}x  {id}, {position}, {sentence}\n");
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

/// A table of one panel.
pub struct Table {
    pub title: String,
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Report<'_> {
    /// For each panel of the figure the numbers, then the ratios.
    pub fn duels(&self, figure: &Figure) -> Vec<Table> {
        let metric = figure.metrics[0];
        let mut tables: Vec<Table> = Vec::new();
        for case in &figure.cases {
            let Some(duel) = &case.duel else { continue };
            let rounds = |name: &str| -> Vec<f64> {
                let key = (figure.id, &*case.panel, case.x, metric, name);
                let is_it = |it: &&Record| {
                    (&*it.figure, &*it.panel, it.x, it.metric, it.contender.name) == key
                };
                self.records
                    .iter()
                    .filter(is_it)
                    .map(|it| it.value)
                    .collect()
            };
            let shown = duel.names().map(|name| {
                Spread::of(rounds(name)).map_or(NONE.to_owned(), |it| it.show(|n| metric.show(n)))
            });
            let names = duel.names().map(str::to_owned).collect::<Vec<_>>();
            let best = "the best of them".to_owned();
            for (what, names, cells) in [
                (metric.name(), names.clone(), shown.collect()),
                (
                    format!("ratio of {} to", duel.ours),
                    [&names[1..], &[best]].concat(),
                    against(duel, metric, rounds),
                ),
            ] {
                let title = format!("{}, {}: {what}", figure.id, case.panel);
                let row = [vec![on_axis(case.x)], cells].concat();
                match tables.iter_mut().find(|table| table.title == title) {
                    Some(table) => table.rows.push(row),
                    None => tables.push(Table {
                        title,
                        header: [vec![figure.axis.clone()], names].concat(),
                        rows: vec![row],
                    }),
                }
            }
        }
        tables
    }
}

/// The ratio to each of the others, then to the best of them.
fn against(duel: &Duel, metric: Metric, rounds: impl Fn(&str) -> Vec<f64>) -> Vec<String> {
    let ours = rounds(duel.ours);
    let mut least: Option<f64> = None;
    let mut cells = Vec::new();
    for &(other, bar) in &duel.others {
        let theirs = rounds(other);
        let pairs = ours.iter().zip(&theirs);
        let ratios = pairs.map(|(&ours, &theirs)| metric.lead(ours, theirs));
        let Some(spread) = Spread::of(ratios) else {
            cells.push(NONE.to_owned());
            continue;
        };
        let ratio = spread.median;
        least = Some(least.map_or(ratio, |least| least.min(ratio)));
        let verdict = match bar {
            Some(bar) if ratio >= bar => format!(" met {bar}"),
            Some(bar) => format!(" MISSED {bar}"),
            None => String::new(),
        };
        cells.push(spread.show(|ratio| format!("{ratio:.2}")) + &verdict);
    }
    cells.push(least.map_or(NONE.to_owned(), |least| format!("{least:.2}")));
    cells
}
