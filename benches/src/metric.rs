//! What is measured, how rounds are summed up, and how numbers are shown.

use core::hint::black_box;
use core::time::Duration;
use std::sync::OnceLock;
use std::time::Instant;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// A kind of number, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric(pub &'static str);

/// The percentiles of latencies, by which [`Metric::READ_TAILS`] are named.
pub const QUANTILES: [f64; 6] = [0.5, 0.9, 0.99, 0.999, 0.9999, 1.0];

impl Metric {
    pub const READ: Self = Self("a read");
    pub const OPS: Self = Self("operations/s");
    pub const READS: Self = Self("reads/s");
    pub const WRITES: Self = Self("writes/s");
    pub const ENTRIES: Self = Self("entries");
    pub const BYTES: Self = Self("bytes/entry");
    pub const READ_TAILS: [Self; QUANTILES.len()] = [
        Self("read p50"),
        Self("read p90"),
        Self("read p99"),
        Self("read p99.9"),
        Self("read p99.99"),
        Self("read max"),
    ];
    pub const WRITE_TAILS: [Self; QUANTILES.len()] = [
        Self("write p50"),
        Self("write p90"),
        Self("write p99"),
        Self("write p99.9"),
        Self("write p99.99"),
        Self("write max"),
    ];

    pub fn unit(self) -> &'static str {
        match self {
            Self::OPS | Self::READS | Self::WRITES => "1/s",
            Self::ENTRIES => "1",
            Self::BYTES => "B",
            _ => "ns",
        }
    }

    pub fn less_is_better(self) -> bool {
        matches!(self.unit(), "ns" | "B")
    }

    /// How many times better `one` is than `other`; less than 1 where it is worse.
    pub fn lead(self, one: f64, other: f64) -> f64 {
        let (one, other) = (one.max(1e-9), other.max(1e-9));
        if self.less_is_better() {
            other / one
        } else {
            one / other
        }
    }

    /// A number with its unit, as short as possible. A latency that is less than one reading of
    /// the clock is shown as less than that.
    pub fn show(self, value: f64) -> String {
        match self.unit() {
            "ns" if self != Self::READ && value < clock_cost() => {
                format!("<{:.0} ns", clock_cost())
            }
            "ns" => scaled(value, [" ns", " µs", " ms", " s"]),
            "B" => format!("{value:.1} B"),
            _ => count(value),
        }
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        let rates = [Self::OPS, Self::READS, Self::WRITES];
        let rest = [Self::READ, Self::ENTRIES, Self::BYTES];
        let tails = [Self::READ_TAILS, Self::WRITE_TAILS].into_iter().flatten();
        let mut all = tails.chain(rates).chain(rest);
        let found = all.find(|metric| metric.0 == name);
        found.ok_or_else(|| D::Error::custom(format!("no metric is '{name}'")))
    }
}

/// The numbers of one measurement.
pub type Sample = Vec<(Metric, f64)>;

/// The median of some rounds, and their range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// Returns `None` if there are no values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        let median = median(&mut values)?;
        // `median` sorted them.
        let (min, max) = (*values.first()?, *values.last()?);
        Some(Self { median, min, max })
    }

    /// Median, least and greatest.
    pub fn show(self, show: impl Fn(f64) -> String) -> String {
        let [median, min, max] = [self.median, self.min, self.max].map(show);
        format!("{median} [{min}–{max}]")
    }
}

/// Sorts the values and returns their median, or `None` if there are none. The median of an
/// even count is the mean of the middle two.
pub fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    Some(values[(values.len() - 1) / 2].midpoint(upper))
}

/// A number in three digits, with the greatest of four units that is not above it. A unit is a
/// thousand times the one before.
fn scaled(value: f64, units: [&str; 4]) -> String {
    let power = (1..4).rev().find(|&power| value >= 1000_f64.powi(power));
    let power = power.unwrap_or(0);
    let value = value / 1000_f64.powi(power);
    let digits = match value {
        _ if value >= 100.0 || value == value.round() => 0,
        _ if value >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$}{}", units[power as usize])
}

pub fn count(value: f64) -> String {
    scaled(value, ["", " k", " M", " G"])
}

/// The nanoseconds of one reading of the clock.
pub fn clock_cost() -> f64 {
    static COST: OnceLock<f64> = OnceLock::new();
    *COST.get_or_init(|| {
        let mut costs = [0.0; 101];
        for cost in &mut costs {
            let begin = Instant::now();
            for _ in 0..99 {
                black_box(Instant::now());
            }
            *cost = begin.elapsed().as_nanos() as f64 / 100.0;
        }
        median(&mut costs).unwrap_or_default()
    })
}

/// `1 min 40 s`.
pub fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds.round() as u64 {
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        whole if whole < 60 => format!("{whole} s"),
        whole => format!("{} min {} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlier_moves_the_range_and_not_the_median() {
        assert_eq!(median(&mut [5.0, 1.0, 2.0, 4.0]), Some(3.0));
        let spread = Spread::of([2.0, 1000.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 2.0, 1000.0));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(Metric::READ.show(4.25), "4.25 ns");
        assert_eq!(Metric::READ.show(123_456.0), "123 µs");
        assert_eq!(Metric::OPS.show(45_600_000.0), "45.6 M");
        assert_eq!(Metric::OPS.show(999.0), "999");
        assert_eq!(Metric::BYTES.show(71.33), "71.3 B");
        assert_eq!(time(Duration::from_millis(1500)), "1.5 s");
        assert_eq!(time(Duration::from_secs(100)), "1 min 40 s");
    }

    #[test]
    fn a_latency_under_the_cost_of_the_clock_is_not_shown_as_a_number() {
        assert!(clock_cost() > 0.0);
        let shown = Metric("read p50").show(clock_cost() / 2.0);
        assert!(shown.starts_with('<'), "{shown}");
        assert!(!Metric::READ.show(0.5).starts_with('<'));
    }
}
