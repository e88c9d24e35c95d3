//! One of ours against a few others: each number with its range, and the ratios.

use super::Report;
use crate::figures::case::{Case, Duel};
use crate::figures::figure::Figure;
use crate::metric::{Metric, Record, Spread};
use crate::results::{distinct, on_axis};

/// A table of one panel.
pub(super) struct Table {
    pub(super) title: String,
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Report<'_> {
    /// For each panel of the figure the numbers, then the ratios.
    pub(super) fn duels(&self, figure: &Figure) -> Vec<Table> {
        let cases = figure.cases.iter();
        let duels: Vec<_> = cases
            .filter_map(|case| Some((case, case.duel.as_ref()?)))
            .collect();
        let mut tables = Vec::new();
        for panel in distinct(duels.iter().map(|(case, _)| &*case.panel)) {
            let of_panel = duels.iter().filter(|(case, _)| case.panel == panel);
            tables.extend(self.duels_of(figure, panel, &of_panel.collect::<Vec<_>>()));
        }
        tables
    }

    fn duels_of(&self, figure: &Figure, panel: &str, duels: &[&(&Case, &Duel)]) -> [Table; 2] {
        let metric = figure.metrics[0];
        let first = duels[0].1;
        let table = |what: &str, names: Vec<&str>| Table {
            title: format!("{}, {panel}: {what}", figure.id),
            header: [&[figure.axis], &names[..]]
                .concat()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            rows: Vec::new(),
        };
        let others = first.names().skip(1).chain(["the best of them"]);
        let mut numbers = table(&metric.name(), first.names().collect());
        let mut ratios = table(&format!("ratio of {} to", first.ours), others.collect());
        for (case, duel) in duels {
            let is_of_case = |it: &&Record| {
                (it.figure, &*it.panel, it.x, it.metric) == (figure.id, panel, case.x, metric)
            };
            let rounds = |name: &str| -> Vec<f64> {
                let of_case = self.records.iter().filter(is_of_case);
                let of_name = of_case.filter(|it| it.contender.name == name);
                of_name.map(|it| it.value).collect()
            };
            let step = vec![on_axis(case.x)];
            let shown = duel.names().map(|name| {
                Spread::of(rounds(name)).map_or(NONE.to_owned(), |it| it.show(|n| metric.show(n)))
            });
            numbers.rows.push([step.clone(), shown.collect()].concat());
            ratios
                .rows
                .push([step, against(duel, metric, rounds)].concat());
        }
        [numbers, ratios]
    }
}

const NONE: &str = "-";

/// The ratio to each of the others, then to the best of them.
fn against(duel: &Duel, metric: Metric, rounds: impl Fn(&str) -> Vec<f64>) -> Vec<String> {
    let ours = rounds(duel.ours);
    let mut least: Option<f64> = None;
    let mut cells = Vec::new();
    for &(other, bar) in &duel.others {
        let theirs = rounds(other);
        let pairs = ours.iter().zip(&theirs);
        let Some(spread) = Spread::of(pairs.map(|(&ours, &theirs)| metric.lead(ours, theirs)))
        else {
            cells.push(NONE.to_owned());
            continue;
        };
        let ratio = spread.median;
        least = Some(least.map_or(ratio, |least| least.min(ratio)));
        let verdict = match bar {
            Some(bar) if ratio >= bar => format!(" met {bar}"),
            Some(bar) => format!(" MISSED {bar}"),
            None => String::new(),
        };
        cells.push(spread.show(|ratio| format!("{ratio:.2}")) + &verdict);
    }
    cells.push(least.map_or(NONE.to_owned(), |least| format!("{least:.2}")));
    cells
}
