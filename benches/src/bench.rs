//! What the benches that do without criterion share.

use std::env;
use std::process::ExitCode;

use crate::cli::program;

/// Returns `None` if the arguments name other benches, as criterion takes them: parts of names;
/// otherwise whether everything is only tried once, as `--test` asks.
pub fn asked(name: &str) -> Option<bool> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let has = |flag| arguments.iter().any(|argument| argument == flag);
    let mut names = arguments.iter().filter(|it| !it.starts_with('-'));
    let is_asked = names.next().is_none_or(|part| name.contains(&**part));
    (is_asked && !has("--list")).then(|| has("--test"))
}

/// The median of values, of which there is at least one.
pub fn median(mut values: Vec<f64>) -> f64 {
    crate::metric::median(&mut values).expect("there were rounds")
}

/// Runs a figure of the program as a bench, by default with these threads, and writes its report
/// to a folder. Arguments are the program's.
pub fn figure(name: &str, threads: &str, out: &str) -> ExitCode {
    let mut given: Vec<String> = env::args().skip(1).collect();
    // The first arguments may be names of benches; this flag is cargo's own.
    let flags = given.iter().position(|it| it.starts_with('-'));
    let names: Vec<_> = given.drain(..flags.unwrap_or(given.len())).collect();
    let is_asked = names.is_empty() || names.iter().any(|part| name.contains(&**part));
    if !is_asked || given.iter().any(|it| it == "--list") {
        return ExitCode::SUCCESS;
    }
    let is_test = given.iter().any(|it| it == "--test");
    given.retain(|it| it != "--bench" && it != "--test");
    let mut arguments = ["dbuf-bench", "--only", name, "--out", out]
        .map(str::to_owned)
        .to_vec();
    let seconds = if is_test { "0.2" } else { "6" };
    for (flag, default) in [("--threads", threads), ("--seconds", seconds)] {
        if !given.iter().any(|it| it == flag) {
            arguments.extend([flag.to_owned(), default.to_owned()]);
        }
    }
    arguments.extend(given);
    program(arguments)
}
