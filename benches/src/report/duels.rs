//! One of ours against a few others: each number with its range, and the ratios.

use super::{Told, plain};
use crate::Spread;
use crate::figures::{Chart, Duel, Figure};
use crate::metric::{Metric, Record};

/// A table of one panel.
pub(super) struct DuelTable {
    pub(super) title: String,
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Told<'_> {
    /// For each panel of the figure the numbers, then the ratios.
    pub(super) fn duels(&self, figure: &Figure) -> Vec<DuelTable> {
        let mut panels: Vec<&str> = Vec::new();
        for case in figure.cases.iter().filter(|case| case.duel.is_some()) {
            if !panels.contains(&&*case.panel) {
                panels.push(&case.panel);
            }
        }
        let tables = |panel| self.duels_of_panel(figure, panel);
        panels.into_iter().filter_map(tables).flatten().collect()
    }

    fn duels_of_panel(&self, figure: &Figure, panel: &str) -> Option<[DuelTable; 2]> {
        let metric = *figure.metrics.first()?;
        let axis = match figure.chart {
            Chart::Bars => "",
            Chart::Ladder(axis) => axis,
        };
        let (mut header, mut numbers, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for case in figure.cases.iter().filter(|case| case.panel == panel) {
            let Some(duel) = &case.duel else { continue };
            let of_case = |record: &&Record| {
                (record.figure, &*record.panel, record.x) == (figure.id, panel, case.x)
                    && record.metric == metric
            };
            let records: Vec<&Record> = self.records.iter().filter(of_case).collect();
            let names = || {
                [duel.ours]
                    .into_iter()
                    .chain(duel.others.iter().map(|o| o.0))
            };
            header = names().map(str::to_owned).collect();
            let number = |name| range(&rounds(&records, name), |value| metric.show(value));
            numbers.push([vec![plain(case.x)], names().map(number).collect()].concat());
            ratios.push([vec![plain(case.x)], against(duel, &records, metric)].concat());
        }
        let table = |what: &str, names: &[String], rows| DuelTable {
            title: format!("{}, {panel}: {what}", figure.id),
            header: [&[axis.to_owned()], names].concat(),
            rows,
        };
        let (ours, others) = header.split_first()?;
        let against = [others, &["the best of them".to_owned()]].concat();
        Some([
            table(&metric.name(), &header, numbers),
            table(&format!("ratio of {ours} to"), &against, ratios),
        ])
    }
}

/// What a contender reached, by round.
fn rounds(records: &[&Record], name: &str) -> Vec<f64> {
    let of = records.iter().filter(|record| record.contender == name);
    of.map(|record| record.value).collect()
}

/// The ratio to each of the others, then to the best of them.
fn against(duel: &Duel, records: &[&Record], metric: Metric) -> Vec<String> {
    let ours = rounds(records, duel.ours);
    let mut least: Option<Spread> = None;
    let mut cells = Vec::new();
    for &(other, bar) in &duel.others {
        let theirs = rounds(records, other);
        let ratios = ours
            .iter()
            .zip(&theirs)
            .map(|(ours, theirs)| match metric.less_is_better() {
                true => theirs / ours,
                false => ours / theirs,
            });
        let ratios: Vec<f64> = ratios.collect();
        let mut cell = range(&ratios, |ratio| format!("{ratio:.2}"));
        if let Some(spread) = Spread::of(ratios) {
            if least.is_none_or(|least| spread.median < least.median) {
                least = Some(spread);
            }
            match bar {
                Some(bar) if spread.median >= bar => cell.push_str(&format!(" met {bar}")),
                Some(bar) => cell.push_str(&format!(" MISSED {bar}")),
                None => {}
            }
        }
        cells.push(cell);
    }
    cells.push(least.map_or_else(|| "-".to_owned(), |least| format!("{:.2}", least.median)));
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
