//! Which of some measured maps to recommend for a load.

use crate::contender::Contender;
use crate::metric::{Metric, count};
use crate::results::{Point, distinct};

/// Reads and writes a second that were asked for, of all threads together.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    pub reads: u64,
    pub writes: u64,
}

/// The medians of one contender.
#[derive(Clone, Copy)]
struct Score<'p> {
    contender: Contender,
    points: &'p [Point],
}

impl Score<'_> {
    /// Returns 0 if nothing was measured.
    fn of(self, metric: Metric) -> f64 {
        let mut points = self.points.iter();
        let point = points.find(|it| it.contender == self.contender && it.metric == metric);
        point.map_or(0.0, |it| it.spread().median)
    }

    /// Readers on a schedule have a p50, others the cost of a read.
    fn median(self) -> f64 {
        self.of(Metric("read p50")) + self.of(Metric::READ)
    }

    fn tail(self) -> f64 {
        self.of(Metric("read p99"))
    }

    /// The share of the load that it reaches.
    fn share(self, rates: Rates) -> f64 {
        let reads = self.of(Metric::READS) / rates.reads as f64;
        match rates.writes {
            0 => reads,
            writes => reads.min(self.of(Metric::WRITES) / writes as f64),
        }
    }

    fn rates(self) -> String {
        let [reads, writes] = [Metric::READS, Metric::WRITES].map(|it| count(self.of(it)));
        format!("{reads} reads/s and {writes} writes/s")
    }
}

/// A contender keeps up if it reaches this share of the load.
const ENOUGH: f64 = 0.95;
/// Latencies with a smaller ratio are alike.
const ALIKE: f64 = 1.1;

/// The best of these, and whether it keeps up.
fn best<'p>(rates: Option<Rates>, scores: &[Score<'p>]) -> Option<(Score<'p>, bool)> {
    let most = |value: &dyn Fn(Score<'p>) -> f64| {
        let scores = scores.iter().copied();
        scores.max_by(|&one, &other| value(one).total_cmp(&value(other)))
    };
    let Some(rates) = rates else {
        return Some((most(&|score| score.of(Metric::OPS))?, true));
    };
    let share = |score: Score<'p>| score.share(rates);
    let fit = || scores.iter().copied().filter(|&it| share(it) >= ENOUGH);
    let least = fit().map(Score::tail).fold(f64::MAX, f64::min);
    let alike = fit().filter(|score| score.tail() <= least * ALIKE);
    match alike.min_by(|one, other| one.median().total_cmp(&other.median())) {
        Some(score) => Some((score, true)),
        None => Some((most(&share)?, false)),
    }
}

/// The recommendation and its rule, or why there is none. Without rates, a trace was replayed.
pub fn recommend(rates: Option<Rates>, points: &[Point], noise: Option<&str>) -> String {
    let contenders = distinct(points.iter().map(|point| point.contender)).into_iter();
    let all: Vec<_> = contenders
        .map(|contender| Score { contender, points })
        .collect();
    let mut ours = all.clone();
    ours.retain(|score| score.contender.is_ours);
    let (Some((chosen, keeps_up)), Some((winner, is_reached))) =
        (best(rates, &ours), best(rates, &all))
    else {
        return "nothing was measured\n".to_owned();
    };
    let rule = match rates {
        None => "most operations a second".to_owned(),
        Some(_) => format!(
            "of those that reach {:.0} % of the load, the least p99 of a read; within {:.0} % of it, the least median",
            ENOUGH * 100.0,
            (ALIKE - 1.0) * 100.0
        ),
    };
    let (our, best) = (chosen.contender, winner.contender);
    let named = |it: Contender| format!("{}\nwhich is {}", it.name, it.about);
    let advice = if let Some(noise) = noise {
        let (name, about) = (our.name, our.about);
        format!("inconclusive: {noise}\nthis time it was {name}, {about}")
    } else if !is_reached {
        let (name, rates) = (best.name, winner.rates());
        format!(
            "inconclusive: no contender keeps up; {name} comes nearest with {rates}; publish in batches, or use more \
             threads"
        )
    } else if !keeps_up {
        let (best, name, rates) = (named(best), our.name, chosen.rates());
        format!("recommended: {best}\nnone of ours keeps up: {name} reaches {rates}")
    } else if best.is_ours {
        format!("recommended: {}", named(our))
    } else {
        let (our, name, about) = (named(our), best.name, best.about);
        format!("recommended: {our}\nby the same rule {name} is better than any of ours ({about})")
    };
    format!("rule: {rule}\n{advice}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::figure::maps;

    /// Advice for 1000 reads a second, from reads/s, p99 and p50 of some contenders.
    fn advice(rows: &[(&str, f64, f64, f64)], noise: Option<&str>) -> String {
        let all = maps();
        let mut points = Vec::new();
        for &(name, reads, p99, p50) in rows {
            let contender = *all.iter().find(|it| it.name == name).unwrap();
            for (metric, value) in [
                (Metric::READS, reads),
                (Metric::WRITES, 100.0),
                (Metric("read p99"), p99),
                (Metric("read p50"), p50),
            ] {
                points.push(Point {
                    figure: String::new(),
                    panel: String::new(),
                    x: 0.0,
                    contender,
                    metric,
                    rounds: vec![value],
                });
            }
        }
        let (reads, writes) = (1000, 100);
        recommend(Some(Rates { reads, writes }), &points, noise)
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
