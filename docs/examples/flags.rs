//! A service for feature flags: many requests read, a few write, and clients that watch see
//! each change at once.
//!
//! ```sh
//! cargo run -p dbuf-docs --example flags                          # a demonstration
//! cargo run -p dbuf-docs --example flags -- --listen 127.0.0.1:8080 --file flags.json
//! curl localhost:8080/flags/dark-mode                             # true, false, or 404
//! curl -X PUT -d true localhost:8080/flags/dark-mode
//! curl -N localhost:8080/watch                                    # all flags, at each change
//! ```
//!
//! Without arguments it starts on a free port, with a file of its own, and is its own client.
//! A line of the output is a request and its reply, or an event that a client of `/watch`
//! receives. The last part edits the file: an invalid one is refused, and the flags stay as
//! they are.
//!
//! The file is read at the start and when it changes. It then replaces all flags, including
//! those set by `PUT`. The map is in `flags/store.rs`, HTTP in `flags/service.rs`, the file in
//! `flags/reload.rs`.

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
