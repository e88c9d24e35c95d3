//! `figures.csv`: every number of every round.

use std::path::Path;
use std::{error, io};

use csv::{ReaderBuilder, Writer};

use super::PARTIAL;
use crate::figures::figure::{cells, maps};
use crate::interrupt::Failure;
use crate::metric::Record;

const HEADER: [&str; 8] = [
    "figure",
    "panel",
    "x",
    "contender",
    "metric",
    "unit",
    "round",
    "value",
];

pub fn write(records: &[Record], is_partial: bool) -> io::Result<Vec<u8>> {
    let head = if is_partial {
        format!("# {PARTIAL}\n")
    } else {
        String::new()
    };
    let mut csv = Writer::from_writer(head.into_bytes());
    csv.write_record(HEADER)?;
    for it in records {
        let (x, round, value) = (it.x.to_string(), it.round.to_string(), rounded(it.value));
        let (name, metric, unit) = (it.contender.name, it.metric.name(), it.metric.unit());
        csv.write_record([
            &it.figure, &it.panel, &x, name, &metric, unit, &round, &value,
        ])?;
    }
    csv.into_inner().map_err(|error| error.into_error())
}

/// To five significant digits: no measurement has more.
fn rounded(value: f64) -> String {
    let text = format!("{value:.4e}");
    text.parse().unwrap_or(value).to_string()
}

/// Reads what [`write`] wrote.
pub fn read(path: &Path) -> Result<Vec<Record>, Failure> {
    let records = || -> Result<Vec<Record>, Box<dyn error::Error>> {
        let contenders = [maps(), cells()].concat();
        let mut reader = ReaderBuilder::new().comment(Some(b'#')).from_path(path)?;
        let record = |row: Result<[String; 8], csv::Error>| {
            let [figure, panel, x, name, metric, _, round, value] = row?;
            let contender = contenders.iter().find(|it| it.name == name);
            Ok(Record {
                contender: *contender.ok_or_else(|| format!("no contender is '{name}'"))?,
                metric: metric.try_into()?,
                x: x.parse()?,
                round: round.parse()?,
                value: value.parse()?,
                figure,
                panel,
            })
        };
        reader.deserialize().map(record).collect()
    };
    records().map_err(|error| {
        let path = path.display();
        Failure::Usage(format!(
            "cannot read '{path}': {error}; give --from a figures.csv"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_five_digits() {
        let rounded = [7_109_961.135, 143.233, 0.0, 2.0].map(rounded);
        assert_eq!(rounded, ["7110000", "143.23", "0", "2"]);
    }
}
