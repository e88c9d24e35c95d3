//! Keys and operations from the user's files.

use alloc::sync::Arc;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use anyhow::{anyhow, bail};

use crate::workload::keys::Keyspace;
use crate::workload::ops::{Kind, Workload};

/// Files with more keys are refused: every map would hold them, some twice.
const MOST_KEYS: usize = 20_000_000;

const KEYS: [&str; 2] = ["key file", "give --keys a text file with one key a line"];
const TRACE: [&str; 2] = [
    "trace",
    "give --trace a text file with lines 'get KEY', 'insert KEY' or 'remove KEY'; a key has no spaces",
];

/// Reads a file of some kind. `parse` returns its content and the number of its keys, or what is
/// wrong with it.
fn read<R>(
    [kind, advice]: [&str; 2],
    path: &Path,
    parse: impl FnOnce(&str) -> Result<(R, usize), String>,
) -> anyhow::Result<R> {
    let name = path.display();
    let cannot = |error| anyhow!("cannot read the {kind} '{name}': {error}; {advice}");
    let bytes = fs::read(path).map_err(cannot)?;
    let parsed = match str::from_utf8(&bytes) {
        Ok(text) => parse(text),
        Err(error) => {
            let lines = bytes[..error.valid_up_to()].split(|&byte| byte == b'\n');
            Err(format!("is not UTF-8 in line {}", lines.count()))
        }
    };
    let problem = match parsed {
        Ok((content, 1..=MOST_KEYS)) => return Ok(content),
        Ok((_, 0)) => "is empty or has empty lines only".to_owned(),
        Ok(_) => format!("has more than {MOST_KEYS} keys"),
        Err(problem) => problem,
    };
    bail!("the {kind} '{name}' {problem}; {advice}")
}

#[derive(Clone, Debug)]
pub struct Texts {
    names: Arc<[Box<str>]>,
    pub origin: String,
}

impl Texts {
    pub fn unicode() -> Self {
        let names = (char::MIN..=char::MAX).filter_map(unicode_names2::name);
        Self {
            names: names.map(|name| name.to_string().into()).collect(),
            origin: "names of Unicode characters".to_owned(),
        }
    }

    /// The lines of a file, without empty ones and without repetitions.
    pub fn from_file(path: &Path) -> anyhow::Result<Self> {
        read(KEYS, path, |text| {
            let mut seen = HashSet::new();
            let lines = text.lines();
            let names = lines.filter(|line| !line.is_empty() && seen.insert(*line));
            let names: Arc<[Box<str>]> = names.map(Box::from).collect();
            let (count, origin) = (names.len(), format!("lines of '{}'", path.display()));
            Ok((Self { names, origin }, count))
        })
    }

    pub fn count(&self) -> u32 {
        u32::try_from(self.names.len()).expect("at most `MOST_KEYS`")
    }

    pub fn keyspace(&self) -> Keyspace<Box<str>> {
        let names = Arc::clone(&self.names);
        Keyspace::new(self.count(), move |index| names[index as usize].clone())
    }
}

#[derive(Clone, Debug)]
pub struct Trace {
    ops: Vec<(Kind, u32)>,
    keys: Texts,
}

impl Trace {
    /// Reads `get KEY`, `insert KEY` and `remove KEY`, one a line, and skips empty lines. A line
    /// with more than one word for its key was meant for another program, and is refused.
    pub fn from_file(path: &Path) -> anyhow::Result<Self> {
        read(TRACE, path, |text| {
            let (mut ops, mut names) = (Vec::new(), Vec::<Box<str>>::new());
            let mut known = HashMap::new();
            for (nth, line) in text.lines().enumerate() {
                let line = line.trim_end();
                if line.is_empty() {
                    continue;
                }
                let (kind, key) = operation(line).ok_or_else(|| {
                    let start: String = line.chars().take(60).collect();
                    format!("has {start:?} in line {}", nth + 1)
                })?;
                let index = *known.entry(key).or_insert_with(|| {
                    names.push(key.into());
                    names.len() - 1
                });
                ops.push((kind, u32::try_from(index).unwrap_or(u32::MAX)));
            }
            let (count, names) = (names.len(), names.into());
            let origin = format!("{} operations of '{}'", ops.len(), path.display());
            let keys = Texts { names, origin };
            Ok((Self { ops, keys }, count))
        })
    }

    pub fn origin(&self) -> &str {
        &self.keys.origin
    }

    /// Its keys. The map is filled with all of them.
    pub fn keyspace(&self) -> Keyspace<Box<str>> {
        self.keys.keyspace()
    }

    /// The operations of one of several threads: all of them, from another start for each.
    pub fn workload(&self, thread: usize, threads: usize) -> Workload<Box<str>> {
        let start = self.ops.len() * thread / threads.max(1) % self.ops.len();
        let (before, after) = self.ops.split_at(start);
        Workload::new(after.iter().chain(before).copied(), &self.keyspace())
    }

    /// The share of its operations that change something.
    pub fn write_share(&self) -> f64 {
        let writes = self.ops.iter().filter(|(kind, _)| *kind != Kind::Get);
        writes.count() as f64 / self.ops.len() as f64
    }
}

fn operation(line: &str) -> Option<(Kind, &str)> {
    let (verb, key) = line.split_once(' ')?;
    let kind = match verb {
        "get" => Kind::Get,
        "insert" => Kind::Put,
        "remove" => Kind::Remove,
        _ => return None,
    };
    let is_word = !key.is_empty() && !key.contains(char::is_whitespace);
    is_word.then_some((kind, key))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn lines_are_keys_without_empty_ones_and_repetitions() {
        let keys = Texts::from_file(file("a\r\n\nb\na\nc d\n").path()).unwrap();
        let names: Vec<_> = keys.names.iter().map(|name| &**name).collect();
        assert_eq!(names, ["a", "b", "c d"]);
        assert_eq!(&*keys.keyspace().key(2), "c d");
    }

    #[test]
    fn operations_are_read_in_order() {
        let trace = Trace::from_file(file("get a\n\ninsert b\r\nremove a \n").path()).unwrap();
        let ops = [(Kind::Get, 0), (Kind::Put, 1), (Kind::Remove, 0)];
        assert_eq!(trace.ops, ops);
        assert_eq!(&*trace.keyspace().key(1), "b");
        assert!((trace.write_share() - 2.0 / 3.0).abs() < 1e-9);
        let second = trace.workload(1, 2);
        assert_eq!(second.ops[0].kind, Kind::Put);
    }
}
