use core::fmt;
use core::time::Duration;
use std::path::Path;

use crate::{Error, FileError};

/// What to do with an entry whose key or value does not decode. It is reported in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Undecodable {
    /// The key is not in the map until its value decodes again.
    #[default]
    Skip,
    /// The key keeps the value that it had, if any.
    KeepOld,
    /// The driver ends. The last state stays.
    Stop,
}

/// What a follower reports, and goes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem<'p, K> {
    /// An entry did not decode.
    Entry {
        /// The key, if it is the value that did not decode.
        key: Option<&'p K>,
        /// What the function said.
        error: &'p Error,
    },
    /// The engine is lost, or was never found.
    Cut {
        /// What the source said.
        error: &'p Error,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// The file was not read or not written.
    File {
        /// Which file.
        path: &'p Path,
        /// Why.
        error: &'p FileError,
    },
}

impl<K> fmt::Display for Problem<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry { key: None, error } => write!(f, "a key does not decode: {error}"),
            Self::Entry { error, .. } => write!(f, "a value does not decode: {error}"),
            Self::Cut { error, retry_in } => {
                write!(f, "cut off: {error}; next try in {retry_in:.1?}")
            }
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

/// Why a driver has ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stopped {
    /// The first state could not be loaded ([`Builder::fail_fast`](crate::Builder::fail_fast)).
    Unreachable(Error),
    /// An entry did not decode, and [`Undecodable::Stop`] was the policy.
    Undecodable(Error),
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(error) => error.fmt(f),
            Self::Undecodable(error) => write!(f, "an entry does not decode: {error}"),
        }
    }
}

impl core::error::Error for Stopped {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unreachable(error) | Self::Undecodable(error) => Some(&**error),
        }
    }
}
