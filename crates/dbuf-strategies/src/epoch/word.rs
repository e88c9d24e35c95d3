//! The word that every read loads: which side is the front, and what a reader fences. And
//! the note of a reader: on which sides it has guards.

use core::fmt;

use dbuf_core::sync::atomic::{AtomicUsize, Ordering};
use dbuf_core::{Side, const_fn};

use super::reader::Epoch;
use crate::side_word::{decode, encode};

/// The side is in the highest two bits, so that those below are free for an epoch.
const SIDE_SHIFT: u32 = usize::BITS - 2;
/// Readers fence when they enter. The one truth about the mode.
const FENCED: usize = 1 << (usize::BITS - 3);
/// Readers fence when they leave too: no barrier is known to work.
const LEAVE_FENCES: usize = 1 << (usize::BITS - 4);
/// A check of the swap that made this side the front has found stragglers. The lowest bit,
/// which is set in every odd epoch: a [`Note`] need not take it out.
const STRAGGLERS: usize = 1;

/// A value of the word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(usize);

impl Word {
    /// Side A, and every fence.
    pub(super) const FRESH: Self = Self(FENCED | LEAVE_FENCES);

    #[inline]
    pub(super) const fn side(self) -> Side {
        decode(self.0 >> SIDE_SHIFT)
    }

    #[inline]
    pub(super) const fn is_fenced(self) -> bool {
        self.0 & FENCED != 0
    }

    #[inline]
    pub(super) const fn has_leave_fences(self) -> bool {
        self.0 & LEAVE_FENCES != 0
    }

    #[inline]
    pub(super) const fn has_stragglers(self) -> bool {
        self.0 & STRAGGLERS != 0
    }

    /// Another side, fenced or not, and no stragglers that are known.
    pub(super) const fn next(self, front: Side, fenced: bool) -> Self {
        let fenced = if fenced { FENCED } else { 0 };
        Self(encode(front) << SIDE_SHIFT | self.0 & LEAVE_FENCES | fenced)
    }

    /// The same side and mode, after a check that found stragglers.
    pub(super) const fn with_stragglers(self) -> Self {
        Self(self.0 | STRAGGLERS)
    }

    /// The same side and mode, before such a check.
    #[inline]
    pub(super) const fn without_stragglers(self) -> Self {
        Self(self.0 & !STRAGGLERS)
    }

    /// The same side, and readers that rely on a barrier.
    pub(super) const fn without_fences(self) -> Self {
        Self(self.0 & !(FENCED | LEAVE_FENCES))
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Word")
            .field("side", &self.side())
            .field("fenced", &self.is_fenced())
            .field("has_leave_fences", &self.has_leave_fences())
            .field("has_stragglers", &self.has_stragglers())
            .finish()
    }
}

/// The word itself. The orderings are the caller's, who argues them.
pub(super) struct FrontWord(AtomicUsize);

impl FrontWord {
    const_fn! {
        pub(super) const fn new() -> Self {
            Self(AtomicUsize::new(Word::FRESH.0))
        }
    }

    #[inline]
    pub(super) fn load(&self, ordering: Ordering) -> Word {
        Word(self.0.load(ordering))
    }

    #[inline]
    pub(super) fn store(&self, word: Word, ordering: Ordering) {
        self.0.store(word.0, ordering);
    }
}

/// From a word to the bits of a note.
const NOTE_SHIFT: u32 = Epoch::BITS - usize::BITS;
/// In a note instead of a side: the three bits below are the sides.
const MANY: Epoch = 3 << (Epoch::BITS - 2);
/// Where the bits of a note of many are.
const SIDES_SHIFT: u32 = Epoch::BITS - 5;
/// The bits of a note that are its epoch's.
const EPOCH: Epoch = Epoch::MAX >> 5;

/// What a reader notes beside its epoch: on which sides it has guards. Its highest five
/// bits are those of the word by which its first guard entered, or `MANY` and a bit for
/// each side. Below is the epoch to which the note belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Note(pub(super) Epoch);

impl Note {
    /// The part of an epoch that a note has room for. Where epochs have 64 bits they do not
    /// outgrow it in years, and a note says nothing once they do.
    #[inline]
    const fn tag(epoch: Epoch) -> Epoch {
        if Epoch::BITS == 64 {
            epoch
        } else {
            epoch & EPOCH
        }
    }

    /// One guard, or several on the side of one.
    #[inline]
    pub(super) const fn one(word: Word, epoch: Epoch) -> Self {
        let word = if NOTE_SHIFT == 0 {
            word
        } else {
            word.without_stragglers()
        };
        Self((word.0 as Epoch) << NOTE_SHIFT | Self::tag(epoch))
    }

    /// The same, to which sides can be added.
    pub(super) const fn into_many(self) -> Self {
        Self(MANY | Self::bit(self.side()) | self.0 & EPOCH)
    }

    /// Whether a side is in it. Of a note of many.
    #[inline]
    pub(super) const fn holds(self, side: Side) -> bool {
        self.0 & Self::bit(side) != 0
    }

    /// One side more. Of a note of many.
    #[inline]
    pub(super) const fn with(self, side: Side) -> Self {
        Self(self.0 | Self::bit(side))
    }

    /// One side less. Of a note of many.
    #[inline]
    pub(super) const fn without(self, side: Side) -> Self {
        Self(self.0 & !Self::bit(side))
    }

    /// The sides, a bit each by their number. Of a note of many.
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

    /// The side of a note that [`one`](Self::one) made.
    pub(super) const fn side(self) -> Side {
        decode((self.0 >> (Epoch::BITS - 2)) as usize)
    }

    /// Whether there may be a guard on `side` in this epoch. A note of another epoch says
    /// nothing, so there may.
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
