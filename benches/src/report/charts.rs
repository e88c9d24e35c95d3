//! The positions of what is drawn in a chart, which is as wide as a phone.

use core::fmt::Write;

use serde_json::{Value, json};

use crate::contender::Contender;
use crate::figures::figure::Figure;
use crate::metric::Metric;
use crate::results::{Point, distinct, on_axis};

const WIDTH: f64 = 360.0;
/// With a greater ratio, a linear scale shows nothing but the greatest value.
const LINEAR: f64 = 25.0;

/// A chart for each panel and metric.
pub(super) fn charts(figure: &Figure, points: &[Point<'_>]) -> Vec<Value> {
    let mut charts = Vec::new();
    for panel in distinct(points.iter().map(|point| point.panel)) {
        for &metric in figure.metrics {
            let is_here = |it: &&Point<'_>| it.panel == panel && it.metric == metric;
            let here: Vec<_> = points.iter().filter(is_here).collect();
            if here.is_empty() {
                continue;
            }
            let title = match panel {
                "" => metric.name(),
                _ => format!("{panel}: {}", metric.name()),
            };
            let chart = match figure.has_bars() {
                true => bars(metric, here),
                false => lines(metric, &here),
            };
            let less_is_better = metric.less_is_better();
            let chart = json!({ "title": title, "less_is_better": less_is_better, "svg": chart });
            charts.push(chart);
        }
    }
    charts
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
    fn new(values: impl Iterator<Item = f64> + Clone, far: f64, from: f64, to: f64) -> Self {
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
        let at = self.from + (self.to - self.from) * part.clamp(0.0, 1.0);
        (at * 10.0).round() / 10.0
    }

    /// Round values, few enough for labels that do not overlap.
    fn ticks(&self) -> Vec<f64> {
        if self.is_log {
            let decades = self.least.log10().ceil() as i32..=self.most.log10().floor() as i32;
            let every = decades.clone().count().div_ceil(4).max(1);
            return decades.step_by(every).map(|n| 10_f64.powi(n)).collect();
        }
        let rough = self.most / 3.0;
        let unit = 10_f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| unit * factor);
        let step = steps
            .into_iter()
            .find(|&step| step >= rough)
            .unwrap_or(rough);
        (0..=(self.most / step) as u32)
            .map(|nth| f64::from(nth) * step)
            .collect()
    }
}

/// The ticks of a scale: positions, and round values.
fn ticks(scale: &Scale, metric: Metric) -> Vec<(f64, String)> {
    let text = |tick| match tick {
        0.0 => "0".to_owned(),
        _ => metric.show(tick),
    };
    let ticks = scale.ticks().into_iter();
    ticks.map(|tick| (scale.at(tick), text(tick))).collect()
}

/// A bar for each contender, the best first, with its least and greatest round. On a logarithmic
/// scale it is a dot, since a bar would lie about its length.
fn bars(metric: Metric, mut points: Vec<&Point<'_>>) -> Value {
    const STEP: f64 = 20.0;
    points.sort_by(|one, other| {
        let order = one.spread.median.total_cmp(&other.spread.median);
        match metric.less_is_better() {
            true => order,
            false => order.reverse(),
        }
    });
    let (left, right) = (108.0, WIDTH - 62.0);
    let far = points.iter().map(|it| it.spread.max).fold(0.0, f64::max);
    let scale = Scale::new(points.iter().map(|it| it.spread.median), far, left, right);
    let row = |(nth, it): (usize, &&Point<'_>)| {
        json!({
            "name": it.contender.name,
            "is_ours": it.contender.is_ours,
            "y": STEP * nth as f64 + STEP / 2.0 + 2.0,
            "x": scale.at(it.spread.median).max(left + 1.0),
            "least": scale.at(it.spread.min),
            "most": scale.at(it.spread.max),
            "shown": metric.show(it.spread.median),
        })
    };
    let bottom = STEP * points.len() as f64 + 6.0;
    json!({
        "height": bottom + 16.0, "left": left, "bottom": bottom,
        "is_log": scale.is_log,
        "ticks": ticks(&scale, metric),
        "rows": points.iter().enumerate().map(row).collect::<Vec<_>>(),
    })
}

/// A line for each contender, with its name at the end. The steps of the axis are evenly spaced.
fn lines(metric: Metric, points: &[&Point<'_>]) -> Value {
    let (left, right, top, bottom) = (46.0, WIDTH - 108.0, 8.0, 262.0);
    let steps = distinct(points.iter().map(|point| point.x));
    let across = |nth: usize| left + (right - left) * nth as f64 / (steps.len().max(2) - 1) as f64;
    let medians = points.iter().map(|point| point.spread.median);
    let scale = Scale::new(medians, 0.0, bottom, top);
    let mut lines = Vec::new();
    let contenders = distinct(points.iter().map(|point| point.contender));
    for (nth, contender) in contenders.into_iter().enumerate() {
        let (mut path, mut end) = (String::new(), top);
        for point in points.iter().filter(|it| it.contender == contender) {
            let verb = if path.is_empty() { 'M' } else { 'L' };
            let step = steps.iter().position(|&step| step == point.x);
            let x = step.map_or(left, across);
            end = scale.at(point.spread.median);
            // A `String` takes everything.
            let _ = write!(path, "{verb}{x:.1} {end}");
        }
        // Neighbours in the list get hues that lie far apart.
        let colour = format!("hsl({} 70% var(--light))", (210 + nth * 137) % 360);
        lines.push((end, contender, colour, path));
    }
    lines.sort_by(|one, other| one.0.total_cmp(&other.0));
    let ends: Vec<f64> = lines.iter().map(|line| line.0).collect();
    let labels = spread_out(&ends, top, bottom).into_iter();
    let line = |(y, (_, contender, colour, path)): (f64, &(f64, Contender, String, String))| {
        let (name, is_ours) = (contender.name, contender.is_ours);
        json!({ "name": name, "is_ours": is_ours, "y": y, "colour": colour, "path": path })
    };
    let every = steps.len().div_ceil(7).max(1);
    let steps = steps.iter().enumerate().step_by(every);
    json!({
        "height": 300, "left": left, "right": right, "bottom": bottom,
        "ticks": ticks(&scale, metric),
        "steps": steps.map(|(nth, &step)| (across(nth), on_axis(step))).collect::<Vec<_>>(),
        "lines": labels.zip(&lines).map(line).collect::<Vec<_>>(),
    })
}

/// Moves labels, which are sorted, so that none covers another.
fn spread_out(wanted: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    let step = 13.0_f64.min((bottom - top) / wanted.len().max(1) as f64);
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
        let near = Scale::new([10.0, 20.0].into_iter(), 0.0, 0.0, 100.0);
        assert!(!near.is_log);
        assert_eq!(near.at(10.0), 50.0);
        assert_eq!(near.ticks(), [0.0, 10.0, 20.0]);
        let far = Scale::new([10.0, 100_000.0].into_iter(), 0.0, 0.0, 100.0);
        assert!(far.is_log);
        assert_eq!(far.ticks(), [10.0, 1000.0, 100_000.0]);
        assert_eq!(far.at(100_000.0), 100.0);
    }

    #[test]
    fn one_bad_round_does_not_make_all_others_small() {
        let scale = Scale::new([10.0, 20.0].into_iter(), 1e9, 0.0, 100.0);
        assert!(!scale.is_log);
        assert_eq!((scale.most, scale.at(1e9)), (32.0, 100.0));
    }

    #[test]
    fn labels_do_not_cover_each_other() {
        let found = spread_out(&[50.0; 15], 8.0, 280.0);
        assert!(
            found.windows(2).all(|pair| pair[1] - pair[0] > 12.9),
            "{found:?}"
        );
        assert!(found[14] <= 280.0 && found[0] >= 8.0);
    }
}
