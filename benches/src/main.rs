//! `dbuf-bench`: compares the strategies of dbuf with what else there is. See
//! `--help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    dbuf_bench::program(std::env::args_os())
}
