//! Small pictures of three figures, for documents.

use std::path::Path;
use std::{fs, io};

use serde_json::json;

use super::charts::{Series, Size, bars, by_contender, lines};
use super::render;
use crate::results::{Point, distinct, on_axis};

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
    metrics: &'static [&'static str],
    axis: &'static str,
    title: &'static str,
    about: &'static str,
}

const PICTURES: [Picture; 3] = [
    Picture {
        figure: "crossover",
        panel: "publish every write",
        metrics: &["operations/s"],
        axis: "share of writes, %",
        title: "Throughput against the share of writes",
        about: "Operations a second of all threads (M: million); more is better",
    },
    Picture {
        figure: "tail",
        panel: "while the map resizes",
        metrics: &["read p50", "read p90", "read p99", "read p99.9", "read max"],
        axis: "percentile of the reads",
        title: "Read latency while a writer inserts without rest",
        about: "On a logarithmic scale; less is better",
    },
    Picture {
        figure: "stuck",
        panel: "a map",
        metrics: &["write p50", "write max"],
        axis: "",
        title: "Write latency while one reader keeps its guard",
        about: "Dot: the median write; line: up to the slowest. Logarithmic; less is better",
    },
];

/// Writes a light and a dark picture of each figure that has results.
pub fn draw(points: &[Point], folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for picture in PICTURES {
        let points = picture.points(points);
        for theme in ["light", "dark"].iter().filter(|_| !points.is_empty()) {
            let name = format!("{}-{theme}.svg", picture.figure);
            fs::write(folder.join(name), picture.svg(&points, theme))?;
        }
    }
    Ok(())
}

impl Picture {
    /// The points that are drawn, with the names of types.
    fn points(&self, all: &[Point]) -> Vec<Point> {
        let mut all = all.to_vec();
        all.retain(|it| (&*it.figure, &*it.panel) == (self.figure, self.panel));
        all.retain(|it| self.metrics.contains(&it.metric.0));
        let mut found = Vec::new();
        for (id, name) in DRAWN {
            let of_it = all.iter().filter(|it| it.contender.name == id).cloned();
            found.extend(of_it.map(|mut it| {
                it.contender.name = name;
                it
            }));
        }
        found
    }

    fn svg(&self, points: &[Point], theme: &str) -> String {
        let shares = distinct(points.iter().map(|point| point.x));
        let step = |it: &Point| match self.metrics {
            [_] => shares.iter().position(|&x| x == it.x),
            all => all.iter().position(|&metric| metric == it.metric.0),
        };
        let series = by_contender(&points.iter().collect::<Vec<_>>(), step);
        let metric = points[0].metric;
        let show = |value: &(usize, f64)| metric.show(value.1);
        let numbers = series.iter().map(|it: &Series| {
            let values: Vec<_> = it.values.iter().map(show).collect();
            format!("{}: {}.", it.contender.name, values.join(", "))
        });
        let numbers = numbers.collect::<Vec<_>>().join(" ");
        let svg = if self.axis.is_empty() {
            bars(SIZE, metric, series, |values| {
                let [first, last] = [&values[0], &values[values.len() - 1]].map(show);
                format!("{first}, at most {last}")
            })
        } else {
            let steps = match self.metrics {
                [_] => shares.iter().map(|&share| on_axis(share)).collect(),
                all => all.iter().map(|it| it.replace("read ", "")).collect(),
            };
            lines(SIZE, metric, self.axis, steps, series)
        };
        let view = json!({
            "title": self.title, "about": self.about, "numbers": numbers, "theme": theme,
            "svg": svg,
        });
        render(include_str!("picture.svg"), view)
    }
}
