//! Which figures, contenders and numbers of threads there are, and which are asked
//! for.

use std::io::{self, Write};

use crate::Machine;
use crate::cli::Failure;
use crate::figures::{self, Figure, Mode, Name, Settings};
use crate::keys::Texts;

/// How many threads shall read, each number once.
pub(crate) fn ladder(asked: &[u16]) -> Vec<usize> {
    let mut threads: Vec<usize> = if asked.is_empty() {
        let double = |&threads: &usize| threads.checked_mul(2);
        core::iter::successors(Some(1), double)
            .take_while(|&threads| threads <= Machine::cores())
            .collect()
    } else {
        asked.iter().copied().map(usize::from).collect()
    };
    threads.sort_unstable();
    threads.dedup();
    threads
}

/// All contenders, each name once.
fn contenders() -> Vec<Name> {
    let mut all = figures::maps();
    for cell in figures::cells() {
        if all.iter().all(|name| name.name != cell.name) {
            all.push(cell);
        }
    }
    all
}

/// The figures of a mode, or those asked for; and the contenders asked for.
pub(crate) fn choose(
    mut figures: Vec<Figure>,
    only: &[String],
    mode: Mode,
) -> Result<(Vec<Figure>, Vec<String>), Failure> {
    let is_figure = |name: &str| figures.iter().any(|figure| figure.id == name);
    let is_contender = |name: &str| contenders().iter().any(|other| other.name == name);
    for name in only {
        if name == "trace" && !is_figure(name) {
            let line = "the figure 'trace' needs a file: give it with --trace".to_owned();
            return Err(Failure::Usage(line));
        }
        if !is_figure(name) && !is_contender(name) {
            let ids: Vec<_> = figures.iter().map(|figure| figure.id).collect();
            let names: Vec<_> = contenders().iter().map(|other| other.name).collect();
            return Err(Failure::Usage(format!(
                "--only has '{name}', which is neither a figure ({}) nor a contender ({}); see --list",
                ids.join(", "),
                names.join(", ")
            )));
        }
    }
    let (chosen, contenders): (Vec<String>, Vec<String>) =
        only.iter().cloned().partition(|name| is_figure(name));
    figures.retain(|figure| match chosen.is_empty() {
        true => figure.since <= mode,
        false => chosen.iter().any(|id| id == figure.id),
    });
    Ok((figures, contenders))
}

/// Prints all of them.
pub(crate) fn list() -> io::Result<()> {
    let settings = Settings {
        mode: Mode::Full,
        threads: ladder(&[]),
        threads_asked: false,
        texts: Texts::unicode(),
        trace: None,
    };
    let mut out = io::stdout().lock();
    writeln!(out, "figures:")?;
    for figure in figures::all(&settings) {
        let since = match figure.since {
            Mode::Quick => "--quick",
            Mode::Standard => "default",
            Mode::Full => "--full",
        };
        writeln!(out, "  {:<15} {since:<8} {}", figure.id, figure.title)?;
    }
    writeln!(out, "  {:<15} {:<8} Your trace", "trace", "--trace")?;
    for (what, names) in [("maps", figures::maps()), ("cells", figures::cells())] {
        writeln!(out, "{what}:")?;
        for name in names {
            writeln!(out, "  {:<15} {}", name.name, name.about)?;
        }
    }
    Ok(())
}
