//! The clauses of the design that comments cite.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{entries, root};

/// The sources of the crates whose comments cite clauses of the design.
fn citing() -> Vec<PathBuf> {
    fn add(folder: &Path, found: &mut Vec<PathBuf>) {
        for path in entries(folder) {
            if path.is_dir() {
                add(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = vec![];
    for part in ["dbuf-core/src", "dbuf-strategies", "dbuf-testing"] {
        add(&root().join("crates").join(part), &mut found);
    }
    found
}

/// A capital letter and a number of one or two digits: S13, E1.
fn is_label(word: &str) -> bool {
    let digits = word.strip_prefix(|c: char| c.is_ascii_uppercase());
    digits.is_some_and(|digits| {
        (1..=2).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit())
    })
}

/// The clauses that a line's comment cites: labels, and numbers behind the page's name.
fn cited(line: &str) -> Vec<String> {
    let Some((_, comment)) = line.split_once("//") else {
        return vec![];
    };
    let words = comment.split(|c: char| !c.is_alphanumeric() && c != '_');
    let mut cited: Vec<_> = words
        .filter(|word| is_label(word))
        .map(str::to_owned)
        .collect();
    for rest in comment.split("`docs/design.md`, ").skip(1) {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let number = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
        cited.push(number.to_owned());
    }
    cited
}

/// Whether the page has a clause, or a section of that number.
fn has_clause(page: &str, clause: &str) -> bool {
    page.contains(&format!("**{clause}**")) || page.contains(&format!("\n## {clause}. "))
}

#[test]
fn the_design_has_each_clause_that_a_comment_cites() {
    let page = fs::read_to_string(root().join("docs/design.md")).unwrap();
    let mut all = vec![];
    for path in citing() {
        for line in fs::read_to_string(&path).unwrap().lines() {
            all.extend(cited(line));
        }
    }
    all.sort();
    all.dedup();
    assert!(
        all.len() > 50,
        "only {all:?}: the comments are read wrongly"
    );
    all.retain(|clause| !has_clause(&page, clause));
    assert!(all.is_empty(), "docs/design.md has no {all:?}");
}

#[test]
fn a_clause_that_is_not_there_is_noticed() {
    let line = "    f(); // by S2 (C15), P1202, W3: see `docs/design.md`, 6.9, A100";
    assert_eq!(cited(line), ["S2", "C15", "W3", "6.9"]);
    assert_eq!(cited("S2: no comment"), [""; 0]);
    let page = "\n## 6. Epoch\n**6.9** and **S2**";
    for (clause, there) in [
        ("S2", true),
        ("6.9", true),
        ("6", true),
        ("S1", false),
        ("6.1", false),
    ] {
        assert_eq!(has_clause(page, clause), there, "{clause}");
    }
}
