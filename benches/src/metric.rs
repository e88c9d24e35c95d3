//! What is measured, and how it is said.

use core::time::Duration;
use std::sync::OnceLock;
use std::time::Instant;

use crate::median;

/// A kind of number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metric {
    Read,
    Ops,
    Reads,
    Writes,
    ReadAt(Tail),
    WriteAt(Tail),
    Entries,
    Bytes,
}

/// A place in the order of all latencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    P50,
    P90,
    P99,
    P999,
    P9999,
    Max,
}

impl Tail {
    pub(crate) const ALL: [Self; 6] = [
        Self::P50,
        Self::P90,
        Self::P99,
        Self::P999,
        Self::P9999,
        Self::Max,
    ];

    pub(crate) fn quantile(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P90 => 0.9,
            Self::P99 => 0.99,
            Self::P999 => 0.999,
            Self::P9999 => 0.9999,
            Self::Max => 1.0,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
            Self::P9999 => "p99.99",
            Self::Max => "max",
        }
    }
}

impl Metric {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Read => "a read".to_owned(),
            Self::Ops => "operations/s".to_owned(),
            Self::Reads => "reads/s".to_owned(),
            Self::Writes => "writes/s".to_owned(),
            Self::ReadAt(tail) => format!("read {}", tail.name()),
            Self::WriteAt(tail) => format!("write {}", tail.name()),
            Self::Entries => "entries".to_owned(),
            Self::Bytes => "bytes/entry".to_owned(),
        }
    }

    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Read | Self::ReadAt(_) | Self::WriteAt(_) => "ns",
            Self::Ops | Self::Reads | Self::Writes => "1/s",
            Self::Entries => "1",
            Self::Bytes => "B",
        }
    }

    pub(crate) fn less_is_better(self) -> bool {
        match self {
            Self::Read | Self::ReadAt(_) | Self::WriteAt(_) | Self::Bytes => true,
            Self::Ops | Self::Reads | Self::Writes | Self::Entries => false,
        }
    }

    /// The better of two numbers first.
    pub(crate) fn is_better(self, one: f64, other: f64) -> bool {
        if self.less_is_better() {
            one < other
        } else {
            one > other
        }
    }

    /// A number with its unit, as short as it can be. What is timed singly and is
    /// no more than a look at the clock is said to be less than that.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::ReadAt(_) | Self::WriteAt(_) if value < clock_cost() => {
                format!("<{:.0} ns", clock_cost())
            }
            Self::Read | Self::ReadAt(_) | Self::WriteAt(_) => nanos(value),
            Self::Ops | Self::Reads | Self::Writes | Self::Entries => count(value),
            Self::Bytes => format!("{value:.1} B"),
        }
    }
}

/// What a sample says.
pub(crate) type Sample = Vec<(Metric, f64)>;

/// One number of one round.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) figure: &'static str,
    /// The part of the figure: a chart of its own.
    pub(crate) panel: String,
    /// Where in the chart, if it is a ladder.
    pub(crate) x: f64,
    pub(crate) contender: &'static str,
    pub(crate) is_ours: bool,
    pub(crate) metric: Metric,
    pub(crate) round: u32,
    pub(crate) value: f64,
}

fn nanos(value: f64) -> String {
    match value {
        _ if value < 100.0 => format!("{value:.1} ns"),
        _ if value < 1e3 => format!("{value:.0} ns"),
        _ if value < 1e6 => format!("{} µs", three(value / 1e3)),
        _ if value < 1e9 => format!("{} ms", three(value / 1e6)),
        _ => format!("{} s", three(value / 1e9)),
    }
}

/// A number in three digits, with k, M or G.
pub(crate) fn count(value: f64) -> String {
    match value {
        _ if value < 1e3 => three(value),
        _ if value < 1e6 => format!("{} k", three(value / 1e3)),
        _ if value < 1e9 => format!("{} M", three(value / 1e6)),
        _ => format!("{} G", three(value / 1e9)),
    }
}

fn three(value: f64) -> String {
    let digits = match value {
        _ if value >= 100.0 || value == value.round() => 0,
        _ if value >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$}")
}

/// What a look at the clock costs, in nanoseconds: the median of many.
pub(crate) fn clock_cost() -> f64 {
    static COST: OnceLock<f64> = OnceLock::new();
    *COST.get_or_init(|| {
        let mut costs: Vec<f64> = (0..101)
            .map(|_| {
                let begin = Instant::now();
                for _ in 0..99 {
                    core::hint::black_box(Instant::now());
                }
                begin.elapsed().as_nanos() as f64 / 100.0
            })
            .collect();
        median(&mut costs).unwrap_or_default()
    })
}

/// `1 min 40 s`.
pub(crate) fn time(duration: Duration) -> String {
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
    fn numbers_are_short() {
        assert_eq!(Metric::Read.show(4.25), "4.2 ns");
        assert_eq!(Metric::Read.show(123_456.0), "123 µs");
        assert_eq!(Metric::Ops.show(45_600_000.0), "45.6 M");
        assert_eq!(Metric::Ops.show(999.0), "999");
        assert_eq!(Metric::Bytes.show(71.33), "71.3 B");
        assert_eq!(time(Duration::from_millis(1500)), "1.5 s");
        assert_eq!(time(Duration::from_secs(100)), "1 min 40 s");
    }

    #[test]
    fn a_latency_under_the_cost_of_the_clock_is_no_number() {
        assert!(clock_cost() > 0.0);
        let shown = Metric::ReadAt(Tail::P50).show(clock_cost() / 2.0);
        assert!(shown.starts_with('<'), "{shown}");
        assert!(!Metric::Read.show(0.5).starts_with('<'));
    }
}
