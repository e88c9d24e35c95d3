//! The command line.

use alloc::collections::BTreeSet;
use alloc::rc::Rc;
use core::iter;
use core::time::Duration;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Parser, Subcommand};

use crate::advise::{self, Advise, seconds};
use crate::contender::Contender;
use crate::figures;
use crate::figures::figure::{Figure, Mode, Settings, cells, maps};
use crate::interrupt;
use crate::machine;
use crate::plan::Plan;
use crate::report::{self, Report, csv, draw};
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
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = advise::threads())]
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

    /// Draw the figures crossover, tail and stuck for documents, each for light and for dark pages,
    /// and write them to this folder
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,

    /// Draw pictures of the results in a figures.csv, and measure nothing
    #[arg(long, value_name = "FILE", requires = "pictures")]
    from: Option<PathBuf>,

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
        Err(error) => match error.downcast_ref::<io::Error>() {
            // The reader of the pipe needs no more.
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Some(error) => {
                eprintln!("error: cannot write the report: {error}");
                ExitCode::FAILURE
            }
            None => {
                eprintln!("error: {error}");
                ExitCode::from(USAGE)
            }
        },
    }
}

impl Cli {
    fn run(&self) -> anyhow::Result<()> {
        if let Some(Command::Advise(advise)) = &self.command {
            return advise.run();
        }
        if let (Some(folder), Some(file)) = (&self.pictures, &self.from) {
            return Ok(draw(&csv::read(file)?, folder)?);
        }
        let settings = self.settings()?;
        if self.list {
            return Ok(io::stdout().write_all(list(&settings).as_bytes())?);
        }
        self.compare(&settings)
    }

    fn compare(&self, settings: &Settings) -> anyhow::Result<()> {
        let (figures, contenders) = select(settings, &self.only)?;
        let mut plan = Plan::new(figures, &contenders, settings.mode);
        if plan.time().is_zero() {
            bail!("none of the contenders of --only takes part in its figures; see --list");
        }
        if let Some(time) = self.seconds {
            plan = plan.within(time);
        }
        report::open(&self.out)?;
        let mut say = |text: &str| match self.json {
            true => io::stderr().write_all(text.as_bytes()),
            false => io::stdout().write_all(text.as_bytes()),
        };
        let report = Report::measure(&plan, &mut say)?;
        report.write(&self.out)?;
        if let Some(folder) = &self.pictures {
            draw(&report.points, folder)?;
        }
        let page = self.out.join("report.html");
        let page = page.display();
        say(&format!(
            "{}\nreport: {page} and figures.csv beside it\n",
            report.text()
        ))?;
        if self.json {
            writeln!(io::stdout(), "{}", report.json())?;
        }
        Ok(())
    }

    fn settings(&self) -> anyhow::Result<Settings> {
        let texts = match &self.keys {
            Some(file) => Texts::from_file(file)?,
            None => Texts::unicode(),
        };
        let trace = self.trace.as_deref().map(Trace::from_file).transpose()?;
        Ok(Settings {
            mode: match (self.quick, self.full) {
                (true, _) => Mode::Quick,
                (_, true) => Mode::Full,
                _ => Mode::Standard,
            },
            thread_counts: thread_counts(&self.threads),
            threads_asked: !self.threads.is_empty(),
            texts,
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

/// The numbers of threads that read, in ascending order; by default 1, 2, 4 and so on.
fn thread_counts(asked: &[u16]) -> Vec<usize> {
    let mut counts: BTreeSet<usize> = asked.iter().copied().map(usize::from).collect();
    if counts.is_empty() {
        let powers = iter::successors(Some(1), |count| Some(count * 2));
        counts.extend(powers.take_while(|&count| count <= machine::cores()));
    }
    counts.into_iter().collect()
}

/// The figures of a mode, or those asked for; and the contenders asked for.
fn select(settings: &Settings, only: &[String]) -> anyhow::Result<(Vec<Figure>, Vec<String>)> {
    let mut figures = figures::all(settings);
    let is_figure = |name: &str| figures.iter().any(|figure| figure.id == name);
    let contenders: Vec<Contender> = maps().into_iter().chain(cells()).collect();
    for name in only {
        if name == "trace" && !is_figure(name) {
            bail!("the figure 'trace' needs a file: give it with --trace");
        }
        if !is_figure(name) && !contenders.iter().any(|it| it.name == name) {
            let ids: Vec<_> = figures.iter().map(|figure| figure.id).collect();
            let names: BTreeSet<_> = contenders.iter().map(|it| it.name).collect();
            let names = names.into_iter().collect::<Vec<_>>().join(", ");
            bail!(
                "--only has '{name}', which is neither a figure ({}) nor a contender ({names}); see --list",
                ids.join(", "),
            );
        }
    }
    let (ids, contenders): (Vec<_>, Vec<_>) = only.iter().cloned().partition(|it| is_figure(it));
    figures.retain(|figure| match ids.is_empty() {
        true => figure.since <= settings.mode,
        false => ids.iter().any(|id| id == figure.id),
    });
    Ok((figures, contenders))
}

/// The names of all figures and contenders.
fn list(settings: &Settings) -> String {
    let since = |figure: &Figure| match figure.since {
        Mode::Quick => "--quick",
        Mode::Standard => "default",
        Mode::Full => "--full",
    };
    let line = |name: &str, about: &str| format!("  {name:<17} {about}\n");
    let figure = |it: &Figure| line(it.id, &format!("{:<8} {}", since(it), it.title));
    let mut text = String::from("figures:\n");
    text.extend(figures::all(settings).iter().map(figure));
    if settings.trace.is_none() {
        text += &line("trace", "--trace  Your trace");
    }
    for (what, contenders) in [("maps:\n", maps()), ("cells:\n", cells())] {
        text += what;
        text.extend(contenders.iter().map(|it| line(it.name, it.about)));
    }
    text
}
