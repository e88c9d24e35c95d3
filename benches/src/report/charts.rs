//! Charts as SVG, drawn for a phone's width, which CSS colours.

use core::fmt::Write;

use crate::metric::Metric;
use crate::results::{Point, distinct, on_axis};

/// The colours of a light and a dark page.
pub(super) const LIGHT: &str = "--paper: #fff; --ink: #1f2328; --faint: #59636e; --rule: #d8dee4; \
    --ours: #0969da; --theirs: #8a949e; --good: #1a7f37; --bad: #b42318; --light: 38%;";
pub(super) const DARK: &str = "--paper: #0d1117; --ink: #e4e8ec; --faint: #9aa5b0; --rule: #343a41; \
    --ours: #5aa9ff; --theirs: #7d8791; --good: #57c473; --bad: #ff8f85; --light: 68%;";
pub(super) const CHART_STYLE: &str = include_str!("chart.css");

const WIDTH: f64 = 360.0;
/// With a greater ratio, a linear scale shows nothing but the greatest value.
const LINEAR: f64 = 25.0;

/// What follows `<svg`: the size, and the elements.
pub(super) struct Chart {
    height: f64,
    body: String,
}

impl Chart {
    fn new(height: f64) -> Self {
        let body = String::new();
        Self { height, body }
    }

    fn add(&mut self, element: &str) {
        self.body += element;
        self.body.push('\n');
    }

    fn text(&mut self, (x, y): (f64, f64), anchor: &str, attributes: &str, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        let at = format!("x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\"", y + 4.0);
        self.add(&format!("<text {at} {attributes}>{text}</text>"));
    }

    /// The element, with `attributes` of its root and elements before all others.
    pub(super) fn svg(&self, attributes: &str, head: &str) -> String {
        let Self { height, body } = self;
        format!(
            "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" {attributes}>\n{head}{body}</svg>\n"
        )
    }
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
        self.from + (self.to - self.from) * part.clamp(0.0, 1.0)
    }

    /// Round values, few enough to be told apart.
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

/// A round value, short.
fn tick_text(metric: Metric, tick: f64) -> String {
    match tick {
        0.0 => "0".to_owned(),
        _ => metric.show(tick).replace(".0 ", " "),
    }
}

/// A contender's row.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) is_ours: bool,
    /// In ascending order; the last one is written at the end of the row.
    pub(super) marks: Vec<f64>,
    pub(super) range: (f64, f64),
}

/// A bar for each contender, the best first, with its least and greatest round.
pub(super) fn bars(metric: Metric, points: &[&Point<'_>]) -> Chart {
    let row = |point: &&Point<'_>| Row {
        name: point.contender,
        is_ours: point.is_ours,
        marks: vec![point.spread.median],
        range: (point.spread.min, point.spread.max),
    };
    rows(metric, points.iter().map(row).collect())
}

/// A row for each contender, sorted by its last mark. One mark on a linear scale is a bar; other
/// marks are dots, since a bar would lie about its length.
pub(super) fn rows(metric: Metric, mut rows: Vec<Row>) -> Chart {
    let last = |row: &Row| row.marks.last().copied().unwrap_or_default();
    rows.sort_by(|one, other| match metric.less_is_better() {
        true => last(one).total_cmp(&last(other)),
        false => last(other).total_cmp(&last(one)),
    });
    let (left, right, step) = (108.0, WIDTH - 62.0, 20.0);
    let bottom = step * rows.len() as f64 + 6.0;
    let marks = rows.iter().flat_map(|row| row.marks.iter().copied());
    let far = rows.iter().map(|row| row.range.1).fold(0.0, f64::max);
    let scale = Scale::new(marks, far, left, right);
    let mut chart = Chart::new(bottom + 16.0);
    for tick in scale.ticks() {
        let x = scale.at(tick);
        chart.add(&format!("<path class=\"rule\" d=\"M{x:.1} 0V{bottom}\"/>"));
        chart.text(
            (x, bottom + 8.0),
            "middle",
            "class=\"axis\"",
            &tick_text(metric, tick),
        );
    }
    for (nth, row) in rows.iter().enumerate() {
        let y = step * nth as f64 + step / 2.0 + 2.0;
        let (class, text_class) = match row.is_ours {
            true => ("bar us", "class=\"mine\""),
            false => ("bar", ""),
        };
        chart.text((left - 6.0, y), "end", text_class, row.name);
        for x in row.marks.iter().map(|&mark| scale.at(mark)) {
            chart.add(&if scale.is_log || row.marks.len() > 1 {
                format!("<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"/>")
            } else {
                let (y, width) = (y - 6.0, (x - left).max(1.0));
                format!("<rect class=\"{class}\" x=\"{left}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"12\"/>")
            });
        }
        let (least, most) = (scale.at(row.range.0), scale.at(row.range.1));
        chart.add(&format!(
            "<path class=\"range\" d=\"M{least:.1} {y:.1}H{most:.1}\"/>"
        ));
        chart.text((WIDTH, y), "end", text_class, &metric.show(last(row)));
    }
    chart
}

/// A line for each contender, with its name at the end. The steps of the axis are evenly spaced.
pub(super) fn lines(metric: Metric, axis: &str, points: &[&Point<'_>]) -> Chart {
    let (left, right, top, bottom) = (46.0, WIDTH - 108.0, 8.0, 262.0);
    let steps = distinct(points.iter().map(|point| point.x));
    let across = |nth: usize| left + (right - left) * nth as f64 / (steps.len().max(2) - 1) as f64;
    let scale = Scale::new(
        points.iter().map(|point| point.spread.median),
        0.0,
        bottom,
        top,
    );
    let mut chart = Chart::new(300.0);
    for tick in scale.ticks() {
        let y = scale.at(tick);
        chart.add(&format!(
            "<path class=\"rule\" d=\"M{left} {y:.1}H{right}\"/>"
        ));
        chart.text(
            (left - 4.0, y),
            "end",
            "class=\"axis\"",
            &tick_text(metric, tick),
        );
    }
    let every = steps.len().div_ceil(7).max(1);
    for (nth, step) in steps.iter().enumerate().step_by(every) {
        chart.text(
            (across(nth), bottom + 12.0),
            "middle",
            "class=\"axis\"",
            &on_axis(*step),
        );
    }
    chart.text(
        (left.midpoint(right), bottom + 28.0),
        "middle",
        "class=\"axis\"",
        axis,
    );
    let mut ends = Vec::new();
    let names = distinct(points.iter().map(|point| (point.contender, point.is_ours)));
    for (nth, (name, is_ours)) in names.into_iter().enumerate() {
        let (mut path, mut end) = (String::new(), top);
        for point in points.iter().filter(|point| point.contender == name) {
            let verb = if path.is_empty() { 'M' } else { 'L' };
            let x = steps
                .iter()
                .position(|&step| step == point.x)
                .map_or(left, across);
            end = scale.at(point.spread.median);
            // A `String` takes everything.
            let _ = write!(path, "{verb}{x:.1} {end:.1}");
        }
        // Neighbours in the list get hues that lie far apart.
        let colour = format!("hsl({} 70% var(--light))", (210 + nth * 137) % 360);
        let class = if is_ours { "line us" } else { "line" };
        chart.add(&format!("<path class=\"{class}\" style=\"stroke:{colour}\" d=\"{path}\"><title>{name}</title></path>"));
        let weight = if is_ours { "font-weight:600;" } else { "" };
        ends.push((end, name, format!("style=\"{weight}fill:{colour}\"")));
    }
    ends.sort_by(|one, other| one.0.total_cmp(&other.0));
    let wanted: Vec<f64> = ends.iter().map(|end| end.0).collect();
    for (y, (_, name, style)) in spread_out(&wanted, top, bottom).into_iter().zip(ends) {
        chart.text((right + 6.0, y), "start", &style, name);
    }
    chart
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
