//! The one waiting protocol: whatever blocks, drives `poll_finish`.
//!
//! With `std` the thread looks a few times, then sleeps until its waker was
//! called; without, it spins. Nothing else in the workspace parks.

use core::task::Context;
use core::time::Duration;

use crate::sync::{SPINS, spin_loop};

/// Polls until ready, or until `timeout` is over. Whether it became ready.
///
/// `poll` is called without a context for a look that registers nobody.
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
                    // The clock is read when the first poll was in vain. A deadline too
                    // far to represent is none.
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
