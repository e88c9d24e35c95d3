//! Tests that a count of guards never wraps: the process ends instead.

#![allow(clippy::std_instead_of_alloc, reason = "tests always have std")]

use std::env;
use std::format;
use std::process::{Command, exit};
use std::string::String;

use dbuf_core::Strategy;

/// Runs `overflows` in a process of its own, which must end by an abort and say
/// why.
fn ends_the_process(test: &str, overflows: impl FnOnce()) {
    const CHILD: &str = "DBUF_OVERFLOW_CHILD";
    if env::var_os(CHILD).is_some() {
        overflows();
        // Reached only if the count wrapped.
        exit(0);
    }
    let child = Command::new(env::current_exe().unwrap())
        .args([&format!("overflow::{test}"), "--exact", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&child.stderr);
    // Elsewhere an abort has an exit code.
    if cfg!(unix) {
        assert_eq!(child.status.code(), None, "not ended by a signal: {stderr}");
    }
    assert!(stderr.contains("too many guards"), "{stderr}");
}

/// Acquires on a strategy whose count is as high as it may be.
fn acquire_ends_the_process<S: Strategy>(test: &str, full: impl FnOnce() -> (S, S::ReaderToken)) {
    ends_the_process(test, || {
        let (strategy, reader) = full();
        // SAFETY: its own token, on one thread.
        let guard = unsafe { strategy.acquire(&reader) };
        core::mem::forget(guard);
        // Dropping a reader with so many guards is not what is tested.
        core::mem::forget(reader);
    });
}

#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn local() {
    acquire_ends_the_process("local", crate::local::full);
}

#[cfg(feature = "lock")]
#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn lock() {
    acquire_ends_the_process("lock", crate::lock::full);
}

#[cfg(feature = "count")]
#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn count() {
    acquire_ends_the_process("count", crate::count::full);
}

#[cfg(feature = "epoch")]
#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn epoch() {
    acquire_ends_the_process("epoch", crate::epoch::full);
}

#[cfg(feature = "flash")]
#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn flash() {
    acquire_ends_the_process("flash", crate::flash::full);
}

#[cfg(feature = "flash")]
#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn flash_sum() {
    ends_the_process("flash_sum", || {
        let (strategy, readers) = crate::flash::overfull();
        let mut writer = strategy.try_claim_writer().unwrap();
        // SAFETY: its own token, finished, no data at all.
        unsafe { strategy.start_swap(&mut writer) };
        core::mem::forget(readers);
    });
}
