//! The word that every read loads: which side is the front, and what a reader fences.

use core::fmt;

use dbuf_core::primitive::atomic::{AtomicUsize, Ordering};
use dbuf_core::{Side, const_fn};

use crate::bit::{decode, encode};

/// Readers fence when they enter. The one truth about the mode.
const FENCED: usize = 1 << 1;
/// Readers fence when they leave too: no barrier is known to work.
const LEAVE_FENCES: usize = 1 << 2;
/// A check of the swap that made this side the front has found stragglers.
const STRAGGLERS: usize = 1 << 3;

/// A value of the word. The side is its lowest bit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(usize);

impl Word {
    /// Side A, and every fence.
    pub(super) const FRESH: Self = Self(FENCED | LEAVE_FENCES);

    #[inline]
    pub(super) const fn side(self) -> Side {
        decode(self.0)
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

    /// The other side, fenced or not, and no stragglers that are known.
    pub(super) const fn next(self, fenced: bool) -> Self {
        let fenced = if fenced { FENCED } else { 0 };
        Self((self.0 ^ encode(Side::B)) & !(FENCED | STRAGGLERS) | fenced)
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
