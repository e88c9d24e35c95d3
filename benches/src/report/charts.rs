//! The positions of what is drawn in a chart, on the report's page and in pictures.

use serde_json::{Value, json};

use crate::contender::Contender;
use crate::figures::figure::Figure;
use crate::metric::Metric;
use crate::results::{Point, distinct, on_axis, panels};

/// The width of a chart, and the size of its text, which all distances depend on.
#[derive(Clone, Copy)]
pub struct Size(pub f64, pub f64);

const PAGE: Size = Size(360.0, 11.0);
/// With a greater ratio, a linear scale shows nothing but the greatest value.
const LINEAR: f64 = 25.0;

/// The step of a single round's value, which may lie outside of the chart.
const ROUND: usize = usize::MAX;

/// A contender in a chart: its line by steps of the axis and values, or the value of its bar and
/// those that its range reaches to.
pub struct Series {
    pub contender: Contender,
    pub values: Vec<(usize, f64)>,
}

/// The medians of each contender, at the step of the axis that a point belongs to.
pub fn by_contender(points: &[&Point], step: impl Fn(&Point) -> Option<usize>) -> Vec<Series> {
    let contenders = distinct(points.iter().map(|point| point.contender)).into_iter();
    let series = contenders.map(|contender| {
        let of_it = points.iter().filter(|point| point.contender == contender);
        let values = of_it.filter_map(|point| Some((step(point)?, point.spread().median)));
        let values = values.collect();
        Series { contender, values }
    });
    series.collect()
}

pub fn charts(figure: &Figure, points: &[Point]) -> Vec<Value> {
    let chart = |here: Vec<&Point>| {
        let metric = here[0].metric;
        let title = match &*here[0].panel {
            "" => metric.0.to_owned(),
            panel => format!("{panel}: {}", metric.0),
        };
        let svg = if figure.has_bars() {
            let mut series = by_contender(&here, |_| Some(0));
            for (it, point) in series.iter_mut().zip(&here) {
                it.values
                    .extend(point.rounds.iter().map(|&round| (ROUND, round)));
            }
            bars(PAGE, metric, series, |values| metric.show(values[0].1))
        } else {
            let steps = distinct(here.iter().map(|point| point.x));
            let step = |point: &Point| steps.iter().position(|&step| step == point.x);
            let names = steps.iter().map(|&step| on_axis(step)).collect();
            lines(PAGE, metric, &figure.axis, names, by_contender(&here, step))
        };
        json!({ "title": title, "less_is_better": metric.less_is_better(), "svg": svg })
    };
    let panels = panels(&figure.metrics, points).into_iter();
    panels.map(chart).collect()
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

    /// Round values, few enough for labels that do not overlap.
    fn ticks(&self) -> Vec<f64> {
        if self.is_log {
            // A value a little below a power of ten has that power beside it.
            let last = (self.most * 1.02).log10().floor() as i32;
            let decades = self.least.log10().ceil() as i32..=last;
            let every = decades.clone().count().div_ceil(5).max(1);
            return decades.step_by(every).map(|n| 10_f64.powi(n)).collect();
        }
        let rough = self.most / 3.0;
        let unit = 10_f64.powf(rough.log10().floor());
        let mut steps = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| unit * factor);
        let step = steps.find(|&step| step >= rough).unwrap_or(rough);
        let count = (self.most / step) as u32;
        (0..=count).map(|nth| f64::from(nth) * step).collect()
    }

    fn shown(&self, metric: Metric) -> Vec<(f64, String)> {
        let text = |tick| match tick {
            0.0 => "0".to_owned(),
            _ => metric.show(tick),
        };
        let ticks = self.ticks().into_iter();
        ticks.map(|tick| (self.at(tick), text(tick))).collect()
    }
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The room that the longest of some texts takes.
fn room<'a>(em: f64, texts: impl Iterator<Item = &'a str>) -> f64 {
    let longest = texts.map(|text| text.chars().count()).max();
    tenths(em * (0.68 * longest.unwrap_or(0) as f64 + 0.8))
}

/// A bar for each contender, the best first. On a logarithmic scale it is a dot, since a bar would
/// lie about its length.
pub fn bars(
    Size(width, em): Size,
    metric: Metric,
    mut series: Vec<Series>,
    show: impl Fn(&[(usize, f64)]) -> String,
) -> Value {
    series.sort_by(|one, other| one.values[0].1.total_cmp(&other.values[0].1));
    if !metric.less_is_better() {
        series.reverse();
    }
    let shown: Vec<_> = series.iter().map(|it| show(&it.values)).collect();
    let left = room(em, series.iter().map(|it| it.contender.name));
    let right = width - room(em, shown.iter().map(|text| &**text));
    let all = || series.iter().flat_map(|it| &it.values);
    let far = all().map(|value| value.1).fold(0.0, f64::max);
    let within = all().filter(|value| value.0 != ROUND);
    let scale = Scale::new(within.map(|value| value.1), far, [left, right]);
    let row = |(it, shown): (&Series, String)| {
        let values = it.values.iter().map(|value| scale.at(value.1));
        let (name, is_ours) = (it.contender.name, it.contender.is_ours);
        json!({ "name": name, "is_ours": is_ours, "x": values.collect::<Vec<_>>(), "shown": shown })
    };
    let rows: Vec<_> = series.iter().zip(shown).map(row).collect();
    let step = em * 1.8;
    let bottom = tenths(step * rows.len() as f64 + em / 2.0);
    json!({
        "width": width, "height": bottom + em * 1.5, "em": em, "left": left, "bottom": bottom,
        "step": step, "is_log": scale.is_log, "ticks": scale.shown(metric), "rows": rows,
    })
}

/// A line for each contender with its name at the end, over evenly spaced steps of an axis.
pub fn lines(
    Size(width, em): Size,
    metric: Metric,
    axis: &str,
    steps: Vec<String>,
    series: Vec<Series>,
) -> Value {
    let right = width - room(em, series.iter().map(|it| it.contender.name)) - em;
    let (left, top, bottom) = (em * 4.2, em, em * 24.0);
    let gap = (right - left) / (steps.len().max(2) - 1) as f64;
    let across = |nth: usize| tenths(left + gap * nth as f64);
    let values = series.iter().flat_map(|it| &it.values);
    let scale = Scale::new(values.map(|value| value.1), 0.0, [bottom, top]);
    let drawn = |(nth, it): (usize, &Series)| {
        let at = |&(step, value): &(usize, f64)| (across(step), scale.at(value));
        let points: Vec<_> = it.values.iter().map(at).collect();
        let end = points.last().map_or(top, |point| point.1);
        let (name, is_ours) = (it.contender.name, it.contender.is_ours);
        let line = json!({ "nth": nth, "name": name, "is_ours": is_ours, "points": points });
        (end, line)
    };
    let mut drawn: Vec<_> = series.iter().enumerate().map(drawn).collect();
    drawn.sort_by(|one, other| one.0.total_cmp(&other.0));
    let ends: Vec<f64> = drawn.iter().map(|line| line.0).collect();
    let labels = spread_out(&ends, em * 1.2, [top, bottom]);
    let every = steps.len().div_ceil((width / 50.0) as usize).max(1);
    let steps = steps.iter().enumerate().step_by(every);
    json!({
        "width": width, "height": bottom + em * 3.4, "em": em, "axis": axis,
        "left": left, "right": right, "bottom": bottom, "ticks": scale.shown(metric),
        "steps": steps.map(|(nth, step)| (across(nth), step)).collect::<Vec<_>>(),
        "lines": drawn.into_iter().map(|line| line.1).zip(labels).collect::<Vec<_>>(),
    })
}

/// Moves labels, which are sorted, so that none covers another.
fn spread_out(wanted: &[f64], step: f64, [top, bottom]: [f64; 2]) -> Vec<f64> {
    let step = step.min((bottom - top) / wanted.len().max(1) as f64);
    let mut found = wanted.to_vec();
    let mut free = top;
    for y in &mut found {
        *y = y.max(free);
        free = *y + step;
    }
    let mut most = bottom;
    for y in found.iter_mut().rev() {
        *y = tenths(y.min(most));
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
        assert_eq!((near.is_log, near.at(10.0)), (false, 50.0));
        assert_eq!(near.ticks(), [0.0, 10.0, 20.0]);
        let far = Scale::new([10.0, 1_000_000.0].into_iter(), 0.0, [0.0, 100.0]);
        assert_eq!((far.is_log, far.at(1_000_000.0)), (true, 100.0));
        assert_eq!(far.ticks(), [10.0, 1000.0, 100_000.0]);
    }

    #[test]
    fn one_bad_round_does_not_make_all_others_small() {
        let scale = Scale::new([10.0, 20.0].into_iter(), 1e9, [0.0, 100.0]);
        assert_eq!(
            (scale.is_log, scale.most, scale.at(1e9)),
            (false, 32.0, 100.0)
        );
    }

    #[test]
    fn labels_do_not_cover_each_other() {
        let found = spread_out(&[50.0; 15], 13.0, [8.0, 280.0]);
        let is_free = |pair: &[f64]| pair[1] - pair[0] > 12.8;
        assert!(found.windows(2).all(is_free), "{found:?}");
        assert!(found[14] <= 280.0 && found[0] >= 8.0);
    }
}
