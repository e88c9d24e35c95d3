//! Which figures, contenders and numbers of threads are measured.

use core::fmt::Write;
use core::iter;
use core::time::Duration;

use crate::contender::Contender;
use crate::figures;
use crate::figures::case::{cells, maps};
use crate::figures::figure::{Figure, Mode, Settings};
use crate::interrupt::Failure;
use crate::machine::Machine;

/// Parses a number of seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.parse().ok();
    let seconds = number.filter(|number| (0.01..=86_400.0).contains(number));
    let refuse = || "not a number of seconds from 0.01 to 86400".to_owned();
    seconds.map(Duration::from_secs_f64).ok_or_else(refuse)
}

/// The numbers of threads that read, in ascending order; by default 1, 2, 4 and so on.
pub(crate) fn thread_counts(asked: &[u16]) -> Vec<usize> {
    let mut counts: Vec<usize> = asked.iter().copied().map(usize::from).collect();
    if counts.is_empty() {
        let powers = iter::successors(Some(1), |count| Some(count * 2));
        counts = powers
            .take_while(|&count| count <= Machine::cores())
            .collect();
    }
    counts.sort_unstable();
    counts.dedup();
    counts
}

/// The figures of a mode, or those asked for; and the contenders asked for.
pub(crate) fn select(
    settings: &Settings,
    only: &[String],
) -> Result<(Vec<Figure>, Vec<String>), Failure> {
    let mut figures = figures::all(settings);
    let is_figure = |name: &str| figures.iter().any(|figure| figure.id == name);
    let contenders: Vec<Contender> = maps().into_iter().chain(cells()).collect();
    for name in only {
        if name == "trace" && !is_figure(name) {
            let line = "the figure 'trace' needs a file: give it with --trace".to_owned();
            return Err(Failure::Usage(line));
        }
        if !is_figure(name) && !contenders.iter().any(|it| it.name == name) {
            let ids: Vec<_> = figures.iter().map(|figure| figure.id).collect();
            let mut names: Vec<_> = contenders.iter().map(|it| it.name).collect();
            names.sort_unstable();
            names.dedup();
            return Err(Failure::Usage(format!(
                "--only has '{name}', which is neither a figure ({}) nor a contender ({}); see --list",
                ids.join(", "),
                names.join(", ")
            )));
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
pub(crate) fn list(settings: &Settings) -> String {
    let mut text = String::from("figures:\n");
    let mut line = |name, about| {
        // A `String` takes everything.
        let _ = writeln!(text, "  {name:<17} {about}");
    };
    for figure in figures::all(settings) {
        let since = match figure.since {
            Mode::Quick => "--quick",
            Mode::Standard => "default",
            Mode::Full => "--full",
        };
        line(figure.id, format!("{since:<8} {}", figure.title));
    }
    if settings.trace.is_none() {
        line("trace", "--trace  Your trace".to_owned());
    }
    for (what, names) in [("maps", maps()), ("cells", cells())] {
        let _ = writeln!(text, "{what}:");
        for name in names {
            let _ = writeln!(text, "  {:<17} {}", name.name, name.about);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_sorted_and_distinct_and_fit_the_machine_by_default() {
        assert_eq!(thread_counts(&[4, 1, 4]), [1, 4]);
        let default = thread_counts(&[]);
        assert_eq!(default[0], 1);
        assert!(default.iter().all(|&threads| threads <= Machine::cores()));
    }
}
