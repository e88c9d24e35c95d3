//! `advise`: which map and strategy for this load?

use alloc::rc::Rc;
use core::time::Duration;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use clap::builder::RangedI64ValueParser;

use crate::drive::load::{Load, Pace, Task};
use crate::figures::cases::replay;
use crate::figures::figure::{Case, Figure, Mode, maps, some_threads};
use crate::machine::cores;
use crate::metric::Metric;
use crate::plan::Plan;
use crate::recommend::{Rates, recommend};
use crate::report::Report;
use crate::report::tables::points_table;
use crate::workload::input::Trace;
use crate::workload::keys::Distribution;

pub fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.parse().ok();
    let seconds = number.filter(|number| (0.01..=86_400.0).contains(number));
    let refuse = || "not a number of seconds from 0.01 to 86400".to_owned();
    seconds.map(Duration::from_secs_f64).ok_or_else(refuse)
}

pub fn threads() -> RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..=256)
}

/// Recommends a map and its strategy: runs each, and the other maps, on a load
#[derive(Debug, Args)]
pub struct Advise {
    /// Lookups a second, of all readers together
    #[arg(long, value_name = "N", required_unless_present = "trace",
          value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    reads_per_second: Option<u64>,

    /// Overwrites a second, of all writers together, each published by itself
    #[arg(long, value_name = "N", required_unless_present = "trace",
          value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    writes_per_second: Option<u64>,

    /// Threads that read [default: the number of cores, less the writers]
    #[arg(long, value_name = "N", value_parser = threads())]
    readers: Option<u16>,

    /// Threads that write
    #[arg(long, value_name = "N", default_value = "1", value_parser = threads())]
    writers: u16,

    /// Entries of the map
    #[arg(long, value_name = "N", required_unless_present = "trace",
          value_parser = clap::value_parser!(u32).range(1..=20_000_000))]
    map_size: Option<u32>,

    /// Bytes of a value; beyond 8 it has an allocation of its own
    #[arg(long, value_name = "N", default_value = "8",
          value_parser = clap::value_parser!(u32).range(8..=16_777_216))]
    value_bytes: u32,

    /// Replay these operations instead, as fast as possible
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["reads_per_second", "writes_per_second", "map_size", "readers",
                                "writers", "value_bytes"])]
    trace: Option<PathBuf>,

    /// Threads that replay the trace [default: the number of cores]
    #[arg(long, value_name = "N", requires = "trace", value_parser = threads())]
    threads: Option<u16>,

    /// Take about this many seconds [default: one for each contender]
    #[arg(long, value_name = "N", value_parser = seconds)]
    seconds: Option<Duration>,
}

/// More bytes of values than this are refused: a double buffer holds each twice, and a log or a
/// clone once more.
const MOST_BYTES: u64 = 1 << 30;
/// With more bytes of values, one map is measured after the other.
const TOGETHER: u64 = 32 << 20;
/// A shorter tick is mostly readings of the clock.
const SHORTEST: Duration = Duration::from_nanos(300);

impl Advise {
    pub fn run(&self) -> anyhow::Result<()> {
        let (figure, threads, rates) = match &self.trace {
            Some(path) => self.replay(Trace::from_file(path)?),
            None => self.rates()?,
        };
        let plan = Plan::new(vec![figure], &[], Mode::Quick);
        let each = Duration::from_secs(maps().len() as u64);
        let plan = plan.within(self.seconds.unwrap_or(each));
        let say = &mut |text: &str| io::stdout().write_all(text.as_bytes());
        say(&format!("load: {}\n", plan.figures[0].definition))?;
        let cores = cores();
        if threads > cores {
            say(&format!(
                "note: {threads} threads on {cores} cores take turns: the scheduler is measured too\n"
            ))?;
        }
        let report = Report::measure(&plan, say)?;
        if report.partial {
            say("PARTIAL: interrupted; no advice without all figures\n")?;
            return Ok(());
        }
        let noise = &*report.noise.text;
        let why_not = report.noise.is_noisy.then_some(noise);
        for (figure, points) in report.figures() {
            say(&points_table(figure, &points, "").text())?;
            say(&recommend(rates, &points, why_not))?;
        }
        if why_not.is_none() {
            say(&format!("{noise}\n"))?;
        }
        Ok(())
    }

    /// The figure of a trace, which has no rates, and its threads.
    fn replay(&self, trace: Trace) -> (Figure, usize, Option<Rates>) {
        let threads = self.threads.map_or_else(cores, usize::from);
        let definition = format!("{}, replayed by {}", trace.origin(), some_threads(threads));
        let metrics = [Metric::OPS, Metric::READS, Metric::WRITES];
        let case = replay(&Rc::new(trace), threads, 1);
        (figure(definition, &metrics, case), threads, None)
    }

    /// The figure of the rates that were asked for, and its threads.
    fn rates(&self) -> anyhow::Result<(Figure, usize, Option<Rates>)> {
        const ASKED: &str = "the command line needs it or a trace";
        let reads = self.reads_per_second.expect(ASKED);
        let writes = self.writes_per_second.expect(ASKED);
        let entries = self.map_size.expect(ASKED);
        let writers = if writes == 0 {
            0
        } else {
            usize::from(self.writers)
        };
        let spare = cores().saturating_sub(writers).max(1);
        let readers = self.readers.map_or(spare, usize::from);
        let value_bytes = self.value_bytes;
        let bytes = u64::from(value_bytes) * u64::from(entries);
        if bytes > MOST_BYTES {
            bail!(
                "--map-size times --value-bytes is {bytes}, more than {MOST_BYTES}: give a smaller map or smaller values"
            );
        }
        let tick = |threads, rate: u64| Duration::from_secs_f64(threads as f64 / rate as f64);
        let tick_of_reads = tick(readers, reads);
        let (pace, how) = if tick_of_reads >= SHORTEST {
            (Pace::Open(tick_of_reads), "by an open schedule")
        } else {
            let how = "as fast as they can, since the clock is too slow for that rate";
            (Pace::Closed, how)
        };
        let read = Task::READ.keys(Distribution::Zipf(0.99)).pace(pace);
        let write = Task::WRITE.pace(Pace::Paced(tick(writers, writes.max(1))));
        let load = Load {
            value_bytes: value_bytes as usize,
            ..Load::new(entries, read.times_and(readers, &vec![write; writers]))
        };
        let definition = format!(
            "{reads} reads/s by {} ({how}), {writes} writes/s by {}, each published, {entries} entries with values \
             of {value_bytes} bytes, Zipf keys",
            some_threads(readers),
            some_threads(writers),
        );
        let metrics = [
            Metric::READS,
            Metric::WRITES,
            Metric::READ,
            Metric("read p50"),
            Metric("read p99"),
            Metric("read p99.9"),
            Metric("read max"),
        ];
        let apart = bytes > TOGETHER;
        let case = Case::numbers("", 0.0, load);
        let figure = figure(definition, &metrics, Case { apart, ..case });
        Ok((figure, readers + writers, Some(Rates { reads, writes })))
    }
}

fn figure(definition: String, metrics: &[Metric], case: Case) -> Figure {
    Figure {
        id: "advise",
        title: "Your load".to_owned(),
        definition,
        metrics: metrics.to_vec(),
        cases: vec![case],
        ..Figure::default()
    }
}
