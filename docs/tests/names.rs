//! Every test and every file that `verification.md` and `design.md` name in a table is there.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(under: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The tests of one file: functions with the attribute, and what our macros make tests of.
fn tests(text: &str) -> impl Iterator<Item = &str> {
    let mut marked = false;
    let (mut in_pinned, mut in_suite, mut in_list) = (false, false, false);
    text.lines().map(str::trim).filter_map(move |line| {
        if line.starts_with("#[test]") {
            marked = true;
            return None;
        }
        // Lists of names: alone, a body behind each, or clauses before each.
        if in_list && is_name(line) {
            return Some(line);
        }
        in_list = (in_list || line.starts_with("with_every_strategy! {")) && line != "}";
        in_pinned = (in_pinned || line == "pinned! {") && line != "}";
        in_suite = (in_suite || line.contains("@$make $new;")) && line != "}";
        let made = if in_pinned {
            line.split_once(" =>").map(|(name, _)| name)
        } else if in_suite {
            line.strip_suffix(',')
                .and_then(|line| line.split_once(": "))
                .map(|(_, name)| name)
        } else {
            None
        };
        if let Some(name) = made.filter(|name| is_name(name)) {
            return Some(name);
        }
        let name = line.strip_prefix("fn ").and_then(|it| it.split('(').next());
        let attribute = line.starts_with("#[") || line.starts_with("//");
        let is_test = marked;
        marked = marked && attribute;
        name.filter(|name| is_test && is_name(name))
    })
}

/// The tests that there are, alone and behind the name of their file or folder.
fn all_tests() -> BTreeSet<String> {
    let mut files = Vec::new();
    for part in ["crates", "docs", "benches"] {
        sources(&root().join(part), &mut files);
    }
    let mut all = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let module = match stem {
            "mod" | "main" => file
                .parent()
                .unwrap()
                .file_name()
                .unwrap()
                .to_str()
                .unwrap(),
            stem => stem,
        };
        for test in tests(&text) {
            all.insert(format!("{module}::{test}"));
            all.insert(test.to_owned());
        }
    }
    all
}

/// What is in backticks in the tables of a page.
fn quoted(page: &str) -> Vec<String> {
    let rows = page.lines().filter(|line| line.starts_with('|'));
    let quoted = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    quoted
        .flat_map(
            |text| match text.strip_suffix('}').and_then(|it| it.split_once("::{")) {
                Some((module, names)) => names
                    .split(',')
                    .map(|name| format!("{module}::{}", name.trim()))
                    .collect(),
                None => vec![text.to_owned()],
            },
        )
        .collect()
}

/// A test's name has three words at least, or says its module.
fn names_a_test(text: &str) -> bool {
    let parts: Vec<_> = text.split("::").collect();
    let long = text.matches('_').count() >= 2;
    parts.iter().all(|part| is_name(part)) && (parts.len() == 2 || (parts.len() == 1 && long))
}

/// The file that a quoted path or command begins with.
fn names_a_file(text: &str) -> Option<&str> {
    let first = text.split_whitespace().next()?;
    let known = [
        ".ci/",
        "tests/",
        "src/",
        "docs/",
        "crates/",
        "benches/",
        "examples/",
    ];
    known
        .iter()
        .any(|it| first.starts_with(it))
        .then_some(first)
}

fn is_there(file: &str) -> bool {
    let crates = fs::read_dir(root().join("crates")).unwrap();
    let mut folders = vec![root(), root().join("docs")];
    folders.extend(crates.map(|entry| entry.unwrap().path()));
    folders.iter().any(|folder| {
        let path = folder.join(file);
        path.exists() || path.with_extension("rs").exists()
    })
}

fn check(page: &str, least: usize) {
    let text = fs::read_to_string(root().join("docs").join(page)).unwrap();
    let all = all_tests();
    let (mut named, mut missing) = (0, vec![]);
    for quote in quoted(&text) {
        let there = if let Some(file) = names_a_file(&quote) {
            is_there(file)
        } else if names_a_test(&quote) {
            all.contains(&quote)
        } else {
            continue;
        };
        named += 1;
        if !there {
            missing.push(quote);
        }
    }
    assert!(
        missing.is_empty(),
        "{page} names what is not there: {missing:#?}"
    );
    assert!(named >= least, "{page} names only {named} tests and files");
}

#[test]
fn tests_named_in_the_verification_exist() {
    check("verification.md", 150);
}

#[test]
fn models_named_in_the_design_exist() {
    check("design.md", 20);
}

/// A test of the test.
#[test]
fn name_that_is_not_there_is_noticed() {
    let all = all_tests();
    assert!(all.contains("names::name_that_is_not_there_is_noticed"));
    // A function that is no test, and one that does not exist.
    assert!(!all.contains("names_a_test") && !all.contains("no_such_test_at_all"));
    assert!(is_there("tests/names.rs") && !is_there("tests/no_such_file.rs"));
    let row = "| `overflow::{local, lock}` | `.ci/loom x` | `a_b_c` | `&T` |";
    let quotes = quoted(row);
    assert_eq!(
        quotes,
        [
            "overflow::local",
            "overflow::lock",
            ".ci/loom x",
            "a_b_c",
            "&T"
        ]
    );
    let tests = quotes.iter().filter(|quote| names_a_test(quote)).count();
    let files = quotes
        .iter()
        .filter(|quote| names_a_file(quote).is_some())
        .count();
    assert_eq!((tests, files), (3, 1));
}
