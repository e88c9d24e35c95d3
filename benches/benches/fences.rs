//! Whether Epoch's adaptive fence costs what the better of the two fixed ones costs, from 0.01 to
//! 50 % writes: the program's figure `fences`.
//!
//! `cargo bench -p dbuf-bench --bench fences` runs it; further arguments are the program's:
//! `-- --threads 1,2,4,8 --seconds 60`.

use std::process::ExitCode;

fn main() -> ExitCode {
    dbuf_bench::bench::figure("fences", "1,2,4,8", env!("CARGO_TARGET_TMPDIR"))
}
