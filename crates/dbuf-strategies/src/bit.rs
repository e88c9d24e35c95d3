//! A side in a packed word.

use dbuf_core::Side;

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
