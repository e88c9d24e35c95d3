//! Says how far it is: a bar on a terminal, lines otherwise.

use core::time::Duration;
use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

use crate::metric::time;

/// Where the progress goes: to standard error.
#[derive(Debug)]
pub(crate) enum Progress {
    Bar(ProgressBar),
    Lines,
    #[cfg(test)]
    Silent,
}

impl Progress {
    /// For something that takes so long.
    pub(crate) fn new(all: Duration) -> Self {
        if !io::stderr().is_terminal() {
            return Self::Lines;
        }
        let bar = ProgressBar::new(millis(all));
        let style = ProgressStyle::with_template("{bar:30} {msg}").map(|s| s.progress_chars("━╸ "));
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self::Bar(bar)
    }

    #[cfg(test)]
    pub(crate) fn silent() -> Self {
        Self::Silent
    }

    /// What comes next.
    pub(crate) fn say(&self, what: &str, part: &str, left: Duration) {
        match self {
            Self::Bar(bar) => bar.set_prefix(format!("{what} {part}")),
            Self::Lines => eprintln!("{what} {part}, {} left", time(left)),
            #[cfg(test)]
            Self::Silent => {}
        }
        self.left(left);
    }

    /// How long it still takes.
    pub(crate) fn left(&self, left: Duration) {
        if let Self::Bar(bar) = self {
            let all = bar.length().unwrap_or(0);
            bar.set_position(all.saturating_sub(millis(left)));
            bar.set_message(format!("{} left · {}", time(left), bar.prefix()));
        }
    }

    /// Makes room for the report.
    pub(crate) fn clear(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
