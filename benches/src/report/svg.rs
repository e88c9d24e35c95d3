//! Charts: drawn for a phone's width, and set side by side where there is room.

use core::fmt::Write;

use crate::metric::Metric;
use crate::results::Point;

const WIDTH: f64 = 360.0;
/// Beyond this ratio a linear scale shows nothing but the greatest.
const LINEAR: f64 = 25.0;

/// Text that HTML does not read as anything else.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn open(height: f64, title: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">\n",
        escaped(title)
    )
}

/// Maps values to places, by their logarithm if they lie far apart.
struct Scale {
    least: f64,
    most: f64,
    is_log: bool,
    from: f64,
    to: f64,
}

impl Scale {
    /// For medians, and for ranges if they are drawn. One that goes far beyond the
    /// medians is cut: a bad round shall not make all others small.
    fn new(points: &[&Point<'_>], has_ranges: bool, from: f64, to: f64) -> Self {
        let medians = points.iter().map(|point| point.spread.median);
        let most = medians.clone().fold(0.0, f64::max).max(1e-9);
        let least = medians.filter(|&median| median > 0.0).fold(most, f64::min);
        let is_log = most / least > LINEAR;
        let far = points.iter().map(|point| point.spread.max);
        let far = far.filter(|_| has_ranges).fold(most, f64::max);
        let most = far.min(most * 1.6);
        let least = if is_log { least / 2.0 } else { 0.0 };
        Self {
            least,
            most,
            is_log,
            from,
            to,
        }
    }

    fn at(&self, value: f64) -> f64 {
        let part = if self.is_log {
            (value.max(self.least) / self.least).ln() / (self.most / self.least).ln()
        } else {
            value / self.most
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
        let factors = [1.0, 2.0, 5.0, 10.0];
        let step = factors
            .map(|factor| unit * factor)
            .into_iter()
            .find(|&step| step >= rough);
        let step = step.unwrap_or(rough);
        let count = (self.most / step).floor() as u32;
        (0..=count).map(|nth| f64::from(nth) * step).collect()
    }
}

/// A round value, short.
fn on_axis(metric: Metric, tick: f64) -> String {
    match tick {
        0.0 => "0".to_owned(),
        _ => metric.show(tick).replace(".0 ", " "),
    }
}

fn label(x: f64, y: f64, anchor: &str, class: &str, text: &str) -> String {
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"{class}\">{}</text>\n",
        escaped(text)
    )
}

/// A bar for each contender, the best first, with least and greatest round; on a
/// logarithmic scale a dot, since a bar would lie about its length.
pub(super) fn bars(title: &str, metric: Metric, points: &[&Point<'_>]) -> String {
    let mut points = points.to_vec();
    points.sort_by(|one, other| {
        let order = one.spread.median.total_cmp(&other.spread.median);
        match metric.less_is_better() {
            true => order,
            false => order.reverse(),
        }
    });
    let (left, right, row) = (108.0, WIDTH - 62.0, 20.0);
    let bottom = row * points.len() as f64 + 6.0;
    let scale = Scale::new(&points, true, left, right);
    let mut svg = open(bottom + 16.0, title);
    for tick in scale.ticks() {
        let x = scale.at(tick);
        let _ = writeln!(svg, "<path class=\"rule\" d=\"M{x:.1} 0V{bottom}\"/>");
        svg.push_str(&label(
            x,
            bottom + 12.0,
            "middle",
            "axis",
            &on_axis(metric, tick),
        ));
    }
    for (nth, point) in points.iter().enumerate() {
        let middle = row * nth as f64 + row / 2.0 + 2.0;
        let (class, name_class) = match point.is_ours {
            true => ("bar us", "mine"),
            false => ("bar", ""),
        };
        svg.push_str(&label(
            left - 6.0,
            middle + 4.0,
            "end",
            name_class,
            point.contender,
        ));
        let at = scale.at(point.spread.median);
        let _ = if scale.is_log {
            writeln!(
                svg,
                "<circle class=\"{class}\" cx=\"{at:.1}\" cy=\"{middle:.1}\" r=\"4.5\"/>"
            )
        } else {
            let (y, width) = (middle - 6.0, (at - left).max(1.0));
            writeln!(
                svg,
                "<rect class=\"{class}\" x=\"{left}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"12\"/>"
            )
        };
        let (least, most) = (scale.at(point.spread.min), scale.at(point.spread.max));
        let _ = writeln!(
            svg,
            "<path class=\"range\" d=\"M{least:.1} {middle:.1}H{most:.1}\"/>"
        );
        let shown = metric.show(point.spread.median);
        svg.push_str(&label(WIDTH, middle + 4.0, "end", name_class, &shown));
    }
    svg.push_str("</svg>\n");
    svg
}

/// A line for each contender, with its name at the end. The steps of the ladder
/// stand evenly.
pub(super) fn lines(title: &str, metric: Metric, axis: &str, points: &[&Point<'_>]) -> String {
    let (left, right, top, bottom, height) = (46.0, WIDTH - 108.0, 8.0, 262.0, 300.0);
    let mut steps: Vec<f64> = Vec::new();
    let mut names: Vec<(&str, bool)> = Vec::new();
    for point in points {
        if !steps.contains(&point.x) {
            steps.push(point.x);
        }
        if !names.contains(&(point.contender, point.is_ours)) {
            names.push((point.contender, point.is_ours));
        }
    }
    let across = |nth: usize| left + (right - left) * nth as f64 / (steps.len().max(2) - 1) as f64;
    let scale = Scale::new(points, false, bottom, top);
    let mut svg = open(height, title);
    for tick in scale.ticks() {
        let y = scale.at(tick);
        let _ = writeln!(svg, "<path class=\"rule\" d=\"M{left} {y:.1}H{right}\"/>");
        svg.push_str(&label(
            left - 4.0,
            y + 4.0,
            "end",
            "axis",
            &on_axis(metric, tick),
        ));
    }
    let every = steps.len().div_ceil(7);
    for (nth, step) in steps.iter().enumerate().filter(|(nth, _)| nth % every == 0) {
        svg.push_str(&label(
            across(nth),
            bottom + 16.0,
            "middle",
            "axis",
            &super::plain(*step),
        ));
    }
    let middle = left.midpoint(right);
    svg.push_str(&label(middle, bottom + 32.0, "middle", "axis", axis));
    let mut ends: Vec<(f64, &str, bool, usize)> = Vec::new();
    for (nth, &(name, is_ours)) in names.iter().enumerate() {
        let mut path = String::new();
        let mut end = None;
        for (at, step) in steps.iter().enumerate() {
            let here = points.iter().find(|p| p.contender == name && p.x == *step);
            if let Some(point) = here {
                let verb = if path.is_empty() { 'M' } else { 'L' };
                let y = scale.at(point.spread.median);
                let _ = write!(path, "{verb}{:.1} {y:.1}", across(at));
                end = Some(y);
            }
        }
        let class = if is_ours { "line us" } else { "line" };
        let _ = writeln!(
            svg,
            "<path class=\"{class}\" style=\"stroke:{}\" d=\"{path}\"><title>{name}</title></path>",
            colour(nth)
        );
        ends.extend(end.map(|y| (y, name, is_ours, nth)));
    }
    for (y, (_, name, is_ours, nth)) in apart(&mut ends, top, bottom) {
        let weight = if is_ours { "font-weight:600;" } else { "" };
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" style=\"{weight}fill:{}\">{name}</text>",
            right + 6.0,
            y + 4.0,
            colour(nth)
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Far apart on the circle of hues, also for neighbours in the list.
fn colour(nth: usize) -> String {
    format!("hsl({} 70% var(--light))", (210 + nth * 137) % 360)
}

/// Moves labels so that none covers another, and keeps their order.
fn apart<T: Copy>(
    ends: &mut [(f64, T, bool, usize)],
    top: f64,
    bottom: f64,
) -> Vec<(f64, (f64, T, bool, usize))> {
    let step = 13.0_f64.min((bottom - top) / ends.len().max(1) as f64);
    ends.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut places: Vec<f64> = Vec::with_capacity(ends.len());
    for (y, ..) in ends.iter() {
        let free = places.last().map_or(top, |last| last + step);
        places.push(y.max(free));
    }
    let mut most = bottom;
    for place in places.iter_mut().rev() {
        *place = place.min(most);
        most = *place - step;
    }
    places.into_iter().zip(ends.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(medians: [f64; 2], most: f64) -> Scale {
        let point = |median: f64| Point {
            panel: "",
            x: 0.0,
            contender: "it",
            is_ours: true,
            metric: Metric::Ops,
            spread: crate::Spread {
                median,
                min: median,
                max: median.max(most),
            },
        };
        let points = medians.map(point);
        Scale::new(&points.iter().collect::<Vec<_>>(), true, 0.0, 100.0)
    }

    #[test]
    fn a_scale_is_logarithmic_where_medians_lie_far_apart() {
        let near = scale([10.0, 20.0], 0.0);
        assert!(!near.is_log);
        assert_eq!(near.at(10.0), 50.0);
        assert_eq!(near.ticks(), [0.0, 10.0, 20.0]);
        let far = scale([10.0, 100_000.0], 0.0);
        assert!(far.is_log);
        assert_eq!(far.ticks(), [10.0, 1000.0, 100_000.0]);
        assert_eq!(far.at(100_000.0), 100.0);
    }

    #[test]
    fn one_bad_round_does_not_make_all_others_small() {
        let scale = scale([10.0, 20.0], 1e9);
        assert!(!scale.is_log);
        assert_eq!((scale.most, scale.at(1e9)), (32.0, 100.0));
    }

    #[test]
    fn labels_do_not_cover_each_other() {
        let mut ends: Vec<_> = (0..15).map(|nth| (50.0, "a", false, nth)).collect();
        let places: Vec<f64> = apart(&mut ends, 8.0, 280.0).iter().map(|p| p.0).collect();
        for pair in places.windows(2) {
            assert!(pair[1] - pair[0] > 12.9, "{places:?}");
        }
        assert!(places[14] <= 280.0 && places[0] >= 8.0);
    }

    #[test]
    fn text_stays_text() {
        assert_eq!(escaped("<a b=\"c\">&"), "&lt;a b=&quot;c&quot;&gt;&amp;");
    }
}
