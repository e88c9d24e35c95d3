//! Small pictures of three figures, for documents.

use std::path::Path;
use std::{fs, io};

use serde_json::json;

use super::charts::{Line, Row, Size, bars, by_contender, lines};
use super::render;
use crate::contender::Contender;
use crate::metric::{Metric, Record, Tail};
use crate::results::{Point, distinct, on_axis, points};

const SIZE: Size = Size(600.0, 14.0);

/// The contenders in a picture, and the names of their types.
const DRAWN: [(&str, &str); 6] = [
    ("concurrent", "ConcurrentHashMap"),
    ("rwlock-std", "RwLock<HashMap>"),
    ("dashmap", "dashmap"),
    ("papaya", "papaya"),
    ("evmap", "evmap"),
    ("scc", "scc"),
];

/// What is drawn of a figure: a line over its axis, or over more than one metric; or without an
/// axis a row, from the first metric to the last.
struct Picture {
    figure: &'static str,
    panel: &'static str,
    metrics: &'static [Metric],
    axis: &'static str,
    title: &'static str,
    about: &'static str,
}

const PICTURES: [Picture; 3] = [
    Picture {
        figure: "crossover",
        panel: "publish every write",
        metrics: &[Metric::Ops],
        axis: "% writes",
        title: "Throughput against the share of writes",
        about: "Operations a second of all threads; more is better",
    },
    Picture {
        figure: "tail",
        panel: "while the map resizes",
        metrics: &[
            Metric::ReadAt(Tail::P50),
            Metric::ReadAt(Tail::P90),
            Metric::ReadAt(Tail::P99),
            Metric::ReadAt(Tail::P999),
            Metric::ReadAt(Tail::MAX),
        ],
        axis: "percentile of all reads",
        title: "Read latency while a writer inserts without rest",
        about: "On a logarithmic scale; less is better",
    },
    Picture {
        figure: "stuck",
        panel: "a map",
        metrics: &[Metric::WriteAt(Tail::P50), Metric::WriteAt(Tail::MAX)],
        axis: "",
        title: "Write latency while one reader keeps its guard for a second",
        about: "Dot: the median write; line: up to the slowest. Logarithmic; less is better",
    },
];

/// Writes a light and a dark picture of each figure that has results.
pub(crate) fn draw(records: &[Record], folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for picture in PICTURES {
        let points = picture.points(&points(records, picture.figure));
        if !points.is_empty() {
            for is_dark in [false, true] {
                let theme = if is_dark { "dark" } else { "light" };
                let name = format!("{}-{theme}.svg", picture.figure);
                fs::write(folder.join(name), picture.svg(&points, is_dark))?;
            }
        }
    }
    Ok(())
}

impl Picture {
    /// The points that are drawn, with the names of types.
    fn points<'a>(&self, all: &[Point<'a>]) -> Vec<Point<'a>> {
        let named = |&(id, name): &(&str, &'static str)| {
            let is_drawn = |it: &&Point<'_>| {
                let is_asked = it.panel == self.panel && self.metrics.contains(&it.metric);
                is_asked && it.contender.name == id
            };
            let renamed = move |it: &Point<'a>| Point {
                contender: Contender {
                    name,
                    ..it.contender
                },
                ..it.clone()
            };
            all.iter().filter(is_drawn).map(renamed).collect::<Vec<_>>()
        };
        DRAWN.iter().flat_map(named).collect()
    }

    fn svg(&self, points: &[Point<'_>], is_dark: bool) -> String {
        let shares = distinct(points.iter().map(|point| point.x));
        let step = |it: &Point<'_>| match self.metrics {
            [_] => shares.iter().position(|&x| x == it.x),
            _ => self.metrics.iter().position(|&metric| metric == it.metric),
        };
        let mut drawn = by_contender(&points.iter().collect::<Vec<_>>(), step);
        let metric = self.metrics[0];
        let numbers = drawn.iter().map(|line| {
            let values = line.values.iter().map(|value| metric.show(value.1));
            format!("{}: {}", line.name, values.collect::<Vec<_>>().join(", "))
        });
        let numbers = numbers.collect::<Vec<_>>().join("; ");
        let svg = if self.axis.is_empty() {
            drawn.sort_by(|one, other| one.values[0].1.total_cmp(&other.values[0].1));
            bars(
                SIZE,
                metric,
                drawn.iter().map(|it| row(metric, it)).collect(),
            )
        } else {
            let steps = match self.metrics {
                [_] => shares.iter().map(|&share| on_axis(share)).collect(),
                all => all
                    .iter()
                    .map(|it| it.name().replace("read ", ""))
                    .collect(),
            };
            lines(SIZE, metric, self.axis, steps, &drawn)
        };
        let (title, about) = (self.title, self.about);
        let view = json!({
            "title": title, "about": about, "numbers": numbers, "dark": is_dark, "svg": svg,
        });
        render(include_str!("picture.svg"), view)
    }
}

/// The first of its values, and the range up to the last.
fn row<'a>(metric: Metric, line: &Line<'a>) -> Row<'a> {
    let [value, most] = [0, line.values.len() - 1].map(|nth| line.values[nth].1);
    let shown = format!("{}, at most {}", metric.show(value), metric.show(most));
    Row {
        name: line.name,
        is_ours: line.is_ours,
        value,
        least: value,
        most,
        shown,
    }
}
