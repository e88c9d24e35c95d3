//! Which of some measured maps to recommend for a load.

use crate::contender::Contender;
use crate::metric::{Metric, Tail, count};
use crate::results::Point;

/// Reads and writes a second that were asked for, of all threads together.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    pub reads: u64,
    pub writes: u64,
}

/// The medians of one contender; 0 where nothing was measured.
struct Score {
    contender: Contender,
    ops: f64,
    reads: f64,
    writes: f64,
    tail: f64,
    median: f64,
}

impl Score {
    fn new(contender: Contender, points: &[Point<'_>]) -> Self {
        let of = |metric| {
            let is_it = |it: &&Point<'_>| it.contender == contender && it.metric == metric;
            let point = points.iter().find(is_it);
            point.map_or(0.0, |point| point.spread.median)
        };
        Self {
            contender,
            ops: of(Metric::Ops),
            reads: of(Metric::Reads),
            writes: of(Metric::Writes),
            tail: of(Metric::ReadAt(Tail::P99)),
            // Readers on a schedule have a p50, others the cost of a read.
            median: of(Metric::ReadAt(Tail::P50)) + of(Metric::Read),
        }
    }

    /// The share of the load that it reaches.
    fn share(&self, rates: Rates) -> f64 {
        let reads = self.reads / rates.reads as f64;
        match rates.writes {
            0 => reads,
            writes => reads.min(self.writes / writes as f64),
        }
    }

    fn rates(&self) -> String {
        let [reads, writes] = [self.reads, self.writes].map(count);
        format!("{reads} reads/s and {writes} writes/s")
    }
}

/// A contender keeps up if it reaches this share of the load.
const ENOUGH: f64 = 0.95;
/// Latencies with a smaller ratio are alike.
const ALIKE: f64 = 1.1;

/// The best of these, and whether it keeps up.
fn best<'s>(rates: Option<Rates>, scores: &[&'s Score]) -> Option<(&'s Score, bool)> {
    let most = |value: &dyn Fn(&Score) -> f64| {
        let scores = scores.iter().copied();
        scores.max_by(|one, other| value(one).total_cmp(&value(other)))
    };
    let Some(rates) = rates else {
        return Some((most(&|score| score.ops)?, true));
    };
    let share = |score: &Score| score.share(rates);
    let fit = || scores.iter().copied().filter(|it| share(it) >= ENOUGH);
    let least = fit().map(|score| score.tail).fold(f64::MAX, f64::min);
    let alike = fit().filter(|score| score.tail <= least * ALIKE);
    match alike.min_by(|one, other| one.median.total_cmp(&other.median)) {
        Some(score) => Some((score, true)),
        None => Some((most(&share)?, false)),
    }
}

/// The recommendation and its rule, or why there is none. Without rates, a trace was replayed.
pub fn recommend(
    rates: Option<Rates>,
    all: &[Contender],
    points: &[Point<'_>],
    noise: Option<&str>,
) -> String {
    let scores: Vec<_> = all.iter().map(|&it| Score::new(it, points)).collect();
    let all: Vec<_> = scores.iter().collect();
    let ours: Vec<_> = scores.iter().filter(|it| it.contender.is_ours).collect();
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
        let (reads, writes) = (1000, 100);
        recommend(Some(Rates { reads, writes }), &all, &points, noise)
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
