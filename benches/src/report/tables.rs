//! Tables for a terminal, and the tables of one of ours against a few others.

use super::{PARTIAL, Report};
use crate::contender::DEFAULTS;
use crate::figures::figure::{Case, Duel, Figure};
use crate::metric::{Metric, Record, Spread, Tail};
use crate::results::{Point, distinct, on_axis, panels, verdicts};

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
        Metric::ReadAt(Tail::P999),
        "read p99.9",
    ),
    (
        "tail",
        "while the map resizes",
        Metric::ReadAt(Tail::P999),
        "p99.9, resizing",
    ),
    ("memory", "100000 entries", Metric::Bytes, "an entry"),
];

impl Table {
    /// In Markdown, the first column to the left and the others to the right.
    fn text(&self) -> String {
        let lines = || [&self.header].into_iter().chain(&self.rows);
        let width = |column: usize| {
            let cells = lines().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let line = |cells: &Vec<String>| {
            let (first, rest) = (&cells[0], cells[1..].iter().zip(&widths[1..]));
            let rest = rest.map(|(cell, &width)| format!(" {cell:>width$} |"));
            format!("| {first:<0$} |{1}\n", widths[0], rest.collect::<String>())
        };
        let rule = widths
            .iter()
            .map(|width| format!("|{}", "-".repeat(width + 2)));
        let rule = rule.collect::<String>() + "|\n";
        line(&self.header) + &rule + &self.rows.iter().map(line).collect::<String>()
    }

    /// A row for each contender with a number, and a column for each title with its points.
    /// Empty if there are no numbers.
    fn of_points(columns: Vec<(String, Vec<&Point<'_>>)>) -> String {
        let points = || columns.iter().flat_map(|column| &column.1);
        let row = |name: &str| {
            let cell = |column: &(_, Vec<&Point<'_>>)| {
                let point = column.1.iter().find(|it| it.contender.name == name);
                point.map_or_else(|| "-".to_owned(), |it| it.metric.show(it.spread.median))
            };
            let cells = columns.iter().map(cell);
            [name.to_owned()].into_iter().chain(cells).collect()
        };
        let names = distinct(points().map(|point| point.contender.name));
        if names.is_empty() {
            return String::new();
        }
        let titles = columns.iter().map(|column| column.0.clone());
        let table = Self {
            title: String::new(),
            header: ["contender".to_owned()].into_iter().chain(titles).collect(),
            rows: names.into_iter().map(row).collect(),
        };
        table.text()
    }
}

/// The points of one column.
fn column<'p, 'a>(points: &'p [Point<'a>], panel: &str, metric: Metric) -> Vec<&'p Point<'a>> {
    let of_column = points.iter();
    let of_column = of_column.filter(|it| it.panel == panel && it.metric == metric);
    of_column.collect()
}

/// A column for each panel and metric of a figure.
pub(crate) fn points_table(figure: &Figure, points: &[Point<'_>]) -> String {
    let column = |(panel, metric, points): (&str, Metric, _)| match panel {
        "" => (metric.name(), points),
        _ => (format!("{panel}, {}", metric.name()), points),
    };
    Table::of_points(panels(figure, points).into_iter().map(column).collect())
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
            let points = column(points, panel, metric);
            (!points.is_empty()).then(|| (title.to_owned(), points))
        });
        text += &Table::of_points(short.collect());
        for (figure, points) in &figures {
            let is_shown = COLUMNS.iter().any(|(id, ..)| *id == figure.id);
            if figure.has_bars() && !is_shown {
                text += &format!("\n{}\n{}", figure.title, points_table(figure, points));
            }
        }
        for duel in figures.iter().flat_map(|(figure, _)| self.duels(figure)) {
            text += &format!("\n{}\n{}", duel.title, duel.text());
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
            for verdict in verdicts(&points, figure) {
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
pub(super) struct Table {
    pub(super) title: String,
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Report<'_> {
    /// For each panel of the figure the numbers, then the ratios.
    pub(super) fn duels(&self, figure: &Figure) -> Vec<Table> {
        let cases = figure.cases.iter();
        let duels: Vec<_> = cases
            .filter_map(|case| Some((case, case.duel.as_ref()?)))
            .collect();
        let mut tables = Vec::new();
        for panel in distinct(duels.iter().map(|(case, _)| &*case.panel)) {
            let of_panel = duels.iter().filter(|(case, _)| case.panel == panel);
            tables.extend(self.duels_of(figure, panel, &of_panel.collect::<Vec<_>>()));
        }
        tables
    }

    fn duels_of(&self, figure: &Figure, panel: &str, duels: &[&(&Case, &Duel)]) -> [Table; 2] {
        let metric = figure.metrics[0];
        let first = duels[0].1;
        let table = |what: &str, names: Vec<&str>| Table {
            title: format!("{}, {panel}: {what}", figure.id),
            header: [&[figure.axis], &names[..]]
                .concat()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            rows: Vec::new(),
        };
        let others = first.names().skip(1).chain(["the best of them"]);
        let mut numbers = table(&metric.name(), first.names().collect());
        let mut ratios = table(&format!("ratio of {} to", first.ours), others.collect());
        for (case, duel) in duels {
            let is_of_case = |it: &&Record| {
                (&*it.figure, &*it.panel, it.x, it.metric) == (figure.id, panel, case.x, metric)
            };
            let rounds = |name: &str| -> Vec<f64> {
                let of_case = self.records.iter().filter(is_of_case);
                let of_name = of_case.filter(|it| it.contender.name == name);
                of_name.map(|it| it.value).collect()
            };
            let step = vec![on_axis(case.x)];
            let shown = duel.names().map(|name| {
                Spread::of(rounds(name)).map_or(NONE.to_owned(), |it| it.show(|n| metric.show(n)))
            });
            numbers.rows.push([step.clone(), shown.collect()].concat());
            ratios
                .rows
                .push([step, against(duel, metric, rounds)].concat());
        }
        [numbers, ratios]
    }
}

const NONE: &str = "-";

/// The ratio to each of the others, then to the best of them.
fn against(duel: &Duel, metric: Metric, rounds: impl Fn(&str) -> Vec<f64>) -> Vec<String> {
    let ours = rounds(duel.ours);
    let mut least: Option<f64> = None;
    let mut cells = Vec::new();
    for &(other, bar) in &duel.others {
        let theirs = rounds(other);
        let pairs = ours.iter().zip(&theirs);
        let Some(spread) = Spread::of(pairs.map(|(&ours, &theirs)| metric.lead(ours, theirs)))
        else {
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
