//! Runs a command whose process, and all that it starts, may not use `membarrier`:
//! so that every test can be run as on a kernel without it.
//!
//! ```sh
//! cargo run -p dbuf-strategies --example refuse_membarrier -- program arguments
//! ```

#[cfg(target_os = "linux")]
#[allow(clippy::std_instead_of_core, reason = "an example has std")]
mod filter;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use std::os::unix::process::CommandExt;
    use std::process::{Command, ExitCode};

    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("refuse_membarrier: no command. Say: refuse_membarrier program arguments");
        return ExitCode::from(2);
    };
    filter::refuse_membarrier();
    let error = Command::new(&program).args(arguments).exec();
    eprintln!("refuse_membarrier: cannot run {program:?}: {error}");
    ExitCode::FAILURE
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("refuse_membarrier: there is no membarrier outside Linux");
}
