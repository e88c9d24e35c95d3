//! `figures.csv`: every number of every round.

use std::io;
use std::path::Path;

use anyhow::anyhow;
use csv::{ReaderBuilder, Writer};

use super::PARTIAL;
use crate::figures::figure::{cells, fences, maps};
use crate::metric::Metric;
use crate::results::Point;

const HEADER: &str = "figure,panel,x,contender,metric,unit,round,value";

pub fn write(points: &[Point], is_partial: bool) -> io::Result<Vec<u8>> {
    let head = if is_partial {
        format!("# {PARTIAL}\n")
    } else {
        String::new()
    };
    let mut csv = Writer::from_writer(head.into_bytes());
    csv.write_record(HEADER.split(','))?;
    for it in points {
        let (x, name) = (it.x.to_string(), it.contender.name);
        let (metric, unit) = (it.metric.0, it.metric.unit());
        for (round, &value) in it.rounds.iter().enumerate() {
            let (round, value) = (round.to_string(), rounded(value));
            csv.write_record([
                &it.figure, &it.panel, &*x, name, metric, unit, &round, &value,
            ])?;
        }
    }
    csv.into_inner().map_err(|error| error.into_error())
}

/// To five significant digits: no measurement has more.
fn rounded(value: f64) -> String {
    let text = format!("{value:.4e}");
    text.parse().unwrap_or(value).to_string()
}

/// What is read of a line, in the order of the [`HEADER`].
type Line = (String, String, f64, String, Metric, String, u32, f64);

/// Reads what [`write`] wrote.
pub fn read(path: &Path) -> anyhow::Result<Vec<Point>> {
    let points = || -> anyhow::Result<Vec<Point>> {
        let contenders = [maps(), cells(), fences()].concat();
        let mut points = Vec::new();
        let mut reader = ReaderBuilder::new().comment(Some(b'#')).from_path(path)?;
        for line in reader.deserialize::<Line>() {
            let (figure, panel, x, name, metric, _, _, value) = line?;
            let contender = contenders.iter().find(|it| it.name == name);
            let contender = *contender.ok_or_else(|| anyhow!("no contender is '{name}'"))?;
            let point = Point {
                figure,
                panel,
                x,
                contender,
                metric,
                rounds: vec![value],
            };
            point.add_to(&mut points);
        }
        Ok(points)
    };
    points().map_err(|error| {
        let path = path.display();
        anyhow!("cannot read '{path}': {error}; give --from a figures.csv")
    })
}
