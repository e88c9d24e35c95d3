//! Runs a command in a process that may not use `membarrier`, nor may the processes that it
//! starts. So every test can be run as on a kernel without it.
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
        eprintln!("usage: refuse_membarrier program arguments");
        return ExitCode::from(2);
    };
    filter::refuse_membarrier(libc::EPERM);
    let error = Command::new(&program).args(arguments).exec();
    eprintln!("refuse_membarrier: cannot run {program:?}: {error}");
    ExitCode::FAILURE
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("refuse_membarrier: only Linux has membarrier");
}
