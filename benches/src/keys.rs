use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The keys that every contender is filled with and asked for.
#[derive(Clone, Debug)]
pub struct Keys {
    names: Vec<Box<str>>,
    origin: String,
}

/// What a map holds for a key: enough to tell that a read got the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Value {
    /// The place of the key in [`Keys`]; never changes.
    pub key: u32,
    /// The publish that wrote it; 0 as it was built.
    pub generation: u32,
}

/// Why there are no keys.
#[derive(Debug, Error)]
pub enum KeysError {
    /// The file cannot be read.
    #[error("cannot read the key file '{}': {source}; give --keys a text file with one key a line", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not text.
    #[error("the key file '{}' is not UTF-8 in line {line}; give --keys a text file with one key a line", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// There is no key.
    #[error(
        "no keys in {origin}: it is empty or has empty lines only; give --keys a text file with one key a line"
    )]
    Empty {
        /// Where the text is from.
        origin: String,
    },
    /// More keys than a place can number.
    #[error("too many keys in {origin}: at most {} fit", u32::MAX)]
    TooMany {
        /// Where the text is from.
        origin: String,
    },
}

impl Keys {
    /// The names of all Unicode characters.
    pub fn unicode() -> Self {
        let names = (char::MIN..=char::MAX)
            .filter_map(unicode_names2::name)
            .map(|name| name.to_string().into_boxed_str())
            .collect();
        Self {
            names,
            origin: "names of Unicode characters (crate unicode_names2)".to_owned(),
        }
    }

    /// The lines of a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is not UTF-8, or has no key.
    pub fn from_file(path: &Path) -> Result<Self, KeysError> {
        let bytes = fs::read(path).map_err(|source| KeysError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let text = str::from_utf8(&bytes).map_err(|error| KeysError::NotText {
            path: path.to_owned(),
            line: 1 + newlines(&bytes[..error.valid_up_to()]),
        })?;
        Self::from_text(text, &format!("'{}'", path.display()))
    }

    /// The lines of a text, without empty ones and without repetitions.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn from_text(text: &str, origin: &str) -> Result<Self, KeysError> {
        let origin = origin.to_owned();
        let mut seen = HashSet::new();
        let names: Vec<Box<str>> = text
            .lines()
            .filter(|line| !line.is_empty() && seen.insert(*line))
            .map(Box::from)
            .collect();
        if names.is_empty() {
            Err(KeysError::Empty { origin })
        } else if u32::try_from(names.len()).is_err() {
            Err(KeysError::TooMany { origin })
        } else {
            Ok(Self { names, origin })
        }
    }

    /// How many there are; at least one.
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Where they are from.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The key at a place.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[inline]
    pub fn name(&self, place: u32) -> &str {
        &self.names[place as usize]
    }

    /// What a contender is filled with.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (String, Value)> {
        self.names.iter().enumerate().map(|(place, name)| {
            let key = u32::try_from(place).expect("checked when the keys were made");
            (String::from(&**name), Value { key, generation: 0 })
        })
    }
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_keys_without_empty_ones_and_repetitions() {
        let keys = Keys::from_text("a\r\n\nb\na\nc d\n", "a test").unwrap();
        let entries: Vec<_> = keys
            .entries()
            .map(|(name, value)| (name, value.key))
            .collect();
        let expected = [("a", 0), ("b", 1), ("c d", 2)].map(|(name, key)| (name.to_owned(), key));
        assert_eq!(entries, expected);
        assert_eq!(keys.name(2), "c d");
    }

    #[test]
    fn a_text_without_keys_is_refused() {
        for text in ["", "\n\r\n\n"] {
            let refused = Keys::from_text(text, "a test").unwrap_err();
            assert!(matches!(refused, KeysError::Empty { .. }));
        }
    }

    #[test]
    fn unicode_has_many_distinct_names() {
        let keys = Keys::unicode();
        let distinct: HashSet<_> = keys.entries().map(|(name, _)| name).collect();
        assert_eq!(distinct.len(), keys.len());
        assert!(keys.len() > 100_000);
        assert!(distinct.contains("LATIN SMALL LETTER A"));
    }
}
