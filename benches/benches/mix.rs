//! Two threads that read and write, for a few seconds: the program's figure `mix`,
//! where `ConcurrentHashMap` meets a mutex around its parts and others.
//!
//! `cargo bench -p dbuf-bench --bench mix` runs it; further arguments are the
//! program's: `-- --threads 2,8 --seconds 60`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut asked: Vec<String> = std::env::args().skip(1).collect();
    // cargo's own.
    asked.retain(|argument| argument != "--bench");
    // As criterion takes them: parts of the names to run. Names of other benches
    // come here too.
    let mut names = Vec::new();
    while asked.first().is_some_and(|first| !first.starts_with('-')) {
        names.push(asked.remove(0));
    }
    let is_listed = asked.iter().any(|argument| argument == "--list");
    if is_listed || !(names.is_empty() || names.iter().any(|name| "mix".contains(&**name))) {
        return ExitCode::SUCCESS;
    }
    let is_test = asked.iter().any(|argument| argument == "--test");
    asked.retain(|argument| argument != "--test");
    let seconds = if is_test { "0.2" } else { "6" };
    let out = env!("CARGO_TARGET_TMPDIR");
    let mut arguments = vec!["dbuf-bench", "--only", "mix", "--out", out];
    for (flag, default) in [("--threads", "2"), ("--seconds", seconds)] {
        if !asked.iter().any(|argument| argument == flag) {
            arguments.extend([flag, default]);
        }
    }
    arguments.extend(asked.iter().map(String::as_str));
    dbuf_bench::program(arguments)
}
