//! A claim that unwinds.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]
#![cfg(all(target_os = "linux", feature = "watch", not(any(dbuf_loom, miri))))]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use dbuf_strategies::core::{DoubleBuffer, Writer};
use dbuf_strategies::{EpochStrategy, Watched};

thread_local! {
    static WORKS: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// # Safety
///
/// As for the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(id: libc::clockid_t, time: *mut libc::timespec) -> i32 {
    let left = WORKS.try_with(|works| works.replace(works.get().saturating_sub(1)));
    if left == Ok(0) {
        // SAFETY: it has no precondition.
        let error = unsafe { libc::__errno_location() };
        // SAFETY: it points to this thread's error number.
        unsafe { *error = libc::EPERM };
        return -1;
    }
    // SAFETY: the caller's promises.
    unsafe { libc::syscall(libc::SYS_clock_gettime, id, time) as i32 }
}

/// The first claim of a process measures a fence, and unwinds where the clock fails. The buffer is
/// closed again then. (Alone in its binary: a process measures once. `clock.rs` has the same for Epoch itself.)
#[test]
fn claim_without_a_clock_can_be_made_again() {
    let buffer = DoubleBuffer::new(0, 0, Watched::new(EpochStrategy::new()));
    WORKS.set(0);
    let unwound = catch_unwind(AssertUnwindSafe(|| drop(Writer::claim(&buffer)))).is_err();
    WORKS.set(usize::MAX);
    if unwound {
        assert!(Writer::claim(&buffer).is_ok(), "claimed forever, by nobody");
    }
}
