//! A figure: a question, and the cases that answer it.

use alloc::rc::Rc;

use super::case::Case;
use crate::metric::Metric;
use crate::workload::input::{Texts, Trace};

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    Quick,
    Standard,
    Full,
}

/// What the loads depend on.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) mode: Mode,
    /// How many threads read, in ascending order; not empty.
    pub(crate) thread_counts: Vec<usize>,
    /// Whether `--threads` asked for these numbers.
    pub(crate) threads_asked: bool,
    pub(crate) texts: Texts,
    pub(crate) trace: Option<Rc<Trace>>,
}

impl Settings {
    /// The threads of a mix: the greatest of the numbers.
    pub(super) fn mixers(&self) -> usize {
        self.thread_counts.iter().copied().max().unwrap_or(1)
    }

    /// The numbers of threads that were asked for, or these.
    pub(super) fn threads_or(&self, default: &[usize]) -> Vec<usize> {
        match self.threads_asked {
            true => self.thread_counts.clone(),
            false => default.to_vec(),
        }
    }

    /// The readers beside one writer.
    pub(super) fn readers(&self) -> usize {
        self.mixers().saturating_sub(1).max(1)
    }
}

#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// What the numbers are, and where the load comes from.
    pub(crate) definition: String,
    /// The name of the axis over which each contender has a line; without one, it has a bar.
    pub(crate) axis: &'static str,
    /// The numbers that are drawn and judged. All are written to the CSV file.
    pub(crate) metrics: &'static [Metric],
    pub(crate) cases: Vec<Case>,
    /// The least mode that has it.
    pub(crate) since: Mode,
    /// How many times as long as others its measurements take.
    pub(crate) weight: u32,
}

impl Figure {
    pub(crate) const DEFAULT: Self = Self {
        id: "",
        title: "",
        definition: String::new(),
        axis: "",
        metrics: &[Metric::Ops],
        cases: Vec::new(),
        since: Mode::Quick,
        weight: 1,
    };

    pub(crate) fn has_bars(&self) -> bool {
        self.axis.is_empty()
    }
}

/// Entries of the maps whose size is not the question.
pub(super) const ENTRIES: u32 = 100_000;
/// The same in words.
pub(super) const MANY: &str = "100,000";

/// A number of threads, in words.
pub(crate) fn some_threads(count: usize) -> String {
    match count {
        1 => "1 thread".to_owned(),
        _ => format!("{count} threads"),
    }
}

/// What a number of threads do, in words.
pub(super) fn threads_that(count: usize, verb: &str) -> String {
    match count {
        1 => format!("one thread {verb}s"),
        _ => format!("{count} threads {verb}"),
    }
}
