//! The command line.

use alloc::rc::Rc;
use core::time::Duration;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::Machine;
use crate::advise::{self, Advise};
use crate::choice::{choose, ladder, list};
use crate::figures::{self, Mode, Settings};
use crate::interrupt;
use crate::keys::Texts;
use crate::noise::Noise;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::report::{Files, Report};
use crate::trace::Trace;

/// Compares the strategies of dbuf with what else there is, on this machine.
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

    /// Take about so many seconds, whatever is measured
    #[arg(long, value_name = "N", value_parser = seconds)]
    seconds: Option<Duration>,

    /// Measure these figures, these contenders, or both, separated by commas;
    /// --list names them
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    only: Vec<String>,

    /// Say which figures and contenders there are, and measure nothing
    #[arg(long)]
    list: bool,

    /// Let so many threads read, for each of these numbers, separated by commas;
    /// mixes have as many as the greatest [default: 1, 2, 4 and so on, up to the
    /// number of cores]
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        value_parser = clap::value_parser!(u16).range(1..=256)
    )]
    threads: Vec<u16>,

    /// Take the keys of the figure `names` from a file, one a line, instead of
    /// the names of all Unicode characters
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// Replay a file with lines `get KEY`, `insert KEY` and `remove KEY`
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,

    /// Write the report there
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

/// The command line or a file is wrong.
const USAGE: u8 = 2;

/// Why the program ends early.
pub(crate) enum Failure {
    /// One line that says what is wrong with what was asked.
    Usage(String),
    /// What was measured could not be written.
    Output(io::Error),
}

impl<E: core::error::Error> From<E> for Failure
where
    E: UsageError,
{
    fn from(error: E) -> Self {
        Self::Usage(error.to_string())
    }
}

/// Errors that are the user's to mend.
pub(crate) trait UsageError {}

impl UsageError for crate::keys::FileError {}

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
        Ok(()) if interrupt::asked() => ExitCode::from(interrupt::EXIT),
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(line)) => {
            eprintln!("error: {line}");
            ExitCode::from(USAGE)
        }
        // Whoever reads the table has seen enough of it.
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
        match &self.command {
            Some(Command::Advise(load)) => advise::run(load),
            None if self.list => list().map_err(Failure::Output),
            None => self.compare(),
        }
    }

    fn compare(&self) -> Result<(), Failure> {
        let plan = self.plan()?;
        let files = Files::in_folder(&self.out).map_err(|error| {
            Failure::Usage(format!(
                "cannot write to '{}': {error}; give --out a folder that can be written to",
                self.out.display()
            ))
        })?;
        interrupt::listen();
        let report = Report::new(&plan, Machine::look());
        let mut out = io::stdout().lock();
        let mut say = |text: &str| {
            let written = if self.json {
                io::stderr().write_all(text.as_bytes())
            } else {
                out.write_all(text.as_bytes()).and_then(|()| out.flush())
            };
            written.map_err(Failure::Output)
        };
        say(&report.header())?;
        let mut noise = Noise::new();
        let progress = Progress::new(plan.time());
        let records = plan.run(&progress, &mut noise);
        progress.clear();
        let told = report.tell(&records, &noise, interrupt::asked());
        files.write(&told.files()).map_err(Failure::Output)?;
        say(&told.text())?;
        say(&format!("\nreport: {files}\n"))?;
        if self.json {
            writeln!(out, "{}", told.json()).map_err(Failure::Output)?;
        }
        Ok(())
    }

    fn mode(&self) -> Mode {
        match (self.quick, self.full) {
            (true, _) => Mode::Quick,
            (_, true) => Mode::Full,
            _ => Mode::Standard,
        }
    }

    fn plan(&self) -> Result<Plan, Failure> {
        let mode = self.mode();
        let texts = self.keys.as_deref().map(Texts::from_file);
        let trace = self.trace.as_deref().map(Trace::from_file).transpose()?;
        let settings = Settings {
            mode,
            threads: ladder(&self.threads),
            threads_asked: !self.threads.is_empty(),
            texts: texts.unwrap_or_else(|| Ok(Texts::unicode()))?,
            trace: trace.map(Rc::new),
        };
        let (figures, contenders) = choose(figures::all(&settings), &self.only, mode)?;
        let plan = Plan::new(figures, contenders, mode);
        if plan.time().is_zero() {
            let line = "none of the contenders of --only takes part in its figures; see --list";
            return Err(Failure::Usage(line.to_owned()));
        }
        Ok(match self.seconds {
            Some(time) => plan.within(time),
            None => plan,
        })
    }
}

/// A time in seconds that can be kept.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .filter(|seconds| (0.01..=86_400.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "not a number of seconds from 0.01 to 86400".to_owned())
}

/// What clap says about wrong arguments, in one line: its first paragraph.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let words: Vec<_> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    format!("{}; see --help", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Cli, String> {
        Cli::try_parse_from([&["dbuf-bench"], args].concat()).map_err(|error| one_line(&error))
    }

    fn plan(args: &[&str]) -> Result<Plan, String> {
        parse(args)?.plan().map_err(|failure| match failure {
            Failure::Usage(line) => line,
            Failure::Output(error) => error.to_string(),
        })
    }

    fn ids(args: &[&str]) -> Vec<&'static str> {
        let figures = plan(args).unwrap().figures;
        figures.iter().map(|figure| figure.id).collect()
    }

    #[test]
    fn figures_and_contenders_can_be_chosen() {
        assert_eq!(ids(&["--only", "ycsb,epoch,cells"]), ["cells", "ycsb"]);
        assert_eq!(ids(&["--quick", "--only", "sizes"]), ["sizes"]);
        assert!(ids(&["--quick"]).len() < ids(&[]).len());
        assert!(ids(&[]).len() < ids(&["--full"]).len());
        let nothing = plan(&["--only", "memory,local"]).unwrap_err();
        assert!(nothing.contains("takes part"), "{nothing}");
        let trace = plan(&["--only", "trace"]).unwrap_err();
        assert!(trace.contains("--trace"), "{trace}");
    }

    #[test]
    fn threads_are_sorted_and_distinct_and_fit_the_machine_by_default() {
        assert_eq!(ladder(&[4, 1, 4]), [1, 4]);
        let default = ladder(&[]);
        assert_eq!(default[0], 1);
        assert!(default.iter().all(|&threads| threads <= Machine::cores()));
    }

    #[test]
    fn mistakes_are_one_line_that_says_what_is_right() {
        let mistakes: [(&[&str], &str); 6] = [
            (&["--threads", "1,0"], "0 is not in 1..=256"),
            (&["--threads", "two"], "invalid digit"),
            (&["--seconds", "NaN"], "not a number of seconds from 0.01"),
            (&["--quick", "--full"], "cannot be used with"),
            (&["--fast"], "unexpected argument '--fast'"),
            (&["advise", "--map-size", "0"], "--map-size"),
        ];
        for (args, expected) in mistakes {
            let line = parse(args).map(drop).unwrap_err();
            assert!(line.contains(expected), "{args:?}: {line}");
            assert_eq!(line.lines().count(), 1, "{line}");
        }
    }
}
