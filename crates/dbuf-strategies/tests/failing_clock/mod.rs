//! A clock that fails, as it does where a filter refuses the system call and the kernel maps no
//! clock; that jumps, as it does where a machine was stopped; or that stands still.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What this thread's clock does.
#[derive(Clone, Copy)]
pub(crate) enum Clock {
    Works,
    /// It works that many times, and then fails once.
    Fails(usize),
    /// It works that many times. From then on it is years ahead.
    Jumps(usize),
    /// It says what it said first.
    StandsStill(Option<libc::timespec>),
}

/// So much a clock jumps ahead.
const YEARS: i64 = 100 * 365 * 24 * 3600;

thread_local! {
    static CLOCK: Cell<Clock> = const { Cell::new(Clock::Works) };
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
    let clock = CLOCK.try_with(Cell::get).unwrap_or(Clock::Works);
    let next = match clock {
        Clock::Works | Clock::Fails(0) => Clock::Works,
        Clock::Fails(works) => Clock::Fails(works - 1),
        Clock::Jumps(works) => Clock::Jumps(works.saturating_sub(1)),
        Clock::StandsStill(_) => clock,
    };
    let _ = CLOCK.try_with(|clock| clock.set(next));
    if let Clock::Fails(0) = clock {
        // SAFETY: it has no precondition.
        let error = unsafe { libc::__errno_location() };
        // SAFETY: it points to this thread's error number.
        unsafe { *error = libc::EPERM };
        return -1;
    }
    // SAFETY: the caller's promises.
    let result = unsafe { libc::syscall(libc::SYS_clock_gettime, id, time) as i32 };
    // SAFETY: the caller's promises, and the call has filled it.
    let time = unsafe { &mut *time };
    match clock {
        Clock::Jumps(0) => time.tv_sec += YEARS,
        Clock::StandsStill(Some(first)) => *time = first,
        Clock::StandsStill(None) => {
            let _ = CLOCK.try_with(|clock| clock.set(Clock::StandsStill(Some(*time))));
        }
        _ => {}
    }
    result
}

/// Runs `f` with this clock.
pub(crate) fn with_clock<R>(clock: Clock, f: impl FnOnce() -> R) -> R {
    struct Works;
    impl Drop for Works {
        fn drop(&mut self) {
            CLOCK.set(Clock::Works);
        }
    }
    CLOCK.set(clock);
    let _works = Works;
    f()
}

/// Runs `f` with a clock that works that many times. Returns whether `f` unwound.
pub(crate) fn unwinds_after(works: usize, f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(|| with_clock(Clock::Fails(works), f))).is_err()
}
