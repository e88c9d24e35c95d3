//! The program as it is run: what it refuses, and a whole small comparison.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use dbuf_bench::contenders;

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dbuf-bench"))
        .args(args)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
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

fn file(folder: &tempfile::TempDir, name: &str, content: &[u8]) -> String {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    name_of(&path)
}

fn name_of(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_key_file_that_gives_no_keys_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let advice = "one key a line";

    let missing = name_of(&folder.path().join("missing"));
    refuses(&["--keys", &missing], &["cannot read", &missing, advice]);
    let directory = name_of(folder.path());
    refuses(
        &["--keys", &directory],
        &["cannot read", &directory, advice],
    );

    for content in ["", "\n\r\n\n"] {
        let empty = file(&folder, "empty", content.as_bytes());
        refuses(&["--keys", &empty], &["no keys in", &empty, advice]);
    }
    let binary = file(&folder, "binary", b"fine\nnot \xff\n");
    refuses(
        &["--keys", &binary],
        &["not UTF-8 in line 2", &binary, advice],
    );
}

#[test]
fn an_unknown_strategy_is_refused_with_those_that_are_known() {
    let mut parts = vec!["fastest"];
    parts.extend(contenders::ALL.iter().map(|entry| entry.name));
    refuses(&["--strategies", "fastest"], &parts);
    refuses(&["--strategies", "epoch,fastest"], &parts);
}

#[test]
fn no_threads_are_refused() {
    refuses(&["--threads", "0"], &["--threads", "0 is not in 1..="]);
    refuses(&["--threads", "1,0"], &["--threads", "0 is not in 1..="]);
    refuses(&["--threads", "-1"], &["'-1'"]);
    refuses(&["--threads", "many"], &["--threads", "many"]);
}

#[test]
fn malformed_flags_are_refused() {
    refuses(&["--fast"], &["--fast", "--help"]);
    refuses(&["extra"], &["extra", "--help"]);
    refuses(&["--keys"], &["--keys", "--help"]);
    refuses(&["--seconds", "0"], &["--seconds", "0.01"]);
    refuses(&["--seconds", "1", "--quick"], &["--quick", "--seconds"]);
}

#[test]
fn help_and_version_are_no_errors() {
    for (flag, part) in [("--help", "--strategies"), ("--version", "dbuf-bench ")] {
        let output = run(&[flag]);
        assert!(output.status.success());
        assert!(text(&output.stdout).contains(part));
        assert_eq!(text(&output.stderr), "");
    }
}

#[test]
fn a_small_comparison_has_a_row_for_each_contender_and_thread_count() {
    let folder = tempfile::tempdir().unwrap();
    let keys = file(&folder, "keys", "eins\nzwei\ndrei\nvier\n".as_bytes());
    let output = run(&["--keys", &keys, "--threads", "1,2", "--seconds", "0.5"]);
    let (table, progress) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{progress}");
    assert!(table.starts_with("plan:"), "{table}");
    assert!(table.contains("keys:    4 "), "{table}");
    assert!(progress.contains("round 1 of "), "{progress}");
    for entry in contenders::ALL {
        for threads in ["1", "2"] {
            let rows = rows(table, entry.name, threads);
            assert_eq!(rows.len(), 1, "{} {threads}\n{table}", entry.name);
            assert!(rows[0][2..].iter().all(|cell| is_number(cell)), "{table}");
        }
    }
}

#[test]
fn a_chosen_strategy_stands_beside_the_lock_only() {
    let folder = tempfile::tempdir().unwrap();
    let keys = file(&folder, "keys", b"one\n");
    let output = run(&[
        "--keys",
        &keys,
        "--strategies",
        "lock",
        "--threads",
        "1",
        "--seconds",
        "0.1",
    ]);
    let table = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for (name, count) in [("lock", 1), ("rwlock", 1), ("epoch", 0)] {
        assert_eq!(rows(table, name, "1").len(), count, "{table}");
    }
}

/// The cells of the rows that begin so.
fn rows<'t>(table: &'t str, name: &str, threads: &str) -> Vec<Vec<&'t str>> {
    table
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .filter(|cells: &Vec<&str>| cells[..2] == [name, threads])
        .collect()
}

/// `12.3 (11.0..14.5)`, above zero, perhaps marked.
fn is_number(cell: &str) -> bool {
    let number = cell.split(' ').next().unwrap_or_default();
    number.parse::<f64>().is_ok_and(|number| number >= 0.0) && cell.contains("..")
}
