//! The numbers of a run, and how they compare.

use crate::contender::{Contender, DEFAULTS};
use crate::metric::{Metric, Spread, count};

/// One number of a contender, in each round.
#[derive(Clone, Debug)]
pub struct Point {
    pub figure: String,
    /// The part of the figure, which has a chart of its own.
    pub panel: String,
    /// The position on the axis, if the figure has one.
    pub x: f64,
    pub contender: Contender,
    pub metric: Metric,
    pub rounds: Vec<f64>,
}

impl Point {
    /// Adds it to others, of which one may have the rounds before.
    pub fn add_to(self, points: &mut Vec<Self>) {
        fn key(it: &Point) -> (&str, Metric, f64, &str, &str) {
            (it.contender.name, it.metric, it.x, &it.panel, &it.figure)
        }
        let mut latest_first = points.iter_mut().rev();
        match latest_first.find(|it| key(it) == key(&self)) {
            Some(point) => point.rounds.extend(self.rounds),
            None => points.push(self),
        }
    }

    pub fn spread(&self) -> Spread {
        Spread::of(self.rounds.iter().copied()).expect("it was measured")
    }

    pub fn is_default(&self) -> bool {
        DEFAULTS.contains(&self.contender.name)
    }

    /// How many times better it is; less than 1 where it is worse.
    fn lead(&self, other: &Self) -> f64 {
        let [one, other] = [self, other].map(|it| it.spread().median);
        self.metric.lead(one, other)
    }

    pub fn median(&self) -> String {
        self.metric.show(self.spread().median)
    }

    /// Whether the other's median lies between its rounds.
    fn spans(&self, other: &Self) -> bool {
        let spread = self.spread();
        (spread.min..=spread.max).contains(&other.spread().median)
    }

    fn named(&self) -> String {
        format!("{} {}", self.contender.name, self.median())
    }

    /// The panel and the position on the axis, in words.
    pub fn position(&self, axis: &str) -> String {
        let step = format!("{} {axis}", on_axis(self.x));
        match (&*self.panel, axis) {
            (panel, "") => panel.to_owned(),
            ("", _) => step,
            (panel, _) => format!("{panel}, {step}"),
        }
    }
}

/// The points of each panel and metric of a figure that has any.
pub fn panels<'p>(metrics: &[Metric], points: &'p [Point]) -> Vec<Vec<&'p Point>> {
    let mut found = Vec::new();
    for panel in distinct(points.iter().map(|point| &point.panel)) {
        for &metric in metrics {
            let is_here = |it: &&Point| it.panel == *panel && it.metric == metric;
            found.push(points.iter().filter(is_here).collect::<Vec<_>>());
        }
    }
    found.retain(|points| !points.is_empty());
    found
}

/// Each of these once, in their order.
pub fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut found = Vec::new();
    for item in all {
        if !found.contains(&item) {
            found.push(item);
        }
    }
    found
}

/// A default type of ours against the best of the others. The best of all of ours would have more
/// tries than a user has.
#[derive(Clone, Debug)]
pub struct Verdict<'p> {
    pub ours: &'p Point,
    theirs: &'p Point,
    /// The best of ours that a user has to choose.
    chosen: Option<&'p Point>,
}

impl Verdict<'_> {
    pub fn lead(&self) -> f64 {
        self.ours.lead(self.theirs)
    }

    /// The verdict in one word. Level: the medians are within a twentieth, or each lies between
    /// the other's rounds, so that the next run may say the opposite.
    pub fn word(&self) -> &'static str {
        match self.lead() {
            _ if self.ours.spans(self.theirs) && self.theirs.spans(self.ours) => "level",
            lead if lead > 1.05 => "ahead",
            lead if lead < 1.0 / 1.05 => "behind",
            _ => "level",
        }
    }

    /// The verdict in a sentence.
    pub fn sentence(&self) -> String {
        let [ours, theirs] = [self.ours, self.theirs].map(Point::named);
        let chosen = self.chosen.map(|it| format!(" ({})", it.named()));
        let (metric, chosen) = (self.ours.metric.0, chosen.unwrap_or_default());
        format!("{metric}: {ours}, {theirs}{chosen}")
    }
}

/// A number on an axis.
pub fn on_axis(x: f64) -> String {
    if x < 1000.0 { x.to_string() } else { count(x) }
}

/// A verdict on each default type, for every position in a figure and every metric that it judges.
pub fn verdicts<'p>(points: &'p [Point], metrics: &[Metric]) -> Vec<Verdict<'p>> {
    let mut verdicts = Vec::new();
    for &metric in metrics {
        let of_metric = || points.iter().filter(move |point| point.metric == metric);
        for place in distinct(of_metric().map(|it| (&it.panel, it.x))) {
            let here = || of_metric().filter(move |it| (&it.panel, it.x) == place);
            let best = |is_ours| {
                let others = here().filter(|it| it.contender.is_ours == is_ours);
                let others = others.filter(|it| !it.is_default());
                others.reduce(|one, it| if it.lead(one) > 1.0 { it } else { one })
            };
            let (Some(theirs), chosen) = (best(false), best(true)) else {
                continue;
            };
            let ours = here().filter(|it| it.is_default());
            verdicts.extend(ours.map(|ours| Verdict {
                ours,
                theirs,
                chosen,
            }));
        }
    }
    verdicts
}

/// The x from which on ours stays behind, in one panel: where the lead, interpolated between two
/// steps, is 1.
fn crossing(verdicts: &[&Verdict<'_>]) -> Option<f64> {
    let Some(last) = verdicts.iter().rposition(|verdict| verdict.lead() >= 1.0) else {
        return verdicts.first().map(|verdict| verdict.ours.x);
    };
    let (before, after) = (verdicts[last], verdicts.get(last + 1)?);
    let (above, below) = (before.lead() - 1.0, 1.0 - after.lead());
    Some(before.ours.x + (after.ours.x - before.ours.x) * above / (above + below).max(1e-9))
}

/// For each panel of the crossover, where a default type falls behind the best of the others.
pub fn crossings(verdicts: &[Verdict<'_>]) -> Vec<String> {
    fn line<'p>(it: &Verdict<'p>) -> (&'p str, &'static str) {
        (&it.ours.panel, it.ours.contender.name)
    }
    let sentence = |(panel, name): (&str, &str)| {
        let here: Vec<_> = verdicts
            .iter()
            .filter(|it| line(it) == (panel, name))
            .collect();
        let (first, last) = (here[0].ours.x, here[here.len() - 1].ours.x);
        let found = match crossing(&here) {
            Some(x) if x == first => {
                format!("the best of the others is ahead of {name} at every share measured")
            }
            Some(x) => format!(
                "{name} is ahead up to about {x:.2} % writes, the best of the others from there on"
            ),
            None => format!("{name} is ahead at the last share measured, {last} % writes"),
        };
        format!("{panel}: {found}.")
    };
    let lines = distinct(verdicts.iter().map(line)).into_iter();
    lines.map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points of a contender, one a step, with these rounds.
    fn points(name: &'static str, steps: &[&[f64]]) -> Vec<Point> {
        let point = |(x, rounds): (usize, &&[f64])| Point {
            figure: "f".to_owned(),
            panel: "p".to_owned(),
            x: x as f64,
            contender: Contender {
                name,
                about: "",
                is_ours: ["epoch", "flash", "concurrent"].contains(&name),
            },
            metric: Metric::READ,
            rounds: rounds.to_vec(),
        };
        steps.iter().enumerate().map(point).collect()
    }

    /// The verdicts on these rounds of each contender.
    fn words(rounds: &[(&'static str, &[f64])]) -> Vec<(&'static str, &'static str, f64)> {
        let all: Vec<_> = rounds.iter().flat_map(|it| points(it.0, &[it.1])).collect();
        let word = |it: &Verdict<'_>| (it.ours.contender.name, it.word(), it.lead());
        verdicts(&all, &[Metric::READ]).iter().map(word).collect()
    }

    #[test]
    fn the_median_of_the_rounds_is_compared_with_the_best_of_the_others() {
        let rounds: [(_, &[f64]); 3] = [
            ("epoch", &[3.0, 9.0, 8.0]),
            ("other", &[4.0]),
            ("slow", &[40.0]),
        ];
        assert_eq!(words(&rounds), [("epoch", "behind", 0.5)]);
        assert_eq!(words(&[("epoch", &[4.0]), ("other", &[4.1])])[0].1, "level");
    }

    #[test]
    fn each_default_type_is_judged_and_a_type_that_one_chooses_is_not() {
        let rounds: [(_, &[f64]); 4] = [
            ("epoch", &[5.0]),
            ("flash", &[1.0]),
            ("concurrent", &[2.0]),
            ("other", &[4.0]),
        ];
        assert_eq!(
            words(&rounds),
            [("epoch", "behind", 0.8), ("concurrent", "ahead", 2.0)]
        );
    }

    #[test]
    fn rounds_that_overlap_decide_nothing() {
        let far: [(_, &[f64]); 2] = [("epoch", &[8.0, 7.0, 9.0]), ("other", &[4.0, 3.0, 7.5])];
        let near: [(_, &[f64]); 2] = [("epoch", &[8.0, 3.0, 9.0]), ("other", &[4.0, 3.0, 8.5])];
        assert_eq!((words(&far)[0].1, words(&near)[0].1), ("behind", "level"));
    }

    #[test]
    fn the_crossing_lies_between_the_steps() {
        let at = |theirs: &[&[f64]]| {
            let ours = vec![&[1.0][..]; theirs.len()];
            let all = [points("epoch", &ours), points("other", theirs)].concat();
            let verdicts = verdicts(&all, &[Metric::READ]);
            crossing(&verdicts.iter().collect::<Vec<_>>())
        };
        assert_eq!(at(&[&[2.0], &[1.5], &[0.5]]), Some(1.5));
        assert_eq!(at(&[&[0.5], &[0.5]]), Some(0.0));
        assert_eq!(at(&[&[2.0], &[1.5]]), None);
        assert_eq!(at(&[]), None);
    }
}
