//! An allocator that fails, and scenarios in which each allocation fails once.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use core::time::Duration;
use std::alloc::System;
use std::io::{Write, stderr};
use std::process::{Command, Output, exit};
use std::sync::{Arc, Barrier};
use std::{env, thread};

/// No allocation fails.
const NONE: usize = usize::MAX;
/// The number of the allocation that fails, counted from when it is set.
static FAILS: AtomicUsize = AtomicUsize::new(NONE);
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// The system allocator, which fails once where [`each_allocation_fails`] says.
#[derive(Debug)]
pub struct Failing;

// SAFETY: each call is passed to the system allocator unchanged, or returns null, as an allocator
// may.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let fails = FAILS.load(SeqCst);
        if fails != NONE && CALLS.fetch_add(1, SeqCst) == fails {
            return ptr::null_mut();
        }
        // SAFETY: the caller upholds the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller upholds the same contract.
        unsafe { System.dealloc(ptr, layout) }
    }
}

/// What became of the processes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ends {
    /// They ended as `handle_alloc_error` ends a process.
    pub aborted: usize,
    /// They ran to the end: the scenario got an error.
    pub went_on: usize,
}

const CHILD: &str = "DBUF_ALLOCATION_THAT_FAILS";
const WENT_ON: &str = "the scenario went on";
const REACHED_NONE: &str = "no allocation has failed";

/// Runs `scenario` in processes of its own. The first allocation fails in the first, the second in
/// the next, until none fails. A process may end as `handle_alloc_error` ends it, or run to the
/// end.
///
/// The caller is `test`, which the processes run again. The binary's global allocator is
/// [`Failing`].
///
/// # Panics
///
/// Panics if a process ends otherwise, or has not ended after a minute.
pub fn each_allocation_fails(test: &str, scenario: impl FnOnce()) -> Ends {
    if let Ok(number) = env::var(CHILD) {
        run(number.parse().expect("a number"), scenario);
    }
    let program = env::current_exe().expect("the test's program");
    let mut ends = Ends::default();
    for number in 0..10_000 {
        let output = Command::new(&program)
            .args([test, "--exact", "--nocapture"])
            .env(CHILD, number.to_string())
            .env("RUST_BACKTRACE", "0")
            .output()
            .expect("the test's program runs again");
        match end(&output) {
            Some(REACHED_NONE) => return ends,
            Some(WENT_ON) => ends.went_on += 1,
            Some(_) => ends.aborted += 1,
            None => panic!(
                "allocation {number} failed: {}\n{}{}",
                output.status,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            ),
        }
    }
    panic!("{test} allocates without end");
}

/// Runs the scenario in a child, whose allocation `number` fails.
fn run(number: usize, scenario: impl FnOnce()) -> ! {
    let runs = Arc::new(Barrier::new(2));
    let starts = Arc::clone(&runs);
    thread::spawn(move || {
        starts.wait();
        thread::sleep(Duration::from_secs(60));
        let _ = stderr().write_all(b"no end within a minute\n");
        exit(102);
    });
    // The thread allocates when it starts.
    runs.wait();
    FAILS.store(number, SeqCst);
    scenario();
    FAILS.store(NONE, SeqCst);
    let failed = CALLS.load(SeqCst) > number;
    println!("{}", if failed { WENT_ON } else { REACHED_NONE });
    exit(0);
}

/// Returns how a child ended; `None` if it must not end so.
fn end(output: &Output) -> Option<&'static str> {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let says = |text: &'static str| stdout.contains(text).then_some(text);
    match output.status.code() {
        Some(0) => says(WENT_ON).or(says(REACHED_NONE)),
        // A signal. Others than the abort leave no message.
        None if String::from_utf8_lossy(&output.stderr).contains("memory allocation of") => {
            Some("aborted")
        }
        _ => None,
    }
}
