//! What the benches that do without criterion share.

use std::env;
use std::process::ExitCode;

use crate::cli::program;

/// The arguments: first parts of names, as criterion takes them, then flags.
fn arguments() -> (Vec<String>, Vec<String>) {
    let mut names: Vec<String> = env::args().skip(1).collect();
    let count = names.iter().take_while(|it| !it.starts_with('-')).count();
    let flags = names.split_off(count);
    (names, flags)
}

/// Returns `None` if the arguments name other benches; otherwise whether everything is only tried
/// once, as `--test` asks.
pub fn asked(name: &str) -> Option<bool> {
    let (names, flags) = arguments();
    let has = |flag| flags.iter().any(|it| it == flag);
    let is_asked = names.is_empty() || names.iter().any(|part| name.contains(&**part));
    (is_asked && !has("--list")).then(|| has("--test"))
}

/// The median of values, of which there is at least one.
pub fn median(mut values: Vec<f64>) -> f64 {
    crate::metric::median(&mut values).expect("there were rounds")
}

/// Runs a figure of the program as a bench, by default with these threads, and writes its report
/// to a folder. Flags are the program's.
pub fn figure(name: &str, threads: &str, out: &str) -> ExitCode {
    let Some(is_test) = asked(name) else {
        return ExitCode::SUCCESS;
    };
    let (_, mut flags) = arguments();
    flags.retain(|it| it != "--bench" && it != "--test");
    let seconds = if is_test { "0.2" } else { "6" };
    for (flag, default) in [("--threads", threads), ("--seconds", seconds)] {
        if !flags.iter().any(|it| it == flag) {
            flags.extend([flag, default].map(str::to_owned));
        }
    }
    let figure = ["dbuf-bench", "--only", name, "--out", out].map(str::to_owned);
    program(figure.into_iter().chain(flags))
}
