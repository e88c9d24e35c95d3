//! The one waiting protocol: whatever blocks, drives `poll_finish`.
//!
//! With `std` the thread looks a few times, then sleeps until its waker was
//! called; without, it spins. Nothing else in the workspace parks.

use core::task::Context;
use core::time::Duration;

use crate::primitive::{SPINS, spin_loop};

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

/// Runs a future on this thread, for at most `timeout`. Hidden: for the layers
/// above, so that nothing of theirs parks by itself.
#[cfg(feature = "std")]
pub fn block_on<F: Future>(timeout: Option<Duration>, future: F) -> Option<F::Output> {
    let mut future = core::pin::pin!(future);
    let mut output = None;
    sleep(timeout, |cx| {
        let mut nobody = Context::from_waker(core::task::Waker::noop());
        match future.as_mut().poll(cx.unwrap_or(&mut nobody)) {
            core::task::Poll::Ready(ready) => {
                output = Some(ready);
                true
            }
            core::task::Poll::Pending => false,
        }
    });
    output
}

#[cfg(feature = "std")]
mod parking {
    use alloc::sync::Arc;
    use alloc::task::Wake;
    use core::task::{Context, Waker};
    use core::time::Duration;
    use std::time::Instant;

    use crate::primitive::Sleeper;

    /// Wakes a sleeping thread.
    struct WakeThread(Sleeper);

    impl Wake for WakeThread {
        fn wake(self: Arc<Self>) {
            self.0.wake();
        }

        fn wake_by_ref(self: &Arc<Self>) {
            self.0.wake();
        }
    }

    /// Polls, and sleeps between polls until woken.
    pub(super) fn sleep(
        timeout: Option<Duration>,
        mut poll: impl FnMut(Option<&mut Context<'_>>) -> bool,
    ) -> bool {
        // A deadline too far to represent is none.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let thread = Arc::new(WakeThread(Sleeper::new()));
        let waker = Waker::from(Arc::clone(&thread));
        let mut cx = Context::from_waker(&waker);
        while !poll(Some(&mut cx)) {
            loop {
                let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
                if left.is_some_and(|left| left.is_zero()) {
                    return poll(None);
                }
                if thread.0.sleep(left) {
                    break;
                }
            }
        }
        true
    }
}
