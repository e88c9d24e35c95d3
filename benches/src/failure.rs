//! Why the program ends early.

use core::time::Duration;
use std::io;

#[derive(Debug)]
pub(crate) enum Failure {
    /// One line that says what is wrong with the command line or with a file.
    Usage(String),
    /// The results could not be written.
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Parses a number of seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (0.01..=86_400.0).contains(number));
    let seconds = number.map(Duration::from_secs_f64);
    seconds.ok_or_else(|| "not a number of seconds from 0.01 to 86400".to_owned())
}
