//! The word that every read loads: which side is the front, and when readers fence.

use core::fmt;

#[cfg(target_has_atomic = "64")]
use dbuf_core::sync::atomic::AtomicU64;
use dbuf_core::sync::atomic::{AtomicUsize, Ordering};
use dbuf_core::{Side, const_fn};

use crate::side_word::{decode, encode};

/// An epoch has 64 bits where atomics have, so that it does not wrap in practice.
#[cfg(target_has_atomic = "64")]
pub(super) type Epoch = u64;
#[cfg(target_has_atomic = "64")]
pub(super) type AtomicEpoch = AtomicU64;
/// An epoch has the bits of a word where atomics have no more.
#[cfg(not(target_has_atomic = "64"))]
pub(super) type Epoch = usize;
#[cfg(not(target_has_atomic = "64"))]
pub(super) type AtomicEpoch = AtomicUsize;

/// The side is in the highest two bits, so that those below are free for an epoch.
const SIDE_SHIFT: u32 = usize::BITS - 2;
/// Readers fence when they enter. Only this bit says so.
const FENCED: usize = 1 << (usize::BITS - 3);
/// Readers also fence when they leave: the process is not known to have a barrier.
const LEAVE_FENCES: usize = 1 << (usize::BITS - 4);
/// A check of the swap that made this side the front has found stragglers. It is the lowest
/// bit, which every odd epoch has set, so a note of 64 bits need not clear it.
const STRAGGLERS: usize = 1;

/// A value of the front word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(pub(super) usize);

impl Word {
    /// Side A, with every fence.
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

    /// `front` with the given mode, and no known stragglers.
    pub(super) const fn next(self, front: Side, fenced: bool) -> Self {
        let fenced = if fenced { FENCED } else { 0 };
        Self(encode(front) << SIDE_SHIFT | self.0 & LEAVE_FENCES | fenced)
    }

    /// The same side and mode, with known stragglers.
    pub(super) const fn with_stragglers(self) -> Self {
        Self(self.0 | STRAGGLERS)
    }

    /// The same side and mode, with no known stragglers.
    #[inline]
    pub(super) const fn without_stragglers(self) -> Self {
        Self(self.0 & !STRAGGLERS)
    }

    /// The same side, for readers that rely on a barrier.
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

/// The front word. Callers pass the orderings and argue them.
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
