//! The writer's claim, and what it guards: the latches, the back and the spare side.
//!
//! # Orderings
//!
//! The claim is a lock that is only tried: taken with Acquire and ended with Release, so what
//! one writer did happens-before what the next does (S10). All else is loaded and stored under
//! the claim, so Relaxed is enough.

use dbuf_core::sync::atomic::{AtomicBool, Ordering};
use dbuf_core::{Side, const_fn};

use crate::side_word::SideWord;

pub(crate) struct Claim {
    claimed: AtomicBool,
    finished: AtomicBool,
    back: SideWord,
    spare: SideWord,
    spare_free: AtomicBool,
}

impl Claim {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self {
                claimed: AtomicBool::new(false),
                finished: AtomicBool::new(true),
                back: SideWord::new(Side::B),
                spare: SideWord::new(Side::C),
                spare_free: AtomicBool::new(true),
            }
        }
    }

    /// Takes the claim. Returns whether this call did, or another holds it.
    pub(crate) fn try_claim(&self) -> bool {
        // ORDERING: Acquire; partner: `release` (S10).
        !self.claimed.swap(true, Ordering::Acquire)
    }

    pub(crate) fn release(&self) {
        // ORDERING: Release; partner: `try_claim` (S10).
        self.claimed.store(false, Ordering::Release);
    }

    pub(crate) fn is_claimed(&self) -> bool {
        // Relaxed: out of date when it returns.
        self.claimed.load(Ordering::Relaxed)
    }

    /// Returns whether the last swap is known to be finished. The caller holds the claim.
    #[inline]
    pub(crate) fn is_finished(&self) -> bool {
        // Relaxed: under the claim.
        self.finished.load(Ordering::Relaxed)
    }

    /// Sets the latch, and returns it. The caller holds the claim.
    pub(crate) fn set_finished(&self, finished: bool) -> bool {
        // Relaxed: under the claim.
        self.finished.store(finished, Ordering::Relaxed);
        finished
    }

    /// Returns the writer's side. The caller holds the claim.
    #[inline]
    pub(crate) fn back(&self) -> Side {
        // Relaxed: under the claim.
        self.back.load(Ordering::Relaxed)
    }

    /// Prepares a swap, which makes `old` the writer's side. The caller holds the claim.
    #[inline]
    pub(crate) fn start_swap(&self, old: Side) {
        self.set_finished(false);
        // Relaxed: under the claim.
        self.back.store(old, Ordering::Relaxed);
    }

    /// Returns the spare side. The caller holds the claim.
    #[inline]
    pub(crate) fn spare(&self) -> Side {
        // Relaxed: under the claim.
        self.spare.load(Ordering::Relaxed)
    }

    /// Returns whether the spare side is known to be free. The caller holds the claim.
    #[inline]
    pub(crate) fn is_spare_free(&self) -> bool {
        // Relaxed: under the claim.
        self.spare_free.load(Ordering::Relaxed)
    }

    /// Sets the spare side's latch, and returns it. The caller holds the claim.
    pub(crate) fn set_spare_free(&self, free: bool) -> bool {
        // Relaxed: under the claim.
        self.spare_free.store(free, Ordering::Relaxed);
        free
    }

    /// Exchanges the writer's side and the spare one, which is not free then. The swap is
    /// finished. The caller holds the claim.
    pub(crate) fn set_aside(&self) {
        let (back, spare) = (self.back(), self.spare());
        // Relaxed: under the claim.
        self.back.store(spare, Ordering::Relaxed);
        self.spare.store(back, Ordering::Relaxed);
        self.set_spare_free(false);
        self.set_finished(true);
    }
}
