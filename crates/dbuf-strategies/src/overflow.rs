//! Tests that a count of guards ends the process before it wraps.

#![allow(clippy::std_instead_of_alloc, reason = "tests always have std")]

use std::process::{Command, exit};
use std::string::String;
use std::{env, format};

use dbuf_core::Strategy;

/// Runs `overflows` in a process of its own, which must abort and print why.
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
    // On other systems an abort has an exit code.
    if cfg!(unix) {
        assert_eq!(child.status.code(), None, "not ended by a signal: {stderr}");
    }
    assert!(stderr.contains("too many guards"), "{stderr}");
}

/// Acquires on a strategy whose count is as high as it may be, which must abort.
fn acquire_ends_the_process<S: Strategy>(test: &str, full: impl FnOnce() -> (S, S::ReaderToken)) {
    ends_the_process(test, || {
        let (strategy, reader) = full();
        // SAFETY: this strategy's token (C1), on one thread (C4), and nothing moves (C6).
        let guard = unsafe { strategy.acquire(&reader) };
        core::mem::forget(guard);
        // The drop of a reader with that many guards is not what is tested.
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
        // SAFETY: this strategy's token (C1), finished (C2), and there is no data (C5).
        unsafe { strategy.start_swap(&mut writer) };
        core::mem::forget(readers);
    });
}
