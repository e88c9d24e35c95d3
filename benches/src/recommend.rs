//! Which of some measured maps to recommend for a load.

use crate::contender::Contender;
use crate::figures::advice::Asked;
use crate::metric::{Metric, Tail, count};
use crate::report::text::table;
use crate::results::Point;

/// The numbers of one contender.
pub(crate) struct Score<'a> {
    contender: Contender,
    points: Vec<&'a Point<'a>>,
}

impl Score<'_> {
    fn of(&self, metric: Metric) -> f64 {
        let point = self.points.iter().find(|point| point.metric == metric);
        point.map_or(0.0, |point| point.spread.median)
    }

    fn rates(&self) -> String {
        let [reads, writes] = [Metric::Reads, Metric::Writes].map(|it| count(self.of(it)));
        format!("{reads} reads/s and {writes} writes/s")
    }
}

pub(crate) fn scores<'a>(all: &[Contender], points: &'a [Point<'a>]) -> Vec<Score<'a>> {
    let score = |&contender: &Contender| {
        let points = points
            .iter()
            .filter(|point| point.contender == contender)
            .collect();
        Score { contender, points }
    };
    all.iter().map(score).collect()
}

pub(crate) fn numbers(scores: &[Score<'_>], metrics: &[Metric]) -> String {
    let is_measured = |metric: &&Metric| {
        let mut points = scores.iter().flat_map(|score| &score.points);
        points.any(|point| point.metric == **metric)
    };
    let metrics: Vec<&Metric> = metrics.iter().filter(is_measured).collect();
    let header = metrics.iter().map(|metric| metric.name());
    let row = |score: &Score<'_>| {
        let cells = metrics.iter().map(|metric| metric.show(score.of(**metric)));
        [score.contender.name.to_owned()]
            .into_iter()
            .chain(cells)
            .collect()
    };
    table(
        ["contender".to_owned()].into_iter().chain(header).collect(),
        scores.iter().map(row).collect(),
    )
}

/// A contender keeps up if it reaches this share of the load.
const ENOUGH: f64 = 0.95;
/// Latencies with a smaller ratio are alike.
const ALIKE: f64 = 1.1;

/// The best of these, and whether it keeps up.
fn best<'s, 'a>(asked: &Asked, scores: &[&'s Score<'a>]) -> Option<(&'s Score<'a>, bool)> {
    let most = |value: &dyn Fn(&Score<'_>) -> f64| {
        let scores = scores.iter().copied();
        scores.max_by(|one, other| value(one).total_cmp(&value(other)))
    };
    let Asked::Rates(rates) = asked else {
        return Some((most(&|score| score.of(Metric::Ops))?, true));
    };
    let share = |score: &Score<'_>| {
        let reads = score.of(Metric::Reads) / rates.reads as f64;
        match rates.writes {
            0 => reads,
            writes => reads.min(score.of(Metric::Writes) / writes as f64),
        }
    };
    let tail = |score: &Score<'_>| score.of(Metric::ReadAt(Tail::P99));
    // Readers on a schedule have a p50, others the cost of a read.
    let median = |score: &Score<'_>| score.of(Metric::ReadAt(Tail::P50)) + score.of(Metric::Read);
    let fit = || {
        scores
            .iter()
            .copied()
            .filter(|score| share(score) >= ENOUGH)
    };
    let least = fit().map(tail).fold(f64::MAX, f64::min);
    let alike = fit().filter(|score| tail(score) <= least * ALIKE);
    match alike.min_by(|one, other| median(one).total_cmp(&median(other))) {
        Some(score) => Some((score, true)),
        None => Some((most(&share)?, false)),
    }
}

/// The recommendation and its rule, or why there is none.
pub(crate) fn recommend(asked: &Asked, scores: &[Score<'_>], noise: Option<&str>) -> String {
    let all: Vec<_> = scores.iter().collect();
    let ours: Vec<_> = scores
        .iter()
        .filter(|score| score.contender.is_ours)
        .collect();
    let (Some((chosen, keeps_up)), Some((winner, is_reached))) =
        (best(asked, &ours), best(asked, &all))
    else {
        return "nothing was measured\n".to_owned();
    };
    let rule = match asked {
        Asked::Trace { .. } => "most operations a second".to_owned(),
        Asked::Rates(_) => format!(
            "of those that reach {:.0} % of the load, the least p99 of a read; within {:.0} % of it, the least median",
            ENOUGH * 100.0,
            (ALIKE - 1.0) * 100.0
        ),
    };
    let (our, best) = (chosen.contender, winner.contender);
    let advice = if let Some(noise) = noise {
        format!(
            "inconclusive: {noise}\nthis time it was {}, {}",
            our.name, our.about
        )
    } else if !is_reached {
        format!(
            "inconclusive: no contender keeps up; {} comes nearest with {}; publish in batches, or use more threads",
            best.name,
            winner.rates()
        )
    } else if !keeps_up {
        format!(
            "recommended: {}\nwhich is {}\nnone of ours keeps up: {} reaches {}",
            best.name,
            best.about,
            our.name,
            chosen.rates()
        )
    } else {
        let recommended = format!("recommended: {}\nwhich is {}", our.name, our.about);
        match best.is_ours {
            true => recommended,
            false => format!(
                "{recommended}\nby the same rule {} is better than any of ours ({})",
                best.name, best.about
            ),
        }
    };
    format!("rule: {rule}\n{advice}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::advice::Rates;
    use crate::figures::case::maps;
    use crate::metric::Spread;

    /// Advice for 1000 reads a second, from reads/s, p99 and p50 of some contenders.
    fn advice(rows: &[(&str, f64, f64, f64)], noise: Option<&str>) -> String {
        let all = maps();
        let mut points = Vec::new();
        for &(name, reads, p99, p50) in rows {
            for (metric, value) in [
                (Metric::Reads, reads),
                (Metric::Writes, 100.0),
                (Metric::ReadAt(Tail::P99), p99),
                (Metric::ReadAt(Tail::P50), p50),
            ] {
                let contender = *all.iter().find(|it| it.name == name).unwrap();
                points.push(Point {
                    panel: "",
                    x: 0.0,
                    contender,
                    metric,
                    spread: Spread::of([value]).unwrap(),
                });
            }
        }
        let asked = Asked::Rates(Rates {
            reads: 1000,
            writes: 100,
            entries: 10,
            readers: 1,
            writers: 1,
            value_bytes: 8,
        });
        recommend(&asked, &scores(&all, &points), noise)
    }

    #[test]
    fn the_least_tail_wins_and_then_the_least_median() {
        let rows = [
            ("epoch", 1000.0, 101.0, 40.0),
            ("flash", 1000.0, 100.0, 50.0),
            ("count", 1000.0, 500.0, 10.0),
        ];
        let text = advice(&rows, None);
        let expected = "recommended: epoch\nwhich is dbuf's Writer and Reader, ";
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("better than any"), "{text}");
    }

    #[test]
    fn a_contender_that_does_not_keep_up_is_not_recommended() {
        let rows = [
            ("epoch", 500.0, 10.0, 10.0),
            ("flash", 1000.0, 100.0, 50.0),
            ("papaya", 1000.0, 50.0, 50.0),
        ];
        let text = advice(&rows, None);
        assert!(text.contains("recommended: flash\n"), "{text}");
        assert!(text.contains("papaya is better"), "{text}");
        let text = advice(&[rows[0], rows[2]], None);
        assert!(text.contains("recommended: papaya\n"), "{text}");
        let expected = "none of ours keeps up: epoch reaches 500 reads/s";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn advice_is_inconclusive_if_no_contender_keeps_up_or_the_machine_is_noisy() {
        let rows = [("epoch", 500.0, 10.0, 10.0), ("papaya", 100.0, 1.0, 1.0)];
        let text = advice(&rows, None);
        let expected = "inconclusive: no contender keeps up; epoch ";
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("recommended"), "{text}");
        let text = advice(
            &[("epoch", 1000.0, 1.0, 1.0)],
            Some("the machine was noisy"),
        );
        let expected = "inconclusive: the machine was noisy\n";
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("recommended"), "{text}");
    }
}
