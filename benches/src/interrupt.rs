//! Why the program ends early: Ctrl-C, which ends the measuring and not the report, or a failure.

use core::sync::atomic::{AtomicBool, Ordering};
use std::{io, process};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// The exit code that shells have for a program that an interrupt ended.
pub const EXIT: u8 = 130;

/// From now on an interrupt is noted. A second one ends the program.
pub fn listen() {
    let noted = ctrlc::set_handler(|| {
        // Relaxed: no other memory depends on the flag.
        if REQUESTED.swap(true, Ordering::Relaxed) {
            process::exit(EXIT.into());
        }
    });
    if let Err(error) = noted {
        eprintln!("note: an interrupt will leave no report: {error}");
    }
}

pub fn is_requested() -> bool {
    // Relaxed: no other memory depends on the flag.
    REQUESTED.load(Ordering::Relaxed)
}

#[derive(Debug)]
pub enum Failure {
    /// One line that says what is wrong with the command line or with a file.
    Usage(String),
    /// The results could not be written.
    Output(io::Error),
}

impl From<&str> for Failure {
    fn from(line: &str) -> Self {
        Self::Usage(line.to_owned())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}
