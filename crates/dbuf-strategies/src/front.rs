//! A word that names a side: the front, or the spare one.

use core::fmt;

use dbuf_core::primitive::atomic::{AtomicUsize, Ordering};
use dbuf_core::{Side, const_fn};

use crate::bit::{decode, encode};

/// A side in an atomic word. The orderings are the caller's, who argues them.
pub(crate) struct FrontWord(AtomicUsize);

impl FrontWord {
    const_fn! {
        pub(crate) const fn new(side: Side) -> Self {
            Self(AtomicUsize::new(encode(side)))
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

impl fmt::Debug for FrontWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: for the eye only.
        self.load(Ordering::Relaxed).fmt(f)
    }
}
