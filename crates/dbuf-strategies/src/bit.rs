//! A side in a packed word.

use core::hint::unreachable_unchecked;

use dbuf_core::Side;

/// The bits of a side.
pub(crate) const SIDE: usize = 3;

/// The side as the lowest two bits of a word.
#[inline]
pub(crate) const fn encode(side: Side) -> usize {
    side as usize
}

/// The side in the lowest two bits of a word.
#[inline]
pub(crate) const fn decode(word: usize) -> Side {
    match word & SIDE {
        0 => Side::A,
        1 => Side::B,
        2 => Side::C,
        // SAFETY: the bits of a side are made by `encode` only.
        _ => unsafe { unreachable_unchecked() },
    }
}
