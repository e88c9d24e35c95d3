//! Tables for a terminal, and the tables of one of ours against a few others.

use core::iter;

use comfy_table::CellAlignment;
use comfy_table::presets::ASCII_MARKDOWN;
use serde::Serialize;

use super::{PARTIAL, Report};
use crate::contender::DEFAULTS;
use crate::figures::figure::{Duel, Figure};
use crate::metric::{Metric, Spread};
use crate::results::{Point, distinct, on_axis, panels, verdicts};

/// Columns of the short table: figure, panel, metric and title.
const COLUMNS: [(&str, &str, Metric, &str); 8] = [
    ("names", "alone", Metric::READ, "text, alone"),
    ("names", "beside a writer", Metric::READ, "beside a writer"),
    ("ycsb", "B", Metric::OPS, "YCSB B /s"),
    ("conc-map-bench", "ReadHeavy", Metric::OPS, "ReadHeavy /s"),
    ("conc-map-bench", "Exchange", Metric::OPS, "Exchange /s"),
    ("tail", "while the writer publishes", P999, "read p99.9"),
    ("tail", "while the map resizes", P999, "p99.9, resizing"),
    ("memory", "100000 entries", Metric::BYTES, "an entry"),
];
const P999: Metric = Metric("read p99.9");

/// A text with the names of its row and its column.
type Cell = [String; 3];

/// Rows and columns, in the order in which the cells have them first.
#[derive(Serialize)]
pub struct Table {
    title: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new(title: &str, corner: &str, cells: &[Cell]) -> Self {
        let columns = distinct(cells.iter().map(|cell| &cell[1]));
        let rows = distinct(cells.iter().map(|cell| &cell[0])).into_iter();
        let text = |row: &String, column: &String| {
            let cell = cells.iter().find(|it| (&it[0], &it[1]) == (row, column));
            cell.map_or("-".to_owned(), |it| it[2].clone())
        };
        let line = |row: &String| {
            let texts = columns.iter().map(|column| text(row, column));
            iter::once(row.clone()).chain(texts).collect()
        };
        let names = columns.iter().copied().cloned();
        Self {
            title: title.to_owned(),
            header: iter::once(corner.to_owned()).chain(names).collect(),
            rows: rows.map(line).collect(),
        }
    }

    /// The title, and the rows in Markdown, the first column to the left and the others to the
    /// right.
    pub fn text(&self) -> String {
        if self.rows.is_empty() {
            return format!("{}\n", self.title);
        }
        let mut table = comfy_table::Table::new();
        table.load_preset(ASCII_MARKDOWN).set_header(&self.header);
        table.add_rows(&self.rows);
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        format!("{}\n{table}\n", self.title)
    }
}

/// A row for each contender, and a column for each panel and metric of a figure.
pub fn points_table(figure: &Figure, points: &[Point], title: &str) -> Table {
    let panels = panels(&figure.metrics, points).into_iter().flatten();
    let cell = |it: &Point| {
        let column = match &*it.panel {
            "" => it.metric.0.to_owned(),
            panel => format!("{panel}, {}", it.metric.0),
        };
        [it.contender.name.to_owned(), column, it.median()]
    };
    Table::new(title, "contender", &panels.map(cell).collect::<Vec<_>>())
}

impl Report<'_> {
    /// Everything that fits on a screen or two.
    pub fn text(&self) -> String {
        let figures: Vec<_> = self.figures().collect();
        let mut cells = Vec::new();
        for (id, panel, metric, title) in COLUMNS {
            let here = figures.iter().filter(|(figure, _)| figure.id == id);
            let here = here.flat_map(|(_, points)| points);
            let here = here.filter(|it| it.panel == panel && it.metric == metric);
            let cell = |it: &Point| [it.contender.name, title, &it.median()].map(str::to_owned);
            cells.extend(here.map(cell));
        }
        let head = if self.partial { PARTIAL } else { "" };
        let mut text = Table::new(head, "contender", &cells).text();
        for (figure, points) in &figures {
            let is_shown = COLUMNS.iter().any(|(id, ..)| *id == figure.id);
            if figure.has_bars() && !is_shown {
                text += &format!("\n{}", points_table(figure, points, &figure.title).text());
            }
        }
        for duel in figures.iter().flat_map(|(figure, _)| self.duels(figure)) {
            text += &format!("\n{}", duel.text());
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
                words.push((verdict.ours.contender.name, word));
                if figure.has_bars() {
                    let (position, sentence) = (verdict.ours.position(""), verdict.sentence());
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

    /// For each panel of the figure the numbers, then the ratios.
    pub fn duels(&self, figure: &Figure) -> Vec<Table> {
        let metric = figure.metrics[0];
        let mut cells = Vec::new();
        for case in &figure.cases {
            let Some(duel) = &case.duel else { continue };
            let place = (figure.id, &*case.panel, case.x, metric);
            let here = |it: &&Point| (&*it.figure, &*it.panel, it.x, it.metric) == place;
            let here: Vec<_> = self.points.iter().filter(here).collect();
            let point = |name: &str| here.iter().find(|it| it.contender.name == name);
            let mut add = |what: String, name: &str, text: String| {
                let title = format!("{}, {}: {what}", figure.id, case.panel);
                cells.push((title, [on_axis(case.x), name.to_owned(), text]));
            };
            for name in duel.names() {
                let shown = point(name).map(|it| it.spread().show(|n| metric.show(n)));
                add(metric.0.to_owned(), name, shown.unwrap_or("-".to_owned()));
            }
            let ratio_to = format!("ratio of {} to", duel.ours);
            let mut least = f64::INFINITY;
            for &(other, bar) in &duel.others {
                let (Some(ours), Some(theirs)) = (point(duel.ours), point(other)) else {
                    continue;
                };
                let pairs = ours.rounds.iter().zip(&theirs.rounds);
                let ratios = pairs.map(|(&ours, &theirs)| metric.lead(ours, theirs));
                let spread = Spread::of(ratios).expect("both were measured");
                least = least.min(spread.median);
                let verdict = match bar {
                    Some(bar) if spread.median >= bar => format!(" met {bar}"),
                    Some(bar) => format!(" MISSED {bar}"),
                    None => String::new(),
                };
                let ratio = spread.show(|ratio| format!("{ratio:.2}"));
                add(ratio_to.clone(), other, ratio + &verdict);
            }
            if least.is_finite() {
                add(ratio_to, "the best of them", format!("{least:.2}"));
            }
        }
        let titles = distinct(cells.iter().map(|it| &it.0)).into_iter();
        let table = |title: &String| {
            let of_it = cells.iter().filter(|it| it.0 == *title);
            let of_it: Vec<_> = of_it.map(|it| it.1.clone()).collect();
            Table::new(title, &figure.axis, &of_it)
        };
        titles.map(table).collect()
    }
}
