//! The records of a run, summed up and compared.

use crate::contender::{Contender, DEFAULTS};
use crate::metric::{Metric, Record, Spread, count};

/// All rounds of one number.
#[derive(Clone, Debug)]
pub struct Point<'a> {
    pub panel: &'a str,
    pub x: f64,
    pub contender: Contender,
    pub metric: Metric,
    pub spread: Spread,
}

/// The points of a figure, in the order in which they were measured.
pub fn points<'a>(records: &'a [Record], figure: &str) -> Vec<Point<'a>> {
    let mut groups: Vec<(&Record, Vec<f64>)> = Vec::new();
    let key = |it: &'a Record| (it.contender.name, it.metric, it.x, &*it.panel);
    for record in records.iter().filter(|record| record.figure == figure) {
        let mut latest_first = groups.iter_mut().rev();
        match latest_first.find(|(first, _)| key(first) == key(record)) {
            Some((_, values)) => values.push(record.value),
            None => groups.push((record, vec![record.value])),
        }
    }
    let point = |(first, values): (&'a Record, Vec<f64>)| {
        Some(Point {
            panel: &first.panel,
            x: first.x,
            contender: first.contender,
            metric: first.metric,
            spread: Spread::of(values)?,
        })
    };
    groups.into_iter().filter_map(point).collect()
}

/// The points of each panel and metric of a figure that has any.
pub fn panels<'p, 'a>(
    metrics: &[Metric],
    points: &'p [Point<'a>],
) -> Vec<(&'a str, Metric, Vec<&'p Point<'a>>)> {
    let mut found = Vec::new();
    for panel in distinct(points.iter().map(|point| point.panel)) {
        for &metric in metrics {
            let is_here = |it: &&Point<'_>| it.panel == panel && it.metric == metric;
            found.push((
                panel,
                metric,
                points.iter().filter(is_here).collect::<Vec<_>>(),
            ));
        }
    }
    found.retain(|(.., points)| !points.is_empty());
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
pub struct Verdict<'a> {
    pub panel: &'a str,
    pub x: f64,
    pub metric: Metric,
    pub ours: (&'static str, Spread),
    pub theirs: (&'static str, Spread),
    /// The best of ours that a user has to choose.
    pub chosen: Option<(&'static str, Spread)>,
}

impl Verdict<'_> {
    /// How many times better ours is; less than 1 where it is worse.
    pub fn lead(&self) -> f64 {
        self.metric.lead(self.ours.1.median, self.theirs.1.median)
    }

    /// The verdict in one word. Level: the medians are within a twentieth, or each lies between
    /// the other's rounds, so that the next run may say the opposite.
    pub fn word(&self) -> &'static str {
        let (ours, theirs) = (self.ours.1, self.theirs.1);
        let holds = |spread: Spread, value| spread.min <= value && value <= spread.max;
        match self.lead() {
            _ if holds(ours, theirs.median) && holds(theirs, ours.median) => "level",
            lead if lead > 1.05 => "ahead",
            lead if lead < 1.0 / 1.05 => "behind",
            _ => "level",
        }
    }

    /// The verdict in a sentence.
    pub fn sentence(&self) -> String {
        let show =
            |(name, spread): (_, Spread)| format!("{name} {}", self.metric.show(spread.median));
        let [ours, theirs] = [self.ours, self.theirs].map(show);
        let chosen = self.chosen.map(|it| format!(" ({})", show(it)));
        let (metric, chosen) = (self.metric.name(), chosen.unwrap_or_default());
        format!("{metric}: {ours}, {theirs}{chosen}")
    }

    /// The panel and the position on the axis, in words.
    pub fn position(&self, axis: &str) -> String {
        let step = format!("{} {axis}", on_axis(self.x));
        match (self.panel, axis) {
            (panel, "") => panel.to_owned(),
            ("", _) => step,
            (panel, _) => format!("{panel}, {step}"),
        }
    }
}

/// A number on an axis.
pub fn on_axis(x: f64) -> String {
    if x < 1000.0 { x.to_string() } else { count(x) }
}

/// A verdict on each default type, for every position in a figure and every metric that it judges.
pub fn verdicts<'a>(points: &[Point<'a>], metrics: &[Metric]) -> Vec<Verdict<'a>> {
    let mut verdicts = Vec::new();
    for &metric in metrics {
        let of_metric = || points.iter().filter(move |point| point.metric == metric);
        for (panel, x) in distinct(of_metric().map(|point| (point.panel, point.x))) {
            let here = || of_metric().filter(move |p| (p.panel, p.x) == (panel, x));
            let is_default = |p: &Point<'_>| DEFAULTS.contains(&p.contender.name);
            let named = |p: &Point<'_>| (p.contender.name, p.spread);
            let best = |is_ours| {
                let others = here().filter(|p| p.contender.is_ours == is_ours && !is_default(p));
                others.map(named).reduce(|one, other| {
                    let other_leads = metric.lead(other.1.median, one.1.median) > 1.0;
                    if other_leads { other } else { one }
                })
            };
            let Some(theirs) = best(false) else { continue };
            verdicts.extend(here().filter(|p| is_default(p)).map(|point| Verdict {
                panel,
                x,
                metric,
                ours: named(point),
                theirs,
                chosen: best(true),
            }));
        }
    }
    verdicts
}

/// The x from which on ours stays behind, in one panel: where the lead, interpolated between two
/// steps, is 1.
pub fn crossing(verdicts: &[&Verdict<'_>]) -> Option<f64> {
    let Some(last) = verdicts.iter().rposition(|verdict| verdict.lead() >= 1.0) else {
        return verdicts.first().map(|verdict| verdict.x);
    };
    let (before, after) = (verdicts[last], verdicts.get(last + 1)?);
    let (above, below) = (before.lead() - 1.0, 1.0 - after.lead());
    Some(before.x + (after.x - before.x) * above / (above + below).max(1e-9))
}

/// For each panel of the crossover, where a default type falls behind the best of the others.
pub fn crossings(verdicts: &[Verdict<'_>]) -> Vec<String> {
    let mut sentences = Vec::new();
    for (panel, name) in distinct(verdicts.iter().map(|it| (it.panel, it.ours.0))) {
        let is_here = |it: &&Verdict<'_>| (it.panel, it.ours.0) == (panel, name);
        let here: Vec<_> = verdicts.iter().filter(is_here).collect();
        let (first, last) = (here[0].x, here[here.len() - 1].x);
        let found = match crossing(&here) {
            Some(x) if x == first => {
                format!("the best of the others is ahead of {name} at every share measured")
            }
            Some(x) => format!(
                "{name} is ahead up to about {x:.2} % writes, the best of the others from there on"
            ),
            None => format!("{name} is ahead at the last share measured, {last} % writes"),
        };
        sentences.push(format!("{panel}: {found}."));
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdicts on these rounds of each contender.
    fn words(rounds: &[(&'static str, &[f64])]) -> Vec<(&'static str, &'static str, f64)> {
        let metric = Metric::Read;
        let point = |&(name, values): &(&'static str, &[f64])| Point {
            panel: "p",
            x: 0.0,
            contender: Contender {
                name,
                about: "",
                is_ours: ["epoch", "flash", "concurrent"].contains(&name),
            },
            metric,
            spread: Spread::of(values.iter().copied()).unwrap(),
        };
        let points: Vec<_> = rounds.iter().map(point).collect();
        let verdicts = verdicts(&points, &[Metric::Read]);
        let word = |it: &Verdict<'_>| (it.ours.0, it.word(), it.lead());
        verdicts.iter().map(word).collect()
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
        let at = |leads: &[f64]| {
            let verdict = |(nth, lead): (usize, &f64)| Verdict {
                panel: "p",
                x: nth as f64,
                metric: Metric::Ops,
                ours: ("epoch", Spread::of([*lead]).unwrap()),
                theirs: ("other", Spread::of([1.0]).unwrap()),
                chosen: None,
            };
            let all: Vec<_> = leads.iter().enumerate().map(verdict).collect();
            crossing(&all.iter().collect::<Vec<_>>())
        };
        assert_eq!(at(&[2.0, 1.5, 0.5]), Some(1.5));
        assert_eq!(at(&[0.5, 0.5]), Some(0.0));
        assert_eq!(at(&[2.0, 1.5]), None);
        assert_eq!(at(&[]), None);
    }
}
