//! Two threads that read and write, for a few seconds: the program's figure `mix`, where
//! `ConcurrentHashMap` meets a mutex around its parts and others.
//!
//! `cargo bench -p dbuf-bench --bench mix` runs it; further arguments are the program's:
//! `-- --threads 2,8 --seconds 60`.

use std::process::ExitCode;

fn main() -> ExitCode {
    dbuf_bench::bench::figure("mix", "2", env!("CARGO_TARGET_TMPDIR"))
}
