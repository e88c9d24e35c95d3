//! The records of a run, put together.

use crate::Spread;
use crate::figures::{DEFAULTS, Figure};
use crate::metric::{Metric, Record};

/// All rounds of one number.
#[derive(Clone, Debug)]
pub(crate) struct Point<'a> {
    pub(crate) panel: &'a str,
    pub(crate) x: f64,
    pub(crate) contender: &'static str,
    pub(crate) is_ours: bool,
    pub(crate) metric: Metric,
    pub(crate) spread: Spread,
}

/// The points of a figure, in the order in which they were measured.
pub(crate) fn points<'a>(records: &'a [Record], figure: &Figure) -> Vec<Point<'a>> {
    type Group<'a> = (&'a Record, Vec<f64>);
    let mut groups: Vec<Group<'a>> = Vec::new();
    for record in records.iter().filter(|record| record.figure == figure.id) {
        let same = |(first, _): &&mut Group<'_>| {
            first.contender == record.contender
                && first.metric == record.metric
                && first.x == record.x
                && first.panel == record.panel
        };
        match groups.iter_mut().rev().find(same) {
            Some((_, values)) => values.push(record.value),
            None => groups.push((record, vec![record.value])),
        }
    }
    let point = |(first, values): Group<'a>| {
        Some(Point {
            panel: &first.panel,
            x: first.x,
            contender: first.contender,
            is_ours: first.is_ours,
            metric: first.metric,
            spread: Spread::of(values)?,
        })
    };
    groups.into_iter().filter_map(point).collect()
}

/// The panels of some points, each once.
pub(crate) fn panels<'a>(points: &[Point<'a>]) -> Vec<&'a str> {
    let mut panels: Vec<&str> = Vec::new();
    for point in points {
        if !panels.contains(&point.panel) {
            panels.push(point.panel);
        }
    }
    panels
}

/// A type of ours that one gets without choosing, against the best of the others.
///
/// The best of all of ours would have more tries than a user has.
#[derive(Clone, Debug)]
pub(crate) struct Verdict<'a> {
    pub(crate) panel: &'a str,
    pub(crate) x: f64,
    pub(crate) metric: Metric,
    pub(crate) ours: (&'static str, Spread),
    pub(crate) theirs: (&'static str, Spread),
    /// The best of ours that one has to choose.
    pub(crate) beside: Option<(&'static str, Spread)>,
}

impl Verdict<'_> {
    /// How many times better ours is; less than 1 where it is worse.
    pub(crate) fn lead(&self) -> f64 {
        let median = |of: (_, Spread)| of.1.median.max(1e-9);
        let (ours, theirs) = (median(self.ours), median(self.theirs));
        if self.metric.less_is_better() {
            theirs / ours
        } else {
            ours / theirs
        }
    }

    /// In one word. Nobody is better where the medians are within a twentieth, or
    /// each lies between the other's rounds: the next run may say the opposite.
    pub(crate) fn word(&self) -> &'static str {
        let (ours, theirs) = (self.ours.1, self.theirs.1);
        let holds = |spread: Spread, value| spread.min <= value && value <= spread.max;
        let overlap = holds(ours, theirs.median) && holds(theirs, ours.median);
        match self.lead() {
            _ if overlap => "level",
            lead if lead > 1.05 => "ahead",
            lead if lead < 1.0 / 1.05 => "behind",
            _ => "level",
        }
    }
}

/// A verdict on each default type for every place of a figure and every number that
/// it judges.
pub(crate) fn verdicts<'a>(points: &[Point<'a>], figure: &Figure) -> Vec<Verdict<'a>> {
    let mut verdicts = Vec::new();
    for &metric in figure.metrics {
        let mut places: Vec<(&str, f64)> = Vec::new();
        for point in points.iter().filter(|point| point.metric == metric) {
            if !places.contains(&(point.panel, point.x)) {
                places.push((point.panel, point.x));
            }
        }
        for (panel, x) in places {
            let here = || {
                let is_here = |p: &&Point<'_>| (p.panel, p.x, p.metric) == (panel, x, metric);
                points.iter().filter(is_here)
            };
            let best = |is_ours: bool| {
                here()
                    .filter(|p| p.is_ours == is_ours && !DEFAULTS.contains(&p.contender))
                    .map(|point| (point.contender, point.spread))
                    .reduce(
                        |one, other| match metric.is_better(other.1.median, one.1.median) {
                            true => other,
                            false => one,
                        },
                    )
            };
            let Some(theirs) = best(false) else { continue };
            for point in here().filter(|p| DEFAULTS.contains(&p.contender)) {
                verdicts.push(Verdict {
                    panel,
                    x,
                    metric,
                    ours: (point.contender, point.spread),
                    theirs,
                    beside: best(true),
                });
            }
        }
    }
    verdicts
}

/// From which x on ours falls behind for good, in one panel of a ladder: the
/// place between two steps where the lead, drawn straight, is none.
pub(crate) fn crossing(verdicts: &[&Verdict<'_>]) -> Option<f64> {
    let last = verdicts.iter().rposition(|verdict| verdict.lead() >= 1.0);
    let Some(last) = last else {
        return verdicts.first().map(|verdict| verdict.x);
    };
    let (before, after) = (verdicts[last], verdicts.get(last + 1)?);
    let (above, below) = (before.lead() - 1.0, 1.0 - after.lead());
    Some(before.x + (after.x - before.x) * above / (above + below).max(1e-9))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::{Chart, Mode};

    fn figure() -> Figure {
        Figure {
            id: "it",
            title: "It",
            definition: String::new(),
            chart: Chart::Bars,
            metrics: &[Metric::Read],
            cases: Vec::new(),
            since: Mode::Quick,
            weight: 1,
        }
    }

    fn record(contender: &'static str, x: f64, round: u32, value: f64) -> Record {
        Record {
            figure: "it",
            panel: "p".to_owned(),
            x,
            contender,
            is_ours: contender == "epoch",
            metric: Metric::Read,
            round,
            value,
        }
    }

    #[test]
    fn rounds_become_a_point_and_points_a_verdict() {
        let records = [
            record("epoch", 0.0, 0, 3.0),
            record("other", 0.0, 0, 4.0),
            record("slow", 0.0, 0, 40.0),
            record("epoch", 0.0, 1, 5.0),
            record("epoch", 0.0, 2, 4.0),
        ];
        let points = points(&records, &figure());
        assert_eq!(points.len(), 3);
        assert_eq!(points[0].spread.median, 4.0);
        assert_eq!(panels(&points), ["p"]);
        let verdicts = verdicts(&points, &figure());
        assert_eq!(verdicts.len(), 1);
        assert_eq!(verdicts[0].theirs.0, "other");
        assert_eq!(verdicts[0].word(), "level");
    }

    #[test]
    fn each_default_type_is_judged_and_a_choice_stands_beside_it() {
        let ours = |contender, value| Record {
            is_ours: true,
            ..record(contender, 0.0, 0, value)
        };
        let records = [
            ours("epoch", 5.0),
            ours("flash", 1.0),
            ours("concurrent", 6.0),
            record("other", 0.0, 0, 4.0),
        ];
        let points = points(&records, &figure());
        let verdicts = verdicts(&points, &figure());
        let judged: Vec<_> = verdicts.iter().map(|verdict| verdict.ours.0).collect();
        assert_eq!(judged, ["epoch", "concurrent"]);
        for verdict in &verdicts {
            assert_eq!(verdict.word(), "behind");
            assert_eq!(verdict.beside.unwrap().0, "flash");
        }
    }

    #[test]
    fn what_is_worse_is_said_to_be_behind() {
        let records = [record("epoch", 0.0, 0, 8.0), record("other", 0.0, 0, 4.0)];
        let points = points(&records, &figure());
        let verdicts = verdicts(&points, &figure());
        assert_eq!((verdicts[0].lead(), verdicts[0].word()), (0.5, "behind"));
    }

    #[test]
    fn rounds_that_overlap_decide_nothing() {
        let rounds = |name, values: [f64; 3]| {
            let record = move |(round, value)| record(name, 0.0, round, value);
            (0..3).zip(values).map(record)
        };
        let far = [
            rounds("epoch", [8.0, 7.0, 9.0]),
            rounds("other", [4.0, 3.0, 7.5]),
        ];
        let near = [
            rounds("epoch", [8.0, 3.0, 9.0]),
            rounds("other", [4.0, 3.0, 8.5]),
        ];
        for (all, word) in [(far, "behind"), (near, "level")] {
            let records: Vec<Record> = all.into_iter().flatten().collect();
            let points = points(&records, &figure());
            assert_eq!(verdicts(&points, &figure())[0].word(), word);
        }
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
                beside: None,
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
