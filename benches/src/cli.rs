use core::time::Duration;
use std::path::PathBuf;

use clap::Parser;
use clap::builder::{PossibleValue, PossibleValuesParser};

use crate::contenders::ALL;
use crate::{Entry, Keys, KeysError, Machine};

/// Compares the strategies of dbuf on a hash map, beside a parking_lot::RwLock
#[derive(Clone, Debug, Parser)]
#[command(name = "dbuf-bench", version)]
pub struct Cli {
    /// Take the keys from a file, one a line, instead of the names of all
    /// Unicode characters
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// Measure these only, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = names())]
    strategies: Vec<String>,

    /// Let so many threads read, for each of these numbers, separated by
    /// commas [default: 1, 2, 4 and so on, up to the number of cores]
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        value_parser = clap::value_parser!(u16).range(1..=256)
    )]
    threads: Vec<u16>,

    /// Take less than 15 s instead of 2 min
    #[arg(long, conflicts_with = "seconds")]
    quick: bool,

    /// Take about so many seconds, once the keys are loaded
    #[arg(long, value_name = "N", value_parser = seconds)]
    seconds: Option<Duration>,
}

/// How long the program may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Time {
    /// In all, from its start.
    InAll(Duration),
    /// Without loading the keys.
    Measuring(Duration),
}

fn names() -> PossibleValuesParser {
    ALL.iter()
        .map(|entry| PossibleValue::new(entry.name).help(entry.about))
        .collect::<Vec<_>>()
        .into()
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .filter(|seconds| (0.01..=86_400.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "not a number of seconds from 0.01 to 86400".to_owned())
}

impl Cli {
    /// The keys.
    ///
    /// # Errors
    ///
    /// If there is a file of keys and none can be had from it.
    pub fn keys(&self) -> Result<Keys, KeysError> {
        match &self.keys {
            Some(file) => Keys::from_file(file),
            None => Ok(Keys::unicode()),
        }
    }

    /// What to measure: what was chosen, and what everything is measured against.
    pub fn entries(&self) -> Vec<Entry> {
        let chosen = |entry: &&Entry| {
            self.strategies.is_empty()
                || entry.is_baseline
                || self.strategies.iter().any(|name| name == entry.name)
        };
        ALL.iter().filter(chosen).copied().collect()
    }

    /// How many threads shall read, each number once.
    pub fn threads(&self) -> Vec<usize> {
        let mut threads: Vec<usize> = if self.threads.is_empty() {
            let double = |&threads: &usize| threads.checked_mul(2);
            core::iter::successors(Some(1), double)
                .take_while(|&threads| threads <= Machine::cores())
                .collect()
        } else {
            self.threads.iter().copied().map(usize::from).collect()
        };
        threads.sort_unstable();
        threads.dedup();
        threads
    }

    /// How long to take. Some of the 15 s and the 2 min is left for a machine that has
    /// other work.
    pub fn time(&self) -> Time {
        match (self.seconds, self.quick) {
            (Some(time), _) => Time::Measuring(time),
            (None, true) => Time::InAll(Duration::from_secs(13)),
            (None, false) => Time::InAll(Duration::from_secs(100)),
        }
    }
}

/// What clap says about wrong arguments, in one line: its first paragraph.
pub fn one_line(error: &clap::Error) -> String {
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

    fn names_of(args: &[&str]) -> Vec<&'static str> {
        let entries = parse(args).unwrap().entries();
        entries.iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn the_baseline_is_measured_beside_whatever_is_chosen() {
        assert_eq!(
            names_of(&["--strategies", "lock,epoch"]),
            ["epoch", "lock", "rwlock"]
        );
        assert_eq!(names_of(&["--strategies", "rwlock"]), ["rwlock"]);
        assert_eq!(names_of(&[]).len(), ALL.len());
    }

    #[test]
    fn threads_are_sorted_and_distinct_and_fit_the_machine_by_default() {
        assert_eq!(parse(&["--threads", "4,1,4"]).unwrap().threads(), [1, 4]);
        let default = parse(&[]).unwrap().threads();
        assert_eq!(default[0], 1);
        assert!(default.iter().all(|&threads| threads <= Machine::cores()));
    }

    #[test]
    fn times() {
        let time = |args: &[&str]| parse(args).unwrap().time();
        let half = Duration::from_millis(500);
        assert_eq!(time(&["--seconds", "0.5"]), Time::Measuring(half));
        let limit = |time, seconds| matches!(time, Time::InAll(time) if time < Duration::from_secs(seconds));
        assert!(limit(time(&["--quick"]), 15));
        assert!(limit(time(&[]), 120));
    }

    #[test]
    fn mistakes_are_one_line_that_says_what_is_right() {
        let mistakes: [(&[&str], &str); 7] = [
            (
                &["--strategies", "epoch,fast"],
                "possible values: epoch, flash",
            ),
            (&["--strategies", ""], "possible values: epoch, flash"),
            (&["--threads", "1,0"], "0 is not in 1..=256"),
            (&["--threads", "two"], "invalid digit"),
            (&["--seconds", "NaN"], "not a number of seconds from 0.01"),
            (&["--quick", "--seconds", "1"], "cannot be used with"),
            (&["--fast"], "unexpected argument '--fast'"),
        ];
        for (args, expected) in mistakes {
            let line = parse(args).unwrap_err();
            assert!(line.contains(expected), "{args:?}: {line}");
            assert_eq!(line.lines().count(), 1, "{line}");
        }
    }
}
