//! The README's two commands are what the gate runs, `docs/comparison.md` is of the versions
//! that are built, and `docs/no-std.md` shows the program that is built.

const README: &str = include_str!("../../README.md");
const COMPARISON: &str = include_str!("../comparison.md");
const LOCK: &str = include_str!("../../Cargo.lock");

#[test]
fn the_commands_are_what_the_gate_runs() {
    const GATE: &str = include_str!("../../.ci/run");
    for (command, short) in [
        ("cargo run --release -p dbuf-bench", " -- --quick"),
        ("cargo test --workspace", ""),
    ] {
        let (_, after) = README
            .split_once(&format!("```sh\n{command}\n```"))
            .expect(command);
        assert!(!after.is_empty());
        let step = format!(" {command}{short}\n");
        assert!(GATE.contains(&step), "the gate does not run `{command}`");
    }
}

/// The versions in "dbuf with its default strategy; NAME VERSION, NAME VERSION, .. and ..".
fn compared() -> Vec<(&'static str, &'static str)> {
    let (_, list) = COMPARISON
        .split_once("\ndbuf with its default strategy;")
        .unwrap();
    let (list, _) = list.split_once(" and ").unwrap();
    let words: Vec<_> = list
        .split([',', ' ', '\n'])
        .filter(|word| !word.is_empty())
        .collect();
    words.chunks(2).map(|pair| (pair[0], pair[1])).collect()
}

#[test]
fn the_comparison_is_of_the_versions_that_are_built() {
    let compared = compared();
    assert_eq!(compared.len(), 6, "{compared:?}");
    for (name, version) in compared {
        let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        assert!(
            LOCK.contains(&entry),
            "docs/comparison.md compares {name} {version}, which is not in Cargo.lock: read the \
             new version and correct the table"
        );
    }
}

#[test]
fn the_page_shows_the_program_that_is_built_without_std() {
    const PAGE: &str = include_str!("../no-std.md");
    const PROGRAM: &str = include_str!("../../.ci/no-std-app/src/interrupt.rs");
    let (_, rest) = PAGE.split_once("```rust\n").unwrap();
    let (shown, _) = rest.split_once("```\n").unwrap();
    assert_eq!(shown, PROGRAM);
}
