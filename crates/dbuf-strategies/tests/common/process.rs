//! Tests that need a process of their own.

use std::env;
use std::process::{Command, Output, exit};

/// What a process prints after its body.
pub(crate) const TO_THE_END: &str = "ran to the end";

/// Runs `body` with `number` in a process of its own, by running the test that calls this again.
pub(crate) fn in_a_process(test: &str, number: usize, body: impl FnOnce(usize)) -> Output {
    const CHILD: &str = "DBUF_CHILD";
    if let Ok(number) = env::var(CHILD) {
        body(number.parse().unwrap());
        println!("{TO_THE_END}");
        exit(0);
    }
    Command::new(env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(CHILD, number.to_string())
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap()
}

/// Asserts that `body` runs to the end.
pub(crate) fn passes(test: &str, number: usize, body: impl FnOnce(usize)) {
    let output = in_a_process(test, number, body);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{number}: {stderr}");
    assert!(String::from_utf8_lossy(&output.stdout).contains(TO_THE_END));
}
