//! For other programs: JSON and CSV.

use serde_json::{Map, Value, json};

use super::{PARTIAL, Rendered};
use crate::figures::figure::Figure;
use crate::metric::clock_cost;
use crate::results::Point;

impl Rendered<'_> {
    /// Every number of every round.
    pub(super) fn csv(&self) -> String {
        let mut csv = match self.partial {
            true => format!("# {PARTIAL}\n"),
            false => String::new(),
        };
        csv += "figure,panel,x,contender,metric,unit,round,value\n";
        for it in self.records {
            // The one field that may have commas and quotes.
            let panel = match it.panel.contains([',', '"']) {
                true => format!("\"{}\"", it.panel.replace('"', "\"\"")),
                false => it.panel.clone(),
            };
            let (metric, unit) = (it.metric.name(), it.metric.unit());
            csv += &format!(
                "{},{panel},{},{},{metric},{unit},{},{}\n",
                it.figure,
                it.x,
                it.contender,
                it.round,
                rounded(it.value)
            );
        }
        csv
    }

    /// Medians and spreads.
    pub(crate) fn json(&self) -> Value {
        let point = |it: &Point<'_>| {
            json!({
                "panel": it.panel, "x": it.x, "contender": it.contender, "is_ours": it.is_ours,
                "metric": it.metric.name(), "unit": it.metric.unit(),
                "median": it.spread.median, "min": it.spread.min, "max": it.spread.max,
            })
        };
        let figure = |(figure, points): (&Figure, Vec<Point<'_>>)| {
            json!({
                "id": figure.id, "title": figure.title, "definition": figure.definition,
                "points": points.iter().map(point).collect::<Vec<_>>(),
            })
        };
        json!({
            "partial": self.partial,
            "noisy": self.noise.is_noisy,
            "noise": self.noise.text,
            "clock_ns": clock_cost(),
            "rounds": self.report.plan.rounds,
            "facts": Map::from_iter(self.report.facts.iter().map(|(name, fact)| {
                (String::from(*name), Value::String(fact.clone()))
            })),
            "figures": self.figures().map(figure).collect::<Vec<_>>(),
        })
    }
}

/// To five significant digits: no measurement has more.
fn rounded(value: f64) -> f64 {
    let text = format!("{value:.4e}");
    text.parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_five_digits() {
        let rounded = [7_109_961.135, 143.233, 0.0, 2.0].map(rounded);
        assert_eq!(rounded, [7_110_000.0, 143.23, 0.0, 2.0]);
    }
}
