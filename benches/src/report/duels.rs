//! One of ours against a few others: each number with its range, and the ratios.

use super::Rendered;
use crate::figures::figure::{Case, Duel, Figure};
use crate::metric::{Metric, Record};
use crate::results::{distinct, on_axis};
use crate::stats::Spread;

/// A table of one panel.
pub(super) struct Table {
    pub(super) title: String,
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Rendered<'_> {
    /// For each panel of the figure the numbers, then the ratios.
    pub(super) fn duels(&self, figure: &Figure) -> Vec<Table> {
        let duels = || {
            figure
                .cases
                .iter()
                .filter_map(|case| Some((case, case.duel.as_ref()?)))
        };
        let mut tables = Vec::new();
        for panel in distinct(duels().map(|(case, _)| &*case.panel)) {
            let of_panel: Vec<_> = duels().filter(|(case, _)| case.panel == panel).collect();
            tables.extend(self.duels_of(figure, panel, &of_panel));
        }
        tables
    }

    fn duels_of(&self, figure: &Figure, panel: &str, duels: &[(&Case, &Duel)]) -> [Table; 2] {
        let metric = figure.metrics[0];
        let first = duels[0].1;
        let table = |what: &str, names: Vec<&str>| Table {
            title: format!("{}, {panel}: {what}", figure.id),
            header: [figure.axis()]
                .into_iter()
                .chain(names)
                .map(str::to_owned)
                .collect(),
            rows: Vec::new(),
        };
        let others = first.names().skip(1).chain(["the best of them"]);
        let mut numbers = table(&metric.name(), first.names().collect());
        let mut ratios = table(&format!("ratio of {} to", first.ours), others.collect());
        for (case, duel) in duels {
            let is_of_case = |record: &&Record| {
                (record.figure, &*record.panel, record.x) == (figure.id, panel, case.x)
                    && record.metric == metric
            };
            let rounds = |name: &str| -> Vec<f64> {
                let of_case = self.records.iter().filter(is_of_case);
                of_case
                    .filter(|it| it.contender == name)
                    .map(|it| it.value)
                    .collect()
            };
            let step = || vec![on_axis(case.x)];
            let shown = duel
                .names()
                .map(|name| range(&rounds(name), |value| metric.show(value)));
            numbers.rows.push(step().into_iter().chain(shown).collect());
            ratios
                .rows
                .push([step(), against(duel, metric, rounds)].concat());
        }
        [numbers, ratios]
    }
}

/// The ratio to each of the others, then to the best of them.
fn against(duel: &Duel, metric: Metric, rounds: impl Fn(&str) -> Vec<f64>) -> Vec<String> {
    let ours = rounds(duel.ours);
    let mut medians = Vec::new();
    let mut cells = Vec::new();
    for &(other, bar) in &duel.others {
        let theirs = rounds(other);
        let pairs = ours.iter().zip(&theirs);
        let ratios: Vec<f64> = pairs
            .map(|(&ours, &theirs)| metric.lead(ours, theirs))
            .collect();
        let verdict = match (Spread::of(ratios.iter().copied()), bar) {
            (Some(spread), bar) => {
                medians.push(spread.median);
                match bar {
                    Some(bar) if spread.median >= bar => format!(" met {bar}"),
                    Some(bar) => format!(" MISSED {bar}"),
                    None => String::new(),
                }
            }
            (None, _) => String::new(),
        };
        cells.push(range(&ratios, |ratio| format!("{ratio:.2}")) + &verdict);
    }
    let least = medians.into_iter().reduce(f64::min);
    cells.push(least.map_or_else(|| "-".to_owned(), |least| format!("{least:.2}")));
    cells
}

/// Median, least and greatest.
fn range(values: &[f64], show: impl Fn(f64) -> String) -> String {
    match Spread::of(values.iter().copied()) {
        Some(Spread { median, min, max }) => {
            format!("{} [{}–{}]", show(median), show(min), show(max))
        }
        None => "-".to_owned(),
    }
}
