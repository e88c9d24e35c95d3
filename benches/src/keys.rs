//! The user's own keys, or real ones.

use alloc::sync::Arc;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::space::Space;

/// Keys that are text.
#[derive(Clone, Debug)]
pub(crate) struct Texts {
    names: Arc<[Box<str>]>,
    pub(crate) origin: String,
}

/// Why a file gives no keys, or no operations.
#[derive(Debug, Error)]
pub(crate) enum FileError {
    #[error("cannot read the {what} '{}': {source}; {advice}", path.display())]
    Unreadable {
        what: &'static str,
        advice: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("the {what} '{}' is not UTF-8 in line {line}; {advice}", path.display())]
    NotText {
        what: &'static str,
        advice: &'static str,
        path: PathBuf,
        line: usize,
    },
    #[error("the {what} '{}' is empty or has empty lines only; {advice}", path.display())]
    Empty {
        what: &'static str,
        advice: &'static str,
        path: PathBuf,
    },
    #[error("the {what} '{}' has more than {MOST} keys; {advice}", path.display())]
    TooMany {
        what: &'static str,
        advice: &'static str,
        path: PathBuf,
    },
    #[error("the trace '{}' has {text:?} in line {line}; a line is 'get KEY', 'insert KEY' or 'remove KEY', and a key has no spaces", path.display())]
    NoOperation {
        path: PathBuf,
        line: usize,
        text: String,
    },
}

/// More keys than this are refused: a dozen maps would hold them, some twice.
pub(crate) const MOST: usize = 20_000_000;

const KEYS: &str = "key file";
const KEYS_ADVICE: &str = "give --keys a text file with one key a line";

/// Reads a text file.
pub(crate) fn read_text(
    path: &Path,
    what: &'static str,
    advice: &'static str,
) -> Result<String, FileError> {
    let bytes = fs::read(path).map_err(|source| FileError::Unreadable {
        what,
        advice,
        path: path.to_owned(),
        source,
    })?;
    String::from_utf8(bytes).map_err(|error| FileError::NotText {
        what,
        advice,
        path: path.to_owned(),
        line: 1 + newlines(&error.as_bytes()[..error.utf8_error().valid_up_to()]),
    })
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

impl Texts {
    /// The names of all Unicode characters.
    pub(crate) fn unicode() -> Self {
        let names = (char::MIN..=char::MAX)
            .filter_map(unicode_names2::name)
            .map(|name| name.to_string().into_boxed_str())
            .collect();
        Self {
            names,
            origin: "names of Unicode characters".to_owned(),
        }
    }

    /// The lines of a file, without empty ones and without repetitions.
    pub(crate) fn from_file(path: &Path) -> Result<Self, FileError> {
        let text = read_text(path, KEYS, KEYS_ADVICE)?;
        let (what, advice, path) = (KEYS, KEYS_ADVICE, path.to_owned());
        let origin = format!("lines of '{}'", path.display());
        let texts = Self::from_lines(&text, origin);
        match texts.names.len() {
            0 => Err(FileError::Empty { what, advice, path }),
            len if len > MOST => Err(FileError::TooMany { what, advice, path }),
            _ => Ok(texts),
        }
    }

    fn from_lines(text: &str, origin: String) -> Self {
        let mut seen = HashSet::new();
        let names = text
            .lines()
            .filter(|line| !line.is_empty() && seen.insert(*line))
            .map(Box::from)
            .collect();
        Self { names, origin }
    }

    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.names.len()).expect("checked when the keys were made")
    }

    pub(crate) fn space(&self) -> Space<Box<str>> {
        let names = Arc::clone(&self.names);
        Space::new(self.len(), move |place| names[place as usize].clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_keys_without_empty_ones_and_repetitions() {
        let keys = Texts::from_lines("a\r\n\nb\na\nc d\n", "a test".to_owned());
        let names: Vec<_> = keys.names.iter().map(|name| &**name).collect();
        assert_eq!(names, ["a", "b", "c d"]);
        assert_eq!(&*keys.space().key(2), "c d");
    }

    #[test]
    fn unicode_has_many_distinct_names() {
        let keys = Texts::unicode();
        let distinct: HashSet<_> = keys.names.iter().collect();
        assert_eq!(distinct.len(), keys.names.len());
        assert!(keys.len() > 100_000);
    }
}
