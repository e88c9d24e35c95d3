//! The writer's claim, and the latch of the last swap that it guards.
//!
//! # Orderings
//!
//! The claim is a lock that is only ever tried: acquired with Acquire, ended with
//! Release, so what one writer knew is known to the next (S10). The latch and the
//! front are read and written under the claim and need nothing of their own.

use dbuf_core::const_fn;
use dbuf_core::primitive::atomic::{AtomicBool, Ordering};

pub(crate) struct Claim {
    claimed: AtomicBool,
    finished: AtomicBool,
}

impl Claim {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self {
                claimed: AtomicBool::new(false),
                finished: AtomicBool::new(true),
            }
        }
    }

    /// Whether this call made the claim.
    pub(crate) fn try_claim(&self) -> bool {
        // ORDERING: Acquire; partner: `release` (S10).
        !self.claimed.swap(true, Ordering::Acquire)
    }

    pub(crate) fn release(&self) {
        // ORDERING: Release; partner: `try_claim` (S10).
        self.claimed.store(false, Ordering::Release);
    }

    pub(crate) fn is_claimed(&self) -> bool {
        // Relaxed: a hint, which is out of date when it returns.
        self.claimed.load(Ordering::Relaxed)
    }

    /// Whether the last swap is known to be finished. For the claim's holder.
    #[inline]
    pub(crate) fn is_finished(&self) -> bool {
        // Relaxed: under the claim.
        self.finished.load(Ordering::Relaxed)
    }

    /// Sets the latch, and returns it. For the claim's holder.
    pub(crate) fn set_finished(&self, finished: bool) -> bool {
        // Relaxed: under the claim.
        self.finished.store(finished, Ordering::Relaxed);
        finished
    }
}
