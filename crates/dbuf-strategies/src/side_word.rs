//! How a packed word holds a side, and an atomic word that holds one.

use core::fmt;
use core::hint::unreachable_unchecked;

use dbuf_core::sync::atomic::{AtomicUsize, Ordering};
use dbuf_core::{Side, const_fn};

/// The bits of a side.
pub(crate) const SIDE: usize = 3;

/// Returns the side as the lowest two bits of a word.
#[inline]
pub(crate) const fn encode(side: Side) -> usize {
    side as usize
}

/// Returns the side in the lowest two bits of a word.
#[inline]
pub(crate) const fn decode(word: usize) -> Side {
    match word & SIDE {
        0 => Side::A,
        1 => Side::B,
        2 => Side::C,
        // SAFETY: only `encode` makes the bits of a side.
        _ => unsafe { unreachable_unchecked() },
    }
}

/// A side in an atomic word. Callers pass the orderings and argue them.
pub(crate) struct SideWord(AtomicUsize);

impl SideWord {
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

impl fmt::Debug for SideWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: for diagnosis.
        self.load(Ordering::Relaxed).fmt(f)
    }
}
