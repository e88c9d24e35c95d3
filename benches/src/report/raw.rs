//! For other programs: CSV and JSON.

use core::fmt::Write;

use serde_json::{Value, json};

use super::{PARTIAL, Told};
use crate::metric::clock_cost;

impl Told<'_> {
    /// Every number of every round.
    pub(super) fn csv(&self) -> String {
        let mut csv = String::new();
        if self.partial {
            let _ = writeln!(csv, "# {PARTIAL}");
        }
        csv.push_str("figure,panel,x,contender,metric,unit,round,value\n");
        for record in self.records {
            let _ = writeln!(
                csv,
                "{},{},{},{},{},{},{},{}",
                record.figure,
                quoted(&record.panel),
                record.x,
                record.contender,
                record.metric.name(),
                record.metric.unit(),
                record.round,
                record.value
            );
        }
        csv
    }

    /// Medians and spreads.
    pub(crate) fn json(&self) -> String {
        let figures: Vec<Value> = self
            .figures()
            .map(|(figure, points)| {
                let points: Vec<Value> = points
                    .iter()
                    .map(|point| {
                        json!({
                            "panel": point.panel,
                            "x": point.x,
                            "contender": point.contender,
                            "is_ours": point.is_ours,
                            "metric": point.metric.name(),
                            "unit": point.metric.unit(),
                            "median": point.spread.median,
                            "min": point.spread.min,
                            "max": point.spread.max,
                        })
                    })
                    .collect();
                json!({
                    "id": figure.id,
                    "title": figure.title,
                    "definition": figure.definition,
                    "points": points,
                })
            })
            .collect();
        let facts: serde_json::Map<String, Value> = self
            .report
            .facts()
            .into_iter()
            .map(|(name, fact)| (name.to_owned(), Value::String(fact)))
            .collect();
        json!({
            "partial": self.partial,
            "noisy": self.noise.1,
            "noise": self.noise.0,
            "clock_ns": clock_cost(),
            "rounds": self.report.plan.rounds(),
            "facts": facts,
            "figures": figures,
        })
        .to_string()
    }
}

/// A field that may have commas in it.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_quotes_stay_in_their_field() {
        assert_eq!(quoted("alone"), "alone");
        assert_eq!(
            quoted("uniform, \"1\" writer"),
            "\"uniform, \"\"1\"\" writer\""
        );
    }
}
