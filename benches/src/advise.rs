//! `advise`: which map and strategy for this load?

use alloc::rc::Rc;
use core::time::Duration;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use crate::drive::load::{Load, Pace, Task};
use crate::figures::figure::{Case, maps};
use crate::figures::figure::{Figure, Mode, some_threads};
use crate::figures::headline::replay;
use crate::interrupt::{self, Failure};
use crate::machine::Machine;
use crate::machine::Noise;
use crate::metric::{Metric, Tail, time};
use crate::plan::Plan;
use crate::recommend::{Rates, recommend};
use crate::report::tables::points_table;
use crate::results::points;
use crate::workload::input::Trace;
use crate::workload::keyspace::Distribution;

/// Parses a number of seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.parse().ok();
    let seconds = number.filter(|number| (0.01..=86_400.0).contains(number));
    let refuse = || "not a number of seconds from 0.01 to 86400".to_owned();
    seconds.map(Duration::from_secs_f64).ok_or_else(refuse)
}

/// Recommends a map and its strategy: runs each, and the other maps, on a load
#[derive(Debug, Args)]
pub(crate) struct Advise {
    /// Lookups a second, of all readers together
    #[arg(long, value_name = "N", required_unless_present = "trace",
          value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    reads_per_second: Option<u64>,

    /// Overwrites a second, of all writers together, each published by itself
    #[arg(long, value_name = "N", required_unless_present = "trace",
          value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    writes_per_second: Option<u64>,

    /// Threads that read [default: the number of cores, less the writers]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    readers: Option<u16>,

    /// Threads that write [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    writers: Option<u16>,

    /// Entries of the map
    #[arg(long, value_name = "N", required_unless_present = "trace",
          value_parser = clap::value_parser!(u32).range(1..=20_000_000))]
    map_size: Option<u32>,

    /// Bytes of a value; beyond 8 it has an allocation of its own [default: 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(8..=16_777_216))]
    value_bytes: Option<u32>,

    /// Replay these operations instead, as fast as possible
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["reads_per_second", "writes_per_second", "map_size", "readers",
                                "writers", "value_bytes"])]
    trace: Option<PathBuf>,

    /// Threads that replay the trace [default: the number of cores]
    #[arg(long, value_name = "N", requires = "trace",
          value_parser = clap::value_parser!(u16).range(1..=256))]
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
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let (figure, threads, rates) = match &self.trace {
            Some(path) => self.replay(Trace::from_file(path)?),
            None => self.rates()?,
        };
        let all = maps();
        let each = Duration::from_secs(all.len() as u64);
        let plan = Plan::new(vec![figure], Vec::new(), Mode::Quick);
        let plan = plan.within(self.seconds.unwrap_or(each));
        let figure = &plan.figures[0];
        interrupt::listen();
        let mut out = io::stdout().lock();
        writeln!(out, "load: {}", figure.definition)?;
        let (contenders, time, rounds) = (all.len(), time(plan.time()), plan.rounds);
        writeln!(
            out,
            "plan: {contenders} contenders, {time} in {rounds} rounds"
        )?;
        for (name, fact) in Machine::detect().facts {
            writeln!(out, "{name}: {fact}")?;
        }
        let cores = Machine::cores();
        if threads > cores {
            let note = "take turns: the scheduler is measured too";
            writeln!(out, "note: {threads} threads on {cores} cores {note}")?;
        }
        out.flush()?;
        let mut noise = Noise::new();
        let records = plan.run(&mut noise);
        if interrupt::is_requested() {
            writeln!(out, "PARTIAL: interrupted; no advice without all figures")?;
            return Ok(());
        }
        let points = points(&records, figure.id);
        let noise = noise.verdict();
        let why_not = noise.is_noisy.then_some(&*noise.text);
        write!(out, "{}", points_table(figure, &points))?;
        write!(out, "{}", recommend(rates, &all, &points, why_not))?;
        if !noise.is_noisy {
            writeln!(out, "{}", noise.text)?;
        }
        Ok(())
    }

    /// The figure of a trace, which has no rates, and its threads.
    fn replay(&self, trace: Trace) -> (Figure, usize, Option<Rates>) {
        let threads = self.threads.map_or_else(Machine::cores, usize::from);
        let definition = format!("{}, replayed by {}", trace.origin(), some_threads(threads));
        let metrics = &[Metric::Ops, Metric::Reads, Metric::Writes];
        let case = replay(&Rc::new(trace), threads, 1);
        (figure(definition, metrics, case), threads, None)
    }

    /// The figure of the rates that were asked for, and its threads.
    fn rates(&self) -> Result<(Figure, usize, Option<Rates>), Failure> {
        let rates = (self.reads_per_second, self.writes_per_second, self.map_size);
        let (Some(reads), Some(writes), Some(entries)) = rates else {
            let line = "give --reads-per-second, --writes-per-second and --map-size, or --trace";
            return Err(Failure::Usage(line.to_owned()));
        };
        let writers = match writes {
            0 => 0,
            _ => self.writers.map_or(1, usize::from),
        };
        let spare = Machine::cores().saturating_sub(writers).max(1);
        let readers = self.readers.map_or(spare, usize::from);
        let value_bytes = self.value_bytes.unwrap_or(8);
        let bytes = u64::from(value_bytes) * u64::from(entries);
        if bytes > MOST_BYTES {
            return Err(Failure::Usage(format!(
                "--map-size times --value-bytes is {bytes}, more than {MOST_BYTES}: give a smaller map or smaller values"
            )));
        }
        let tick = |threads, rate: u64| Duration::from_secs_f64(threads as f64 / rate as f64);
        let (pace, how) = match tick(readers, reads) {
            tick if tick >= SHORTEST => (Pace::Open(tick), "by an open schedule"),
            _ => (
                Pace::Closed,
                "as fast as they can, since the clock is too slow for that rate",
            ),
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
        let metrics = &[
            Metric::Reads,
            Metric::Writes,
            Metric::Read,
            Metric::ReadAt(Tail::P50),
            Metric::ReadAt(Tail::P99),
            Metric::ReadAt(Tail::P999),
            Metric::ReadAt(Tail::MAX),
        ];
        let apart = bytes > TOGETHER;
        let case = Case::numbers("", 0.0, load);
        let figure = figure(definition, metrics, Case { apart, ..case });
        Ok((figure, readers + writers, Some(Rates { reads, writes })))
    }
}

fn figure(definition: String, metrics: &'static [Metric], case: Case) -> Figure {
    Figure {
        id: "advise",
        title: "Your load",
        definition,
        metrics,
        cases: vec![case],
        ..Figure::DEFAULT
    }
}
