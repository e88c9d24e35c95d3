//! The user's own operations.

use core::num::NonZero;
use std::collections::HashMap;
use std::path::Path;

use crate::keys::{FileError, MOST, read_text};
use crate::script::{Kind, Script};
use crate::space::Space;

/// Operations in the order of a file.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    ops: Vec<(Kind, u32)>,
    names: Vec<Box<str>>,
    pub(crate) origin: String,
}

const TRACE: &str = "trace";
const ADVICE: &str = "give --trace a text file with lines 'get KEY', 'insert KEY' or 'remove KEY'";

impl Trace {
    /// Reads `get KEY`, `insert KEY` and `remove KEY`, one a line; empty lines are
    /// nothing. A key is one word: a line with more was meant for another program.
    pub(crate) fn from_file(path: &Path) -> Result<Self, FileError> {
        let text = read_text(path, TRACE, ADVICE)?;
        Self::from_lines(&text, path)
    }

    fn from_lines(text: &str, path: &Path) -> Result<Self, FileError> {
        let (mut ops, mut names, mut places) = (Vec::new(), Vec::new(), HashMap::new());
        for (nth, line) in text.lines().enumerate() {
            let line = line.trim_end();
            if line.is_empty() {
                continue;
            }
            let (kind, key) = operation(line).ok_or_else(|| FileError::NoOperation {
                path: path.to_owned(),
                line: nth + 1,
                text: line.chars().take(60).collect(),
            })?;
            let place = *places.entry(key).or_insert_with(|| {
                names.push(Box::from(key));
                names.len() - 1
            });
            ops.push((kind, u32::try_from(place).unwrap_or(u32::MAX)));
        }
        let (what, advice, path) = (TRACE, ADVICE, path.to_owned());
        if ops.is_empty() {
            return Err(FileError::Empty { what, advice, path });
        }
        if names.len() > MOST {
            return Err(FileError::TooMany { what, advice, path });
        }
        let origin = format!("{} operations of '{}'", ops.len(), path.display());
        Ok(Self { ops, names, origin })
    }

    /// Its keys. The map is filled with all of them: a key that is asked for
    /// before it was inserted has been there.
    pub(crate) fn space(&self) -> Space<Box<str>> {
        let names = self.names.clone();
        let len = u32::try_from(names.len()).expect("checked when it was read");
        Space::new(len, move |place| names[place as usize].clone())
    }

    /// What one of so many threads does: all of it, each from another place on.
    pub(crate) fn script(&self, thread: usize, threads: NonZero<usize>) -> Script<Box<str>> {
        let from = self.ops.len() * thread / threads % self.ops.len();
        let (before, after) = self.ops.split_at(from);
        Script::new(after.iter().chain(before).copied(), &self.space())
    }

    /// The share of its operations that change something.
    pub(crate) fn write_share(&self) -> f64 {
        let writes = self.ops.iter().filter(|(kind, _)| *kind != Kind::Look);
        writes.count() as f64 / self.ops.len() as f64
    }
}

fn operation(line: &str) -> Option<(Kind, &str)> {
    let (verb, key) = line.split_once(' ')?;
    let kind = match verb {
        "get" => Kind::Look,
        "insert" => Kind::Put,
        "remove" => Kind::Remove,
        _ => return None,
    };
    let is_word = !key.is_empty() && !key.contains(char::is_whitespace);
    is_word.then_some((kind, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Trace, FileError> {
        Trace::from_lines(text, Path::new("t"))
    }

    #[test]
    fn operations_are_read_in_order() {
        let trace = parse("get a\n\ninsert b\r\nremove a \n").unwrap();
        let ops = [(Kind::Look, 0), (Kind::Put, 1), (Kind::Remove, 0)];
        assert_eq!(trace.ops, ops);
        assert_eq!(&*trace.space().key(1), "b");
        assert!((trace.write_share() - 2.0 / 3.0).abs() < 1e-9);
        let second = trace.script(1, NonZero::new(2).unwrap());
        assert_eq!(second.ops[0].kind, Kind::Put);
    }

    #[test]
    fn a_malformed_line_is_named() {
        for line in [
            "got a",
            "get",
            "get ",
            "insert",
            "GET a",
            "insert x 5",
            "get  a",
        ] {
            let error = parse(&format!("get a\n\n{line}\n"))
                .unwrap_err()
                .to_string();
            assert!(error.contains("in line 3"), "{error}");
            assert!(error.contains("'get KEY'"), "{error}");
        }
        assert!(matches!(parse("\n\n"), Err(FileError::Empty { .. })));
    }
}
