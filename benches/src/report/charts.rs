//! The positions of what is drawn in a chart, on the report's page and in pictures.

use core::fmt::Write;

use serde_json::{Value, json};

use crate::figures::figure::Figure;
use crate::metric::Metric;
use crate::results::{Point, distinct, on_axis, panels};

/// The width of a chart, and the size of its text, which all distances depend on.
#[derive(Clone, Copy)]
pub(super) struct Size(pub(super) f64, pub(super) f64);

/// As wide as a phone.
const PAGE: Size = Size(360.0, 11.0);
/// With a greater ratio, a linear scale shows nothing but the greatest value.
const LINEAR: f64 = 25.0;

/// A contender's row in a chart of bars.
pub(super) struct Row<'a> {
    pub(super) name: &'a str,
    pub(super) is_ours: bool,
    pub(super) value: f64,
    pub(super) least: f64,
    pub(super) most: f64,
    pub(super) shown: String,
}

/// A contender's line, by steps of the axis and values.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    pub(super) is_ours: bool,
    pub(super) values: Vec<(usize, f64)>,
}

/// The medians of each contender, at the step of the axis that a point belongs to.
pub(super) fn by_contender<'a>(
    points: &[&Point<'a>],
    step: impl Fn(&Point<'a>) -> Option<usize>,
) -> Vec<Line<'a>> {
    let line = |it| {
        let of_it = points.iter().filter(|point| point.contender == it);
        let value = |point: &&Point<'a>| Some((step(point)?, point.spread.median));
        let (name, is_ours, values) = (it.name, it.is_ours, of_it.filter_map(value).collect());
        Line {
            name,
            is_ours,
            values,
        }
    };
    distinct(points.iter().map(|point| point.contender))
        .into_iter()
        .map(line)
        .collect()
}

/// A chart for each panel and metric.
pub(super) fn charts(figure: &Figure, points: &[Point<'_>]) -> Vec<Value> {
    let chart = |(panel, metric, here): (&str, Metric, Vec<&Point<'_>>)| {
        let title = match panel {
            "" => metric.name(),
            _ => format!("{panel}: {}", metric.name()),
        };
        let svg = if figure.has_bars() {
            bars(PAGE, metric, rows(metric, &here))
        } else {
            let steps = distinct(here.iter().map(|point| point.x));
            let step = |point: &Point<'_>| steps.iter().position(|&step| step == point.x);
            let names = steps.iter().map(|&step| on_axis(step)).collect();
            lines(
                PAGE,
                metric,
                &figure.axis,
                names,
                &by_contender(&here, step),
            )
        };
        json!({ "title": title, "less_is_better": metric.less_is_better(), "svg": svg })
    };
    panels(figure, points).into_iter().map(chart).collect()
}

/// A row for each contender, the best first, with its least and greatest round.
fn rows<'a>(metric: Metric, points: &[&Point<'a>]) -> Vec<Row<'a>> {
    let row = |point: &&Point<'a>| Row {
        name: point.contender.name,
        is_ours: point.contender.is_ours,
        value: point.spread.median,
        least: point.spread.min,
        most: point.spread.max,
        shown: metric.show(point.spread.median),
    };
    let mut rows: Vec<_> = points.iter().map(row).collect();
    rows.sort_by(|one, other| one.value.total_cmp(&other.value));
    if !metric.less_is_better() {
        rows.reverse();
    }
    rows
}

/// Maps values to positions, by their logarithm if they lie far apart.
struct Scale {
    least: f64,
    most: f64,
    is_log: bool,
    from: f64,
    to: f64,
}

impl Scale {
    /// For these values, and for ranges up to `far`. A range that goes far beyond the values is
    /// cut: a bad round must not make all others small.
    fn new(values: impl Iterator<Item = f64> + Clone, far: f64, [from, to]: [f64; 2]) -> Self {
        let greatest = values.clone().fold(1e-9, f64::max);
        let least = values.filter(|&value| value > 0.0).fold(greatest, f64::min);
        let is_log = greatest / least > LINEAR;
        let least = if is_log { least / 2.0 } else { 0.0 };
        let most = far.clamp(greatest, greatest * 1.6);
        Self {
            least,
            most,
            is_log,
            from,
            to,
        }
    }

    fn at(&self, value: f64) -> f64 {
        let part = match self.is_log {
            true => (value.max(self.least) / self.least).ln() / (self.most / self.least).ln(),
            false => value / self.most,
        };
        tenths(self.from + (self.to - self.from) * part.clamp(0.0, 1.0))
    }

    /// Round values, few enough to be told apart.
    fn ticks(&self) -> Vec<f64> {
        if self.is_log {
            let decades = self.least.log10().ceil() as i32..=self.most.log10().floor() as i32;
            let every = decades.clone().count().div_ceil(5).max(1);
            return decades.step_by(every).map(|n| 10_f64.powi(n)).collect();
        }
        let rough = self.most / 3.0;
        let unit = 10_f64.powf(rough.log10().floor());
        let mut steps = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| unit * factor);
        let step = steps.find(|&step| step >= rough).unwrap_or(rough);
        (0..=(self.most / step) as u32)
            .map(|nth| f64::from(nth) * step)
            .collect()
    }

    /// The positions of the ticks, with their values in words.
    fn shown(&self, metric: Metric) -> Vec<(f64, String)> {
        let text = |tick| {
            if tick == 0.0 {
                "0".to_owned()
            } else {
                metric.show(tick)
            }
        };
        self.ticks()
            .into_iter()
            .map(|tick| (self.at(tick), text(tick)))
            .collect()
    }
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The room that the longest of some texts takes.
fn room<T: AsRef<str>>(em: f64, texts: impl Iterator<Item = T>) -> f64 {
    let longest = texts.map(|text| text.as_ref().chars().count()).max();
    tenths(em * (0.66 * longest.unwrap_or(0) as f64 + 0.6))
}

/// A bar for each row. On a logarithmic scale it is a dot, since a bar would lie about its length.
pub(super) fn bars(Size(width, em): Size, metric: Metric, rows: Vec<Row<'_>>) -> Value {
    let step = em * 1.8;
    let left = room(em, rows.iter().map(|row| row.name));
    let right = width - room(em, rows.iter().map(|row| &row.shown));
    let far = rows.iter().map(|row| row.most).fold(0.0, f64::max);
    let scale = Scale::new(rows.iter().map(|row| row.value), far, [left, right]);
    let row = |(nth, row): (usize, &Row<'_>)| {
        json!({
            "name": row.name, "is_ours": row.is_ours, "shown": row.shown,
            "y": tenths(step * (nth as f64 + 0.6)), "x": scale.at(row.value).max(left + 1.0),
            "least": scale.at(row.least), "most": scale.at(row.most),
        })
    };
    let bottom = tenths(step * rows.len() as f64 + em / 2.0);
    json!({
        "width": width, "height": bottom + em * 1.5, "em": em, "left": left, "bottom": bottom,
        "is_log": scale.is_log, "ticks": scale.shown(metric),
        "rows": rows.iter().enumerate().map(row).collect::<Vec<_>>(),
    })
}

/// Lines with their names at their ends, over evenly spaced steps of an axis.
pub(super) fn lines(
    Size(width, em): Size,
    metric: Metric,
    axis: &str,
    steps: Vec<String>,
    lines: &[Line<'_>],
) -> Value {
    let right = width - room(em, lines.iter().map(|line| line.name)) - em;
    let (left, top, bottom) = (em * 4.2, em, em * 24.0);
    let across = |nth: usize| {
        let part = nth as f64 / (steps.len().max(2) - 1) as f64;
        tenths(left + (right - left) * part)
    };
    let values = lines.iter().flat_map(|line| &line.values);
    let scale = Scale::new(values.map(|value| value.1), 0.0, [bottom, top]);
    let drawn = |(nth, line): (usize, &Line<'_>)| {
        let (mut path, mut end) = (String::new(), top);
        for &(step, value) in &line.values {
            end = scale.at(value);
            let verb = if path.is_empty() { 'M' } else { 'L' };
            // A `String` takes everything.
            let _ = write!(path, "{verb}{} {end}", across(step));
        }
        (
            end,
            json!({ "nth": nth, "name": line.name, "is_ours": line.is_ours, "path": path }),
        )
    };
    let mut drawn: Vec<_> = lines.iter().enumerate().map(drawn).collect();
    drawn.sort_by(|one, other| one.0.total_cmp(&other.0));
    let ends: Vec<f64> = drawn.iter().map(|line| line.0).collect();
    for ((end, line), y) in drawn
        .iter_mut()
        .zip(spread_out(&ends, em * 1.2, [top, bottom]))
    {
        (line["end"], line["y"]) = (json!(end), json!(tenths(y)));
    }
    let every = steps
        .len()
        .div_ceil(if width > 500.0 { 10 } else { 7 })
        .max(1);
    let steps = steps.iter().enumerate().step_by(every);
    json!({
        "width": width, "height": bottom + em * 3.4, "em": em, "axis": axis,
        "left": left, "right": right, "bottom": bottom, "ticks": scale.shown(metric),
        "steps": steps.map(|(nth, step)| (across(nth), step)).collect::<Vec<_>>(),
        "lines": drawn.into_iter().map(|line| line.1).collect::<Vec<_>>(),
    })
}

/// Moves labels, which are sorted, so that none covers another.
fn spread_out(wanted: &[f64], step: f64, [top, bottom]: [f64; 2]) -> Vec<f64> {
    let step = step.min((bottom - top) / wanted.len().max(1) as f64);
    let mut found: Vec<f64> = Vec::with_capacity(wanted.len());
    for y in wanted {
        let free = found.last().map_or(top, |last| last + step);
        found.push(y.max(free));
    }
    let mut most = bottom;
    for y in found.iter_mut().rev() {
        *y = y.min(most);
        most = *y - step;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_logarithmic_where_values_lie_far_apart() {
        let near = Scale::new([10.0, 20.0].into_iter(), 0.0, [0.0, 100.0]);
        assert!(!near.is_log);
        assert_eq!(near.at(10.0), 50.0);
        assert_eq!(near.ticks(), [0.0, 10.0, 20.0]);
        let far = Scale::new([10.0, 1_000_000.0].into_iter(), 0.0, [0.0, 100.0]);
        assert!(far.is_log);
        assert_eq!(far.ticks(), [10.0, 1000.0, 100_000.0]);
        assert_eq!(far.at(1_000_000.0), 100.0);
    }

    #[test]
    fn one_bad_round_does_not_make_all_others_small() {
        let scale = Scale::new([10.0, 20.0].into_iter(), 1e9, [0.0, 100.0]);
        assert!(!scale.is_log);
        assert_eq!((scale.most, scale.at(1e9)), (32.0, 100.0));
    }

    #[test]
    fn labels_do_not_cover_each_other() {
        let found = spread_out(&[50.0; 15], 13.0, [8.0, 280.0]);
        let is_free = |pair: &[f64]| pair[1] - pair[0] > 12.9;
        assert!(found.windows(2).all(is_free), "{found:?}");
        assert!(found[14] <= 280.0 && found[0] >= 8.0);
    }
}
