//! The program as it is run: what it refuses, what it prints, what it writes.
#![allow(clippy::std_instead_of_alloc, reason = "tests always have std")]

mod advice;
mod measuring;
mod refusals;
mod report;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dbuf-bench"));
    command.args(args);
    command
}

fn run(args: &[&str]) -> Output {
    program(args).output().unwrap()
}

/// A short run that writes into a folder.
fn measure(folder: &TempDir, args: &[&str]) -> Output {
    let out = path(folder, "out");
    let common = ["--seconds", "0.3", "--threads", "1,2", "--out", &out];
    let output = run(&[&common, args].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    output
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn path(folder: &TempDir, name: &str) -> String {
    name_of(&folder.path().join(name))
}

fn name_of(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn file(folder: &TempDir, name: &str, content: &[u8]) -> String {
    fs::write(folder.path().join(name), content).unwrap();
    path(folder, name)
}

fn written(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join("out").join(name)).unwrap()
}

/// Exit code 2, one line on stderr with all of `parts`, nothing on stdout.
fn refuses(args: &[&str], parts: &[&str]) {
    let output = run(args);
    let line = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {line}");
    assert_eq!(text(&output.stdout), "", "{args:?}");
    assert!(line.starts_with("error: "), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    for part in parts {
        assert!(line.contains(part), "{part:?} is not in {line}");
    }
}

/// The files of the report, hidden ones included.
fn names(folder: &TempDir) -> Vec<String> {
    let files = fs::read_dir(folder.path().join("out")).unwrap();
    let mut names: Vec<_> = files
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
