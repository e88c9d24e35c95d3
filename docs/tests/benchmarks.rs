//! The table of `docs/benchmarks.md` has the medians of the raw data beside it.
#![allow(clippy::std_instead_of_alloc, reason = "tests always have std")]

use std::collections::BTreeMap;

const PAGE: &str = include_str!("../benchmarks.md");
const RAW: &str = include_str!("../benchmarks/full/figures.csv");

/// The table's columns: figure, panel, metric, and the raw unit of one in the table.
const COLUMNS: [(&str, &str, &str, f64); 6] = [
    ("ycsb", "C", "operations/s", 1e6),
    ("ycsb", "B", "operations/s", 1e6),
    ("conc-map-bench", "Exchange", "operations/s", 1e6),
    ("tail", "while the map resizes", "read p50", 1.0),
    ("tail", "while the map resizes", "read p99.9", 1e3),
    ("memory", "100000 entries", "bytes/entry", 1.0),
];

/// The values of a figure, by figure, panel, metric and contender.
type Values<'r> = BTreeMap<(&'r str, &'r str, &'r str, &'r str), Vec<f64>>;

fn raw() -> Values<'static> {
    let mut values = Values::new();
    // A quoted panel has commas, and none of them is in the table.
    for line in RAW.lines().skip(1).filter(|line| !line.contains('"')) {
        let fields: Vec<_> = line.split(',').collect();
        let [figure, panel, _, contender, metric, _, _, value] = fields[..] else {
            panic!("not a row: {line}");
        };
        let key = (figure, panel, metric, contender);
        values
            .entry(key)
            .or_default()
            .push(value.parse().expect(line));
    }
    values
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    assert_eq!(sorted.len() % 2, 1);
    sorted[sorted.len() / 2]
}

/// The cells that differ from the raw data by more than three digits show, and the number of
/// rows.
fn faults(page: &str) -> (Vec<String>, usize) {
    let raw = raw();
    let (_, section) = page.split_once("\n## One run\n").expect("its section");
    let rows = section
        .lines()
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.split('|').map(|cell| cell.trim().trim_matches('`')));
    let (mut faults, mut count) = (vec![], 0);
    for mut cells in rows {
        let contender = cells.nth(1).expect("a contender");
        for (shown, (figure, panel, metric, unit)) in cells.zip(COLUMNS) {
            let measured = median(&raw[&(figure, panel, metric, contender)]) / unit;
            let shown: f64 = shown.parse().expect(shown);
            if (shown / measured - 1.0).abs() > 0.005 {
                faults.push(format!("{contender}, {metric}: {shown} is {measured}"));
            }
        }
        count += 1;
    }
    (faults, count)
}

#[test]
fn the_table_has_the_medians_of_the_raw_data() {
    let (faults, rows) = faults(PAGE);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(rows, 11);
}

#[test]
fn a_wrong_figure_is_noticed() {
    // The contender's own figure, with another one put before it.
    let page = PAGE.replacen("| `epoch` | ", "| `epoch` | 1 | ", 1);
    let (faults, _) = faults(&page);
    assert!(!faults.is_empty(), "shifted figures are taken for right");
}
