//! Small SVG pictures of three figures, for documents.

use super::Rendered;
use super::charts::{CHART_STYLE, Chart, DARK, LIGHT, Row, lines, rows};
use crate::metric::{Metric, Tail};
use crate::results::Point;

/// A picture is small: of all maps it has these.
const MAPS: [&str; 10] = [
    "epoch",
    "concurrent",
    "evmap",
    "flashmap",
    "left-right",
    "dashmap",
    "papaya",
    "scc",
    "arc-swap",
    "rwlock-std",
];

impl Rendered<'_> {
    /// A light and a dark picture of each figure that was measured, by the names of their files.
    pub(super) fn pictures(&self) -> Vec<(String, String)> {
        let mut files = Vec::new();
        for (figure, points) in self.figures() {
            let of_panel = |panel: &str| -> Vec<&Point<'_>> {
                let is_drawn = |p: &&Point<'_>| p.panel == panel && MAPS.contains(&p.contender);
                points.iter().filter(is_drawn).collect()
            };
            let (title, chart) = match figure.id {
                "crossover" => {
                    let mut points = of_panel("publish every write");
                    points.retain(|point| point.metric == Metric::Ops);
                    let title = "Operations a second by the share of writes, each published";
                    (title, lines(Metric::Ops, figure.axis(), &points))
                }
                "tail" => {
                    let points = of_panel("while the writer publishes");
                    let tails = [Tail::P50, Tail::P99, Tail::P999];
                    let title = "Read latency beside a writer: p50, p99 and p99.9";
                    (title, tails_of(&points, Metric::ReadAt, tails))
                }
                "stuck" => {
                    let tails = [Tail::P50, Tail::P99, Tail::Max];
                    let title = "Write latency while one reader keeps a guard: p50, p99 and max";
                    (title, tails_of(&of_panel("a map"), Metric::WriteAt, tails))
                }
                _ => continue,
            };
            for (name, palette) in [("light", LIGHT), ("dark", DARK)] {
                let head = format!(
                    "<title>{title}</title>\n<style>\nsvg {{ {palette} }}\n{CHART_STYLE}</style>\n"
                );
                let attributes = "xmlns=\"http://www.w3.org/2000/svg\" width=\"480\"";
                files.push((
                    format!("{}-{name}.svg", figure.id),
                    chart.svg(attributes, &head),
                ));
            }
        }
        files
    }
}

/// A row for each contender, with a dot for each percentile.
fn tails_of(points: &[&Point<'_>], metric: fn(Tail) -> Metric, tails: [Tail; 3]) -> Chart {
    let row = |first: &&Point<'_>| {
        let value = |tail| {
            let is_it =
                |p: &&&Point<'_>| p.contender == first.contender && p.metric == metric(tail);
            points.iter().find(is_it).map(|point| point.spread.median)
        };
        let marks: Vec<f64> = tails.into_iter().filter_map(value).collect();
        let range = (*marks.first()?, *marks.last()?);
        let (name, is_ours) = (first.contender, first.is_ours);
        Some(Row {
            name,
            is_ours,
            marks,
            range,
        })
    };
    let firsts = points
        .iter()
        .filter(|point| point.metric == metric(tails[0]));
    rows(metric(tails[0]), firsts.filter_map(row).collect())
}
