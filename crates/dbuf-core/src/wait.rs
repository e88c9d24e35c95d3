//! Every blocking wait for readers: a loop around `poll_finish`.
//!
//! With `std` the thread checks a few times, then sleeps until its waker is called. Without `std`
//! it spins.

use core::task::Context;
use core::time::Duration;

use crate::sync::{SPINS, spin_loop};

/// Polls until ready, or until `timeout` is over. Returns whether it became ready.
///
/// A call of `poll` without a context registers no waker.
pub(crate) fn block(
    timeout: Option<Duration>,
    mut poll: impl FnMut(Option<&mut Context<'_>>) -> bool,
) -> bool {
    for _ in 0..SPINS {
        if poll(None) {
            return true;
        }
        spin_loop();
    }
    sleep(timeout, poll)
}

#[cfg(not(feature = "std"))]
fn sleep(
    _without_a_clock: Option<Duration>,
    mut poll: impl FnMut(Option<&mut Context<'_>>) -> bool,
) -> bool {
    while !poll(None) {
        spin_loop();
    }
    true
}

#[cfg(feature = "std")]
use parking::sleep;

#[cfg(feature = "std")]
mod parking {
    use alloc::sync::Arc;
    use core::task::{Context, Waker};
    use core::time::Duration;
    use std::time::Instant;

    use crate::sync::with_sleeper;

    /// Polls, and sleeps between polls until woken.
    pub(super) fn sleep(
        timeout: Option<Duration>,
        mut poll: impl FnMut(Option<&mut Context<'_>>) -> bool,
    ) -> bool {
        with_sleeper(|sleeper| {
            let waker = Waker::from(Arc::clone(sleeper));
            let mut cx = Context::from_waker(&waker);
            let mut deadline = None;
            while !poll(Some(&mut cx)) {
                loop {
                    // The clock is read after the first poll that is not ready. A deadline too far
                    // to represent is no deadline.
                    let end = *deadline.get_or_insert_with(|| {
                        timeout.and_then(|timeout| Instant::now().checked_add(timeout))
                    });
                    let left = end.map(|end| end.saturating_duration_since(Instant::now()));
                    if left.is_some_and(|left| left.is_zero()) {
                        return poll(None);
                    }
                    if sleeper.sleep(left) {
                        break;
                    }
                }
            }
            true
        })
    }
}
