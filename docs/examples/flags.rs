//! A service for feature flags: many requests read, a few change, and whoever watches
//! is told at once.
//!
//! ```sh
//! cargo run -p dbuf-docs --example flags                          # shows itself, and ends
//! cargo run -p dbuf-docs --example flags -- --listen 127.0.0.1:8080 --file flags.json
//! curl localhost:8080/flags/dark-mode                             # true, false, or 404
//! curl -X PUT -d true localhost:8080/flags/dark-mode
//! curl -N localhost:8080/watch                                    # all flags, at each change
//! ```
//!
//! The file is read at the start and whenever it changes; it replaces all flags then,
//! those that came by `PUT` too. The map is in `flags/store.rs`, HTTP in
//! `flags/service.rs`, the file in `flags/reload.rs`.

use std::process::ExitCode;

#[path = "flags/mod.rs"]
mod flags;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match flags::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(line) => {
            eprintln!("flags: {line}");
            ExitCode::FAILURE
        }
    }
}
