//! Shows the time that is left: one line on a terminal, or a line for each part.

use core::time::Duration;
use std::io::{self, IsTerminal, Write};

use crate::metric::time;

/// Writes to standard error.
#[derive(Debug)]
pub(crate) struct Progress {
    all: Duration,
    is_terminal: bool,
    part: String,
    shown: String,
}

impl Progress {
    pub(crate) fn new(all: Duration) -> Self {
        Self {
            all,
            is_terminal: io::stderr().is_terminal(),
            part: String::new(),
            shown: String::new(),
        }
    }

    /// Begins a part.
    pub(crate) fn begin(&mut self, part: String, left: Duration) {
        if !self.is_terminal {
            eprintln!("{part}, {} left", time(left));
        }
        self.part = part;
        self.update(left);
    }

    /// Shows how much time is left, if that has changed.
    pub(crate) fn update(&mut self, left: Duration) {
        const WIDTH: usize = 30;
        if !self.is_terminal {
            return;
        }
        let share = 1.0 - left.as_secs_f64() / self.all.as_secs_f64().max(1e-9);
        let done = (share.clamp(0.0, 1.0) * WIDTH as f64) as usize;
        let (bar, part) = ("━".repeat(done), &self.part);
        let line = format!("{bar:WIDTH$} {} left · {part}", time(left));
        if line != self.shown {
            eprint!("\r\x1b[K{line}");
            self.shown = line;
        }
    }

    /// Removes the line.
    pub(crate) fn clear(&self) {
        if self.is_terminal {
            eprint!("\r\x1b[K");
            // Nothing depends on it.
            let _ = io::stderr().flush();
        }
    }
}
