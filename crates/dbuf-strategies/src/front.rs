//! The word that says which side is the front.

use core::fmt;

use dbuf_core::primitive::atomic::{AtomicUsize, Ordering};
use dbuf_core::{Side, const_fn};

/// A side in an atomic word. The orderings are the caller's, who argues them.
pub(crate) struct FrontWord(AtomicUsize);

impl FrontWord {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self(AtomicUsize::new(encode(Side::A)))
        }
    }

    #[inline]
    pub(crate) fn load(&self, ordering: Ordering) -> Side {
        decode(self.0.load(ordering))
    }

    #[inline]
    pub(crate) fn store(&self, side: Side, ordering: Ordering) {
        self.0.store(encode(side), ordering);
    }
}

/// The side as the lowest bit of a word.
#[inline]
pub(crate) const fn encode(side: Side) -> usize {
    match side {
        Side::A => 0,
        Side::B => 1,
    }
}

/// The side in the lowest bit of a word.
#[inline]
pub(crate) const fn decode(word: usize) -> Side {
    if word & 1 == 0 { Side::A } else { Side::B }
}

impl fmt::Debug for FrontWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: for the eye only.
        self.load(Ordering::Relaxed).fmt(f)
    }
}
