//! A clock that fails, as it does where a filter refuses the system call and the kernel maps no clock.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// How many more times this thread's clock works.
    static WORKS: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Replaces the C library's function in this binary.
///
/// # Safety
///
/// See the C library's.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn clock_gettime(
    id: libc::clockid_t,
    time: *mut libc::timespec,
) -> i32 {
    let works = WORKS.try_with(|works| works.replace(works.get().saturating_sub(1)));
    if works == Ok(0) {
        // SAFETY: it has no precondition.
        let error = unsafe { libc::__errno_location() };
        // SAFETY: it points to this thread's error number.
        unsafe { *error = libc::EPERM };
        return -1;
    }
    // SAFETY: the caller's promises.
    unsafe { libc::syscall(libc::SYS_clock_gettime, id, time) as i32 }
}

/// Runs `f` with a clock that works that many times. Returns whether `f` unwound.
pub(crate) fn unwinds_after(works: usize, f: impl FnOnce()) -> bool {
    WORKS.set(works);
    let unwound = catch_unwind(AssertUnwindSafe(f)).is_err();
    WORKS.set(usize::MAX);
    unwound
}
