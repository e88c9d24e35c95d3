//! The writer's claim, and what it guards: the latch of the last swap, and which sides are
//! the writer's and the spare one.
//!
//! # Orderings
//!
//! The claim is a lock that is only ever tried: acquired with Acquire, ended with
//! Release, so what one writer knew is known to the next (S10). The latch and the
//! front are read and written under the claim and need nothing of their own.

use dbuf_core::Side;
use dbuf_core::const_fn;
use dbuf_core::sync::atomic::{AtomicBool, Ordering};

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

    /// The writer's side. For the claim's holder.
    #[inline]
    pub(crate) fn back(&self) -> Side {
        // Relaxed: under the claim.
        self.back.load(Ordering::Relaxed)
    }

    /// A swap is about to be started that makes the writer's side the front, and `old` the
    /// writer's. For the claim's holder.
    #[inline]
    pub(crate) fn start_swap(&self, old: Side) {
        self.set_finished(false);
        // Relaxed: under the claim.
        self.back.store(old, Ordering::Relaxed);
    }

    /// The spare side. For the claim's holder.
    #[inline]
    pub(crate) fn spare(&self) -> Side {
        // Relaxed: under the claim.
        self.spare.load(Ordering::Relaxed)
    }

    /// Whether the spare side is known to be free. For the claim's holder.
    #[inline]
    pub(crate) fn is_spare_free(&self) -> bool {
        // Relaxed: under the claim.
        self.spare_free.load(Ordering::Relaxed)
    }

    /// Sets the spare side's latch, and returns it. For the claim's holder.
    pub(crate) fn set_spare_free(&self, free: bool) -> bool {
        // Relaxed: under the claim.
        self.spare_free.store(free, Ordering::Relaxed);
        free
    }

    /// The writer's side becomes the spare one, and is not free; the swap is finished. For
    /// the claim's holder.
    pub(crate) fn set_aside(&self) {
        let (back, spare) = (self.back(), self.spare());
        // Relaxed: under the claim.
        self.back.store(spare, Ordering::Relaxed);
        self.spare.store(back, Ordering::Relaxed);
        self.set_spare_free(false);
        self.set_finished(true);
    }
}
