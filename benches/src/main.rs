//! `dbuf-bench`: compares the strategies of dbuf on a hash map. See `--help`.

use core::time::Duration;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use dbuf_bench::{Cli, Plan, Report, Time, Workload, one_line};

/// The command line or the key file is wrong.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let start = Instant::now();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version are errors to clap, but not to us.
        Err(asked) if !asked.use_stderr() => asked.exit(),
        Err(error) => return refuse(&one_line(&error)),
    };
    let keys = match cli.keys() {
        Ok(keys) => keys,
        Err(error) => return refuse(&format!("error: {error}")),
    };
    let threads = cli.threads();
    let workload = Workload::new(keys, threads.iter().copied().max().unwrap_or(1));
    let time = match cli.time() {
        Time::Measuring(time) => time,
        // Keys of any number, on any disk: half a second is measured at least.
        Time::InAll(limit) => limit
            .saturating_sub(start.elapsed())
            .max(Duration::from_millis(500)),
    };
    let plan = Plan::new(&cli.entries(), &threads, time);
    match compare(&plan, &workload) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the table has seen enough of it.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: cannot write the table: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(plan: &Plan, workload: &Workload) -> io::Result<()> {
    let report = Report::new(plan, workload);
    let mut out = io::stdout().lock();
    writeln!(out, "{}", report.header())?;
    out.flush()?;
    let outcomes = plan.run(workload, |line| eprintln!("{line}"));
    write!(out, "{}\n{}", report.table(&outcomes), report.notes())?;
    out.flush()
}

fn refuse(line: &str) -> ExitCode {
    eprintln!("{line}");
    ExitCode::from(USAGE)
}
