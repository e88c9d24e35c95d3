//! The reader's half: enter, leave, and nested guards.

use alloc::sync::Arc;

use core::cell::Cell;
use core::fmt;

use dbuf_core::Side;
use dbuf_core::primitive::abort;
#[cfg(target_has_atomic = "64")]
use dbuf_core::primitive::atomic::AtomicU64;
use dbuf_core::primitive::atomic::{Ordering, fence};

use super::Shared;
use super::fence::compiler_barrier;
use super::word::{FrontWord, Word};
use crate::bit::{decode, encode};
use crate::registry::Registration;

/// An epoch has 64 bits where atomics have: a wrap must not be met ([`seen_by_swap`]).
#[cfg(target_has_atomic = "64")]
pub(super) type Epoch = u64;
#[cfg(target_has_atomic = "64")]
type AtomicEpoch = AtomicU64;
/// Elsewhere it has as many as a word.
#[cfg(not(target_has_atomic = "64"))]
pub(super) type Epoch = usize;
#[cfg(not(target_has_atomic = "64"))]
type AtomicEpoch = dbuf_core::primitive::atomic::AtomicUsize;

/// One reader's words. Together on a line: a leave stores one, loads the other.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// Odd while the reader has guards. Never decreases.
    pub(super) epoch: AtomicEpoch,
    /// The last odd epoch at whose end the reader was asked to wake the writer, or 0.
    pub(super) asked: AtomicEpoch,
    /// What the last swap saw here and has not seen changed ([`seen_by_swap`]), or 0.
    pub(super) seen_by_swap: AtomicEpoch,
}

/// What a swap that makes `front` the front leaves in a slot with an odd `epoch`. Never
/// 0. (The epoch's top bit goes. What an older epoch left is taken back by the writer's
/// next check, 2⁶² reads earlier; for epochs of 32 bits see `docs/protocol.md`.)
pub(super) const fn seen_by_swap(epoch: Epoch, front: Side) -> Epoch {
    epoch << 1 | encode(front) as Epoch
}

/// A reader of an [`EpochStrategy`](crate::EpochStrategy): its slot, and what only it
/// needs to know.
pub struct EpochReader {
    pub(super) slot: Registration<Slot>,
    /// The word by which the outermost guard entered.
    outer: Cell<Word>,
    /// Live guards, once there is more than one: those on A in the lower half of the
    /// word, those on B above. 0 when the last has gone, and while `outer` says it all.
    guards: Cell<usize>,
    /// The side that the last nested enter loaded.
    newest: Cell<Side>,
    shared: Arc<Shared>,
}

/// A guard of an [`EpochStrategy`](crate::EpochStrategy): the word that it entered by, with
/// the mark for stragglers only if its enter was nested.
#[derive(Debug)]
pub struct EpochGuard(Word);

impl EpochGuard {
    #[inline]
    pub(super) const fn side(&self) -> Side {
        self.0.side()
    }

    /// Whether the word is still the one that the guard entered by. Then no swap that was
    /// checked waits for this guard: one that a nested enter took after the check leaves that
    /// to older guards, whose leaves move the epoch on.
    #[inline]
    pub(super) fn is_current(&self, front: &FrontWord) -> bool {
        // Relaxed: while the guard lives the front leaves its side at most once and does
        // not come back (S2, C2). So this side is the newest, and no data is read by it.
        front.load(Ordering::Relaxed) == self.0
    }
}

/// The guards of one side, in the lower half of a word.
const COUNT: usize = usize::MAX >> (usize::BITS / 2);

/// One guard on `side`.
const fn one(side: Side) -> usize {
    match side {
        Side::A => 1,
        Side::B => COUNT + 1,
    }
}

/// How many of `guards` stand on `side`.
const fn count(guards: usize, side: Side) -> usize {
    (guards / one(side)) & COUNT
}

impl EpochReader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            slot: shared.readers.register(|slot, retired| {
                // Relaxed: its last owner gave it back under the same lock.
                *retired = retired.wrapping_sub(slot.epoch.load(Ordering::Relaxed));
            }),
            outer: Cell::new(Word::FRESH),
            guards: Cell::new(0),
            newest: Cell::new(Side::A),
            shared,
        }
    }

    /// The reader's own epoch.
    #[inline]
    fn epoch(&self) -> Epoch {
        // Relaxed: only this reader stores it.
        self.slot.epoch.load(Ordering::Relaxed)
    }

    /// A guard on the newest front.
    #[inline]
    pub(super) fn enter(&self, front: &FrontWord) -> EpochGuard {
        // One load of the pointer: a fence makes the compiler forget what it loaded.
        let slot = &*self.slot;
        let epoch = self.epoch();
        if epoch % 2 == 1 {
            return self.nested_enter(front);
        }
        // ORDERING: E1: Release, partner: `Straggler::has_left` and the scan, which may
        // learn of the last leave from this store (S3).
        slot.epoch.store(epoch.wrapping_add(1), Ordering::Release);
        // E2. Either the writer sees this epoch, or this reader sees the new front
        // (S2). Where the word says nothing else, its partner is the writer's barrier.
        compiler_barrier();
        // ORDERING: E3: Acquire, partner: the stores in `flip` and in
        // `adopt_barrier` (S4). UNMODELLED: loom's readers find FENCED set and load again.
        // ThreadSanitizer reports a race on the value without it.
        let mut word = front.load(Ordering::Acquire);
        if word.is_fenced() {
            // ORDERING: E2, partner: W2 in `start_swap` (S2).
            fence(Ordering::SeqCst);
            // ORDERING: Acquire; partner: the store in `start_swap` (S4).
            word = front.load(Ordering::Acquire);
        }
        self.outer.set(word);
        // E1 may be older than a scan and E3 younger than the check that follows: then this
        // guard is waited for. So it is not current where stragglers are known.
        EpochGuard(word.without_stragglers())
    }

    /// The end of a guard.
    #[inline]
    pub(super) fn leave(&self, guard: EpochGuard) {
        if self.guards.get() == 0 {
            self.advance(1, guard.0.has_leave_fences());
        } else {
            self.nested_leave(guard.side());
        }
    }

    /// Moves on, and wakes the writer if it was asked to: a leave.
    #[inline]
    fn advance(&self, by: Epoch, fences: bool) {
        // As in `enter`.
        let slot = &*self.slot;
        let epoch = self.epoch();
        // ORDERING: L1: Release, partner: `Straggler::has_left` and the scan (S3).
        slot.epoch.store(epoch.wrapping_add(by), Ordering::Release);
        // L2. Where there is a barrier, the writer issues one before it sleeps.
        compiler_barrier();
        if fences {
            // ORDERING: L2, partner: P2 in `poll_finish`. Either this reader sees that
            // it is asked, or the writer sees the new epoch before it sleeps (S6).
            fence(Ordering::SeqCst);
        }
        // L3. Relaxed: the fence decides; the waker cell orders itself.
        if slot.asked.load(Ordering::Relaxed) == epoch {
            self.shared.wake();
        }
    }

    /// One more guard, on the newest front.
    #[cold]
    #[inline(never)]
    fn nested_enter(&self, front: &FrontWord) -> EpochGuard {
        // ORDERING: Acquire; partner: the store in `start_swap` (S4).
        let word = front.load(Ordering::Acquire);
        let side = word.side();
        self.newest.set(side);
        let guards = match self.guards.get() {
            0 => one(self.outer.get().side()),
            guards => guards,
        };
        if count(guards, side) == COUNT {
            abort("too many guards");
        }
        self.guards.set(guards + one(side));
        EpochGuard(word)
    }

    /// A guard went, and it was not the only one for all its life.
    #[cold]
    #[inline(never)]
    fn nested_leave(&self, side: Side) {
        let guards = self.guards.get() - one(side);
        self.guards.set(guards);
        let epoch = self.epoch();
        // Fenced whatever the guard's word says: others may say otherwise.
        if guards == 0 {
            self.advance(1, true);
        } else if side != self.newest.get() {
            if count(guards, side) == 0 {
                self.advance(2, true);
            }
        } else {
            // Relaxed: the word itself names the side, and no data is read by it.
            let seen = self.slot.seen_by_swap.load(Ordering::Relaxed);
            let front = decode(seen as usize);
            if seen == seen_by_swap(epoch, front) && count(guards, front.other()) == 0 {
                self.advance(2, true);
            }
        }
    }

    /// A reader with as many guards as it can count.
    #[cfg(all(test, feature = "std"))]
    pub(super) fn fill(&self) {
        self.guards.set(COUNT);
        // Relaxed: one thread.
        self.slot.epoch.store(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for EpochReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EpochReader").finish_non_exhaustive()
    }
}

/// Gives the slot back, and ends the claim of guards that were forgotten.
impl Drop for EpochReader {
    fn drop(&mut self) {
        let epoch = self.epoch();
        let forgotten = epoch % 2 == 1;
        if forgotten {
            // ORDERING: as L1.
            self.slot
                .epoch
                .store(epoch.wrapping_add(1), Ordering::Release);
        }
        self.shared.readers.free(&mut self.slot, |slot, retired| {
            // Relaxed: only this reader stores it.
            *retired = retired.wrapping_add(slot.epoch.load(Ordering::Relaxed));
        });
        if forgotten {
            // Whether it was asked or not: a spurious wake costs nothing here. Waking is
            // the last thing to do.
            self.shared.wake();
        }
    }
}
