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

#[cfg(feature = "std")]
mod parking {
    use alloc::sync::Arc;
    use alloc::task::Wake;
    use core::task::{Context, Waker};
    use core::time::Duration;
    use std::time::Instant;

    use crate::primitive::atomic::{AtomicBool, Ordering};
    use crate::primitive::thread::{Thread, current, park, park_timeout};

    /// Wakes a parked thread, and remembers it: `park` may return by itself, or
    /// on a token that was meant for somebody else.
    struct Unpark {
        thread: Thread,
        woken: AtomicBool,
    }

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.wake_by_ref();
        }

        fn wake_by_ref(self: &Arc<Self>) {
            // ORDERING: Release; partner: the swap in `sleep`. A waker's caller
            // may expect that the poll it asked for sees what it did before.
            self.woken.store(true, Ordering::Release);
            self.thread.unpark();
        }
    }

    /// Polls, and parks between polls until woken.
    pub(super) fn sleep(
        timeout: Option<Duration>,
        mut poll: impl FnMut(Option<&mut Context<'_>>) -> bool,
    ) -> bool {
        // A deadline too far to represent is none.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let unpark = Arc::new(Unpark {
            thread: current(),
            woken: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&unpark));
        let mut cx = Context::from_waker(&waker);
        while !poll(Some(&mut cx)) {
            // ORDERING: Acquire; partner: the store in `wake_by_ref`.
            while !unpark.woken.swap(false, Ordering::Acquire) {
                let Some(deadline) = deadline else {
                    park();
                    continue;
                };
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return poll(None);
                }
                park_timeout(left);
            }
        }
        true
    }
}
