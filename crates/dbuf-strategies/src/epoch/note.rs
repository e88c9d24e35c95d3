//! A reader's note: the sides on which it has guards, and the epoch for which it says so.

use dbuf_core::Side;

use super::word::{Epoch, Word};
use crate::side_word::decode;

/// The shift of a word's bits in a note.
const NOTE_SHIFT: u32 = Epoch::BITS - usize::BITS;
/// Where a note of one has its side: the note has a bit for each side instead.
const MANY: Epoch = 3 << (Epoch::BITS - 2);
/// The shift of those bits.
const SIDES_SHIFT: u32 = Epoch::BITS - 5;
/// The bits of a note that hold its epoch.
const EPOCH: Epoch = Epoch::MAX >> 5;

/// The value of a reader's note. A *note of one* has in its highest bits those of the word by
/// which the guard entered; a *note of many* has `MANY` and a bit for each side. The other
/// bits hold the epoch to which the note belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Note(pub(super) Epoch);

impl Note {
    /// The part of an epoch that a note has room for. Epochs of 64 bits do not outgrow it in
    /// years; once they do, a note belongs to no epoch.
    #[inline]
    const fn tag(epoch: Epoch) -> Epoch {
        if Epoch::BITS == 64 {
            epoch
        } else {
            epoch & EPOCH
        }
    }

    /// A note of one, for the guard that entered by `word`.
    #[inline]
    pub(super) const fn one(word: Word, epoch: Epoch) -> Self {
        let word = if NOTE_SHIFT == 0 {
            word
        } else {
            word.without_stragglers()
        };
        Self((word.0 as Epoch) << NOTE_SHIFT | Self::tag(epoch))
    }

    /// The same side as a note of many.
    pub(super) const fn into_many(self) -> Self {
        Self(MANY | Self::bit(self.side()) | self.0 & EPOCH)
    }

    /// Returns whether this note of many names the side.
    #[inline]
    pub(super) const fn holds(self, side: Side) -> bool {
        self.0 & Self::bit(side) != 0
    }

    /// This note of many with the side.
    #[inline]
    pub(super) const fn with(self, side: Side) -> Self {
        Self(self.0 | Self::bit(side))
    }

    /// This note of many without the side.
    #[inline]
    pub(super) const fn without(self, side: Side) -> Self {
        Self(self.0 & !Self::bit(side))
    }

    /// The sides of this note of many, a bit for each.
    pub(super) const fn sides(self) -> usize {
        (self.0 >> SIDES_SHIFT) as usize & 0b111
    }

    #[inline]
    pub(super) const fn holds_any(self) -> bool {
        self.sides() != 0
    }

    const fn bit(side: Side) -> Epoch {
        1 << (SIDES_SHIFT + side as u32)
    }

    /// The side of this note of one.
    pub(super) const fn side(self) -> Side {
        decode((self.0 >> (Epoch::BITS - 2)) as usize)
    }

    /// Returns whether the reader may have a guard on `side` in this epoch: always for a
    /// note of another epoch (design.md 6.2).
    pub(super) const fn may_hold(self, side: Side, epoch: Epoch) -> bool {
        if self.0 & EPOCH != Self::tag(epoch) {
            true
        } else if self.0 & MANY == MANY {
            self.holds(side)
        } else {
            self.side() as usize == side as usize
        }
    }
}
