//! Variants of the guide's programs that go wrong, each with a test that shows it; and the
//! form of a chapter: at most 600 words outside its code blocks, and a program.

mod r#async;
mod counting;
mod epochs;
mod flash;
mod handles_and_guards;
mod hash_map;
mod many_machines;
mod op_log;
mod orderings;
mod pointers;
mod strategies;
mod tricks;
mod two_buffers;
mod r#unsafe;

use std::fs;
use std::path::Path;

const WORDS: usize = 600;

/// The names and texts of the chapters, in order.
fn chapters() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("guide");
    let mut chapters: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .filter(|(name, _)| name.starts_with(|first: char| first.is_ascii_digit()))
        .map(|(name, path)| (name, fs::read_to_string(path).unwrap()))
        .collect();
    chapters.sort();
    chapters
}

/// Counts the words outside code blocks, and the Rust blocks. A word has a letter or a digit;
/// tables and headings count.
fn measure(text: &str) -> (usize, usize) {
    let mut words = 0;
    let mut programs = 0;
    let mut inside = false;
    for line in text.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            inside = !inside;
            programs += usize::from(inside && matches!(language, "rust" | ""));
        } else if !inside {
            let is_word = |word: &&str| word.contains(char::is_alphanumeric);
            words += line.split_whitespace().filter(is_word).count();
        }
    }
    (words, programs)
}

#[test]
fn a_chapter_is_short_and_has_a_program() {
    let chapters = chapters();
    assert_eq!(chapters.len(), 14);
    for (name, text) in chapters {
        let (words, programs) = measure(&text);
        assert!(words <= WORDS, "{name} has {words} words");
        assert!(programs > 0, "{name} has no program");
    }
}

#[test]
fn a_chapter_names_the_test_of_what_goes_wrong() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guide");
    for (name, text) in chapters() {
        let module = name[3..].trim_end_matches(".md").replace('-', "_");
        let tests = fs::read_to_string(folder.join(format!("{module}.rs"))).unwrap();
        let named = tests
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("fn "))
            .filter_map(|line| line.split_once('('))
            .any(|(function, _)| text.contains(&format!("`{function}`")));
        assert!(named, "{name} names no test of tests/guide/{module}.rs");
    }
}
