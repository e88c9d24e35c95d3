use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;
use std::path::Path;

use crate::file::FileError;
use crate::source::Error;

pub(crate) type Hook<K> = Box<dyn FnMut(Problem<'_, K>) + Send>;

/// What happens to an entry whose key or value does not decode. It is always reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Undecodable {
    /// The key is removed from the map until its value decodes again.
    #[default]
    Skip,
    /// The key keeps its old value, if any.
    KeepOld,
    /// The driver ends, and the map keeps its last state.
    Stop,
}

/// A problem that a follower reports, after which it continues.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem<'p, K> {
    /// An entry did not decode.
    Entry {
        /// The key, if the value did not decode.
        key: Option<&'p K>,
        /// The error of the decoding function.
        error: &'p Error,
    },
    /// The connection to the engine is lost, or was not made.
    Cut {
        /// The error of the source.
        error: &'p Error,
        /// The delay until the next attempt.
        retry_in: Duration,
    },
    /// The file could not be read or written.
    File {
        /// The path of the file.
        path: &'p Path,
        /// The error.
        error: &'p FileError,
    },
}

impl<K> fmt::Display for Problem<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry { key: None, error } => write!(f, "a key does not decode: {error}"),
            Self::Entry { error, .. } => write!(f, "a value does not decode: {error}"),
            Self::Cut { error, retry_in } => {
                write!(f, "cut off: {error}; next attempt in {retry_in:.1?}")
            }
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

/// Why a driver ended.
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
