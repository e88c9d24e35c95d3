//! Small pictures of three figures, for documents.

use std::path::Path;
use std::{fs, io};

use serde_json::json;

use super::charts::{Series, Size, bars, by_contender, lines};
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
        axis: "share of writes, %",
        title: "Throughput against the share of writes",
        about: "Operations a second of all threads (M: million); more is better",
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
        axis: "percentile of the reads",
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
pub fn draw(records: &[Record], folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for picture in PICTURES {
        let points = picture.points(&points(records, picture.figure));
        for theme in ["light", "dark"].iter().filter(|_| !points.is_empty()) {
            let name = format!("{}-{theme}.svg", picture.figure);
            fs::write(folder.join(name), picture.svg(&points, theme))?;
        }
    }
    Ok(())
}

impl Picture {
    /// The points that are drawn, with the names of types.
    fn points<'a>(&self, all: &[Point<'a>]) -> Vec<Point<'a>> {
        let mut found = Vec::new();
        for (id, name) in DRAWN {
            let mut points = all.to_vec();
            points.retain(|it| it.panel == self.panel && self.metrics.contains(&it.metric));
            points.retain(|it| it.contender.name == id);
            found.extend(points.into_iter().map(|it| {
                let contender = Contender {
                    name,
                    ..it.contender
                };
                Point { contender, ..it }
            }));
        }
        found
    }

    fn svg(&self, points: &[Point<'_>], theme: &str) -> String {
        let shares = distinct(points.iter().map(|point| point.x));
        let step = |it: &Point<'_>| match self.metrics {
            [_] => shares.iter().position(|&x| x == it.x),
            _ => self.metrics.iter().position(|&metric| metric == it.metric),
        };
        let series = by_contender(&points.iter().collect::<Vec<_>>(), step);
        let metric = self.metrics[0];
        let numbers = series.iter().map(|it: &Series| {
            let values = it.values.iter().map(|value| metric.show(value.1));
            format!("{}: {}.", it.name, values.collect::<Vec<_>>().join(", "))
        });
        let numbers = numbers.collect::<Vec<_>>().join(" ");
        let svg = if self.axis.is_empty() {
            let show = |value: &(usize, f64)| metric.show(value.1);
            bars(SIZE, metric, series, |values| {
                format!(
                    "{}, at most {}",
                    show(&values[0]),
                    show(&values[values.len() - 1])
                )
            })
        } else {
            let steps = match self.metrics {
                [_] => shares.iter().map(|&share| on_axis(share)).collect(),
                all => all
                    .iter()
                    .map(|it| it.name().replace("read ", ""))
                    .collect(),
            };
            lines(SIZE, metric, self.axis, steps, series)
        };
        let (title, about) = (self.title, self.about);
        let view = json!({
            "title": title, "about": about, "numbers": numbers, "theme": theme, "svg": svg,
        });
        render(include_str!("picture.svg"), view)
    }
}
