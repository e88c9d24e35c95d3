//! The command line.

use alloc::rc::Rc;
use core::time::Duration;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::advise::Advise;
use crate::figures::figure::{Mode, Settings};
use crate::interrupt::{self, Failure};
use crate::noise::Noise;
use crate::plan::Plan;
use crate::report::{Folder, Report, facts};
use crate::selection::{list, seconds, select, thread_counts};
use crate::workload::input::{Texts, Trace};

/// Compares the strategies of dbuf with other maps, cells and locks, on this machine.
///
/// Prints a table, and writes report.html and figures.csv.
#[derive(Debug, Parser)]
#[command(name = "dbuf-bench", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    /// Take at most 15 s instead of 2 min
    #[arg(long, conflicts_with = "full")]
    quick: bool,

    /// Measure everything, in at most 60 min
    #[arg(long)]
    full: bool,

    /// Take about this many seconds, whatever is measured
    #[arg(long, value_name = "N", value_parser = seconds)]
    seconds: Option<Duration>,

    /// Measure these figures, these contenders, or both, separated by commas; --list names them
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    only: Vec<String>,

    /// Name the figures and contenders, and measure nothing
    #[arg(long)]
    list: bool,

    /// Let this many threads read, for each of these numbers, separated by commas; mixes have as
    /// many as the greatest [default: 1, 2, 4 and so on, up to the number of cores]
    #[arg(long, value_name = "LIST", value_delimiter = ',',
          value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Vec<u16>,

    /// Take the keys of the figure `names` from a file, one a line, instead of the names of all
    /// Unicode characters
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// Replay a file with lines `get KEY`, `insert KEY` and `remove KEY`
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,

    /// Write the report to this folder
    #[arg(long, value_name = "DIR", default_value = "target/dbuf-bench")]
    out: PathBuf,

    /// Print the results as JSON instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Advise(Advise),
}

/// The exit code if the command line or a file is wrong.
const USAGE: u8 = 2;

/// Does what a command line asks for. The first argument is the name of the program.
pub fn program<A: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = A>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        // Help and version are errors to clap, but not to us.
        Err(asked) if !asked.use_stderr() => asked.exit(),
        Err(error) => {
            eprintln!("{}", one_line(&error));
            return ExitCode::from(USAGE);
        }
    };
    match cli.run() {
        Ok(()) if interrupt::is_requested() => ExitCode::from(interrupt::EXIT),
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(line)) => {
            eprintln!("error: {line}");
            ExitCode::from(USAGE)
        }
        // The reader of the pipe needs no more.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(Failure::Output(error)) => {
            eprintln!("error: cannot write the report: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Cli {
    fn run(&self) -> Result<(), Failure> {
        if let Some(Command::Advise(advise)) = &self.command {
            return advise.run();
        }
        let settings = self.settings()?;
        if self.list {
            return Ok(io::stdout().write_all(list(&settings).as_bytes())?);
        }
        self.compare(&settings)
    }

    fn compare(&self, settings: &Settings) -> Result<(), Failure> {
        let (figures, contenders) = select(settings, &self.only)?;
        let mut plan = Plan::new(figures, contenders, settings.mode);
        if plan.time().is_zero() {
            let line = "none of the contenders of --only takes part in its figures; see --list";
            return Err(Failure::Usage(line.to_owned()));
        }
        if let Some(time) = self.seconds {
            plan = plan.within(time);
        }
        let folder = Folder::open(&self.out)?;
        interrupt::listen();
        let mut out = io::stdout().lock();
        let mut say = |text: &str| {
            if self.json {
                return io::stderr().write_all(text.as_bytes());
            }
            out.write_all(text.as_bytes())?;
            out.flush()
        };
        let facts = facts();
        say(&plan.describe())?;
        for (name, fact) in &facts {
            say(&format!("{name}: {fact}\n"))?;
        }
        let mut noise = Noise::new();
        let records = plan.run(&mut noise);
        let report = Report {
            plan: &plan,
            facts: &facts,
            records: &records,
            noise: noise.verdict(),
            partial: interrupt::is_requested(),
        };
        report.write(&folder)?;
        say(&report.text())?;
        let page = folder.report();
        say(&format!(
            "\nreport: {} and figures.csv beside it\n",
            page.display()
        ))?;
        if self.json {
            writeln!(out, "{}", report.json())?;
        }
        Ok(())
    }

    fn settings(&self) -> Result<Settings, Failure> {
        let texts = self.keys.as_deref().map(Texts::from_file);
        let trace = self.trace.as_deref().map(Trace::from_file).transpose()?;
        Ok(Settings {
            mode: match (self.quick, self.full) {
                (true, _) => Mode::Quick,
                (_, true) => Mode::Full,
                _ => Mode::Standard,
            },
            thread_counts: thread_counts(&self.threads),
            threads_asked: !self.threads.is_empty(),
            texts: texts.unwrap_or_else(|| Ok(Texts::unicode()))?,
            trace: trace.map(Rc::new),
        })
    }
}

/// clap's message about wrong arguments in one line: its first paragraph.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim);
    let words: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    format!("{}; see --help", words.join(" "))
}
