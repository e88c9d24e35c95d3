//! A test of the suite that hangs is ended, with its name and clause.

use std::env;
use std::process::Command;
use std::sync::Arc;

use dbuf_testing::suite;
use dbuf_testing::suite::buffer;

use crate::strategy::Mutant::{NobodyIsWoken, WakesUnderTheLock};
use crate::strategy::ThreeCounts;

/// Set in the process that hangs.
const HANGS: &str = "DBUF_MUTANT_HANGS";

/// S7: a waker that polls needs the lock that its caller holds.
#[test]
fn waker_under_the_lock() {
    let myself = "watchdog::waker_under_the_lock";
    ends(myself, "S7", "waker_may_poll", || {
        suite::waker_may_poll(|| Arc::new(buffer(ThreeCounts::new(WakesUnderTheLock))));
    });
}

/// S6: a writer that is never woken sleeps forever.
#[test]
fn nobody_wakes_a_thread() {
    let myself = "watchdog::nobody_wakes_a_thread";
    let name = "last_leave_on_another_thread_wakes_the_writer";
    ends(myself, "S6", name, || {
        suite::last_leave_on_another_thread_wakes_the_writer(|| {
            Arc::new(buffer(ThreeCounts::new(NobodyIsWoken)))
        });
    });
}

/// Runs a test that hangs in a process of its own, which its watchdog ends.
fn ends(myself: &str, clause: &str, name: &str, hangs: impl FnOnce()) {
    if env::var_os(HANGS).is_some() {
        dbuf_testing::run(clause, name, hangs);
        return;
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", myself])
        .env(HANGS, "1")
        .env("DBUF_SUITE_SECONDS", "1")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    println!("{errors}");
    assert_eq!(output.status.code(), Some(101));
    assert!(errors.contains(&format!("{clause}: {name}: no end within 1 s")));
}
