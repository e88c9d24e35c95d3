//! The reader's half: enter, leave, and nested guards.

use alloc::sync::Arc;

use core::cell::Cell;
use core::fmt;

use dbuf_core::Side;
use dbuf_core::sync::abort;
#[cfg(target_has_atomic = "64")]
use dbuf_core::sync::atomic::AtomicU64;
use dbuf_core::sync::atomic::{AtomicUsize, Ordering, fence};

use super::Inner;
use super::fence::compiler_barrier;
use super::word::{FrontWord, Note, Word};
use crate::registry::Registration;

/// An epoch has 64 bits where atomics have: a wrap must not be met.
#[cfg(target_has_atomic = "64")]
pub(super) type Epoch = u64;
#[cfg(target_has_atomic = "64")]
type AtomicEpoch = AtomicU64;
/// Elsewhere it has as many as a word.
#[cfg(not(target_has_atomic = "64"))]
pub(super) type Epoch = usize;
#[cfg(not(target_has_atomic = "64"))]
type AtomicEpoch = AtomicUsize;

/// One reader's words. Together on a line: a leave stores one, loads the other.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// Odd while the reader has guards. Never decreases.
    pub(super) epoch: AtomicEpoch,
    /// The last odd epoch at whose end the reader was asked to wake the writer, or 0.
    pub(super) asked: AtomicEpoch,
    /// The sides that were asked for, a bit each, but for those where the reader has answered.
    pub(super) asked_sides: AtomicUsize,
    /// On which sides the reader has guards (a [`Note`]).
    pub(super) note: AtomicEpoch,
}

impl Slot {
    /// P1: asks the reader to wake the writer when it has no guard on one of these sides.
    pub(super) fn ask(&self, epoch: Epoch, sides: usize) {
        // Relaxed, both: P2 and L2 decide who sees them.
        self.asked_sides.store(sides, Ordering::Relaxed);
        self.asked.store(epoch, Ordering::Relaxed);
    }

    /// Whether the reader has no guard on `side` any more, since a scan that read `epoch`
    /// here and found that it may have one.
    pub(super) fn has_left(&self, side: Side, epoch: Epoch) -> bool {
        // ORDERING: Acquire; partner: every store to an epoch. S3: the reads
        // under the guards that are gone happen-before the finish.
        self.epoch.load(Ordering::Acquire) != epoch || !self.may_hold(side, epoch)
    }

    /// Whether the reader may have a guard on `side` in this epoch.
    pub(super) fn may_hold(&self, side: Side, epoch: Epoch) -> bool {
        // ORDERING: Acquire; partner: the notes of nested guards (S3).
        Note(self.note.load(Ordering::Acquire)).may_hold(side, epoch)
    }
}

/// A reader of an [`EpochStrategy`](crate::EpochStrategy): its slot, and what only it
/// needs to know.
pub struct EpochReader {
    pub(super) slot: Registration<Slot>,
    /// There was more than one guard, and not all are gone yet: `guards` counts them.
    nested: Cell<bool>,
    /// Live guards on each side.
    guards: Cell<[u32; 3]>,
    shared: Arc<Inner>,
}

/// A guard of an [`EpochStrategy`](crate::EpochStrategy): the word that it entered by, with
/// the mark for stragglers only if its enter was nested.
#[derive(Debug)]
pub struct EpochGuard(pub(super) Word);

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

impl EpochReader {
    pub(super) fn new(shared: Arc<Inner>) -> Self {
        Self {
            slot: shared.readers.register(|slot, retired| {
                // Relaxed: its last owner gave it back under the same lock.
                *retired = retired.wrapping_sub(slot.epoch.load(Ordering::Relaxed));
            }),
            nested: Cell::new(false),
            guards: Cell::new([0; 3]),
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
        let mut epoch = self.epoch();
        if epoch % 2 == 1 {
            return self.nested_enter(front);
        }
        epoch = epoch.wrapping_add(1);
        // ORDERING: E1: Release, partner: `Slot::has_left` and the scan, which may
        // learn of the last leave from this store (S3).
        slot.epoch.store(epoch, Ordering::Release);
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
        // E4. Relaxed: it is true whenever it is read, and leaves of earlier guards come
        // with the epoch.
        slot.note.store(Note::one(word, epoch).0, Ordering::Relaxed);
        // E1 may be older than a scan and E4 younger than the check that follows: then this
        // guard is waited for. So it is not current where stragglers are known.
        EpochGuard(word.without_stragglers())
    }

    /// The end of a guard.
    #[inline]
    pub(super) fn leave(&self, guard: EpochGuard) {
        if self.nested.get() {
            return self.nested_leave(guard);
        }
        self.leave_all(self.epoch(), guard.0.has_leave_fences());
    }

    /// L2. Where there is a barrier, the writer issues one before it sleeps.
    #[inline]
    fn order_leave(fences: bool) {
        compiler_barrier();
        if fences {
            // ORDERING: L2, partner: P2 in `poll_finish`. Either this reader sees that
            // it is asked, or the writer sees what it left behind before it sleeps (S6).
            fence(Ordering::SeqCst);
        }
    }

    /// The end of the last guard: L1 to L3.
    #[inline]
    fn leave_all(&self, epoch: Epoch, fences: bool) {
        // As in `enter`.
        let slot = &*self.slot;
        // ORDERING: L1: Release, partner: `Slot::has_left` and the scan (S3).
        slot.epoch.store(epoch.wrapping_add(1), Ordering::Release);
        Self::order_leave(fences);
        // L3. Relaxed: the fence decides; the waker cell orders itself.
        if slot.asked.load(Ordering::Relaxed) == epoch {
            self.shared.wake();
        }
    }

    /// N1: notes on which sides there are guards.
    #[inline]
    fn note(&self, note: Note) {
        // ORDERING: Release; partner: `Slot::may_hold`. S3: the reads under a guard that is
        // not in the note any more happen-before the finish.
        self.slot.note.store(note.0, Ordering::Release);
    }

    /// The reader's own note.
    #[inline]
    fn own_note(&self) -> Note {
        // Relaxed: only this reader stores it.
        Note(self.slot.note.load(Ordering::Relaxed))
    }

    /// The front, after everything before it: E2 and E3.
    fn load_front(front: &FrontWord) -> Word {
        compiler_barrier();
        // ORDERING: Acquire; partner: the stores of `front` (S4).
        let word = front.load(Ordering::Acquire);
        if !word.is_fenced() {
            return word;
        }
        // ORDERING: partner: W2 in `start_swap` (S2).
        fence(Ordering::SeqCst);
        // ORDERING: Acquire; partner: the stores of `front` (S4).
        front.load(Ordering::Acquire)
    }

    /// One more guard, on the newest front.
    #[cold]
    #[inline(never)]
    fn nested_enter(&self, front: &FrontWord) -> EpochGuard {
        let mut note = self.own_note();
        let mut guards = self.guards.get();
        if !self.nested.get() {
            guards = [0; 3];
            guards[note.side() as usize] = 1;
            note = note.into_many();
        }
        // ORDERING: Acquire; partner: the stores of `front` (S4).
        let mut word = front.load(Ordering::Acquire);
        if !note.holds(word.side()) {
            word = self.announce(note, front);
        } else if !self.nested.get() {
            self.note(note);
        }
        let count = &mut guards[word.side() as usize];
        *count = match count.checked_add(1) {
            Some(count) => count,
            None => abort("too many guards"),
        };
        self.guards.set(guards);
        self.nested.set(true);
        EpochGuard(word)
    }

    /// Notes the side of a guard to come, where there is none yet.
    ///
    /// The epoch says nothing of a guard that comes later. So it is noted on the side where it
    /// will be, and then the front is loaded again: either a swap that takes this side sees
    /// the note, or this load sees the swap (S2). (Where there is a guard already, each swap
    /// that takes the side waits for it, and so for the note.)
    fn announce(&self, exact: Note, front: &FrontWord) -> Word {
        let mut word = Self::load_front(front);
        let mut note = exact;
        let mut moves = 0;
        // At most three times: each adds a side, and one that is noted before the load will do.
        while !note.holds(word.side()) {
            note = note.with(word.side());
            self.note(note);
            word = Self::load_front(front);
            moves += 1;
        }
        let exact = exact.with(word.side());
        if moves == 0 || note != exact {
            self.note(exact);
        }
        if moves > 1 || note != exact {
            // A swap may have seen a side that is not in the note any more, and its check may
            // have come before this. So it is not current where stragglers are known.
            word = word.without_stragglers();
        }
        word
    }

    /// A guard went, and it was not the only one for all its life.
    #[cold]
    #[inline(never)]
    fn nested_leave(&self, guard: EpochGuard) {
        let (epoch, side) = (self.epoch(), guard.side());
        let fences = guard.0.has_leave_fences();
        let mut guards = self.guards.get();
        guards[side as usize] -= 1;
        self.guards.set(guards);
        let mut note = self.own_note();
        if guards[side as usize] == 0 {
            note = note.without(side);
            if !note.holds_any() {
                self.nested.set(false);
                return self.leave_all(epoch, fences);
            }
            self.note(note);
        }
        Self::order_leave(fences);
        // L3. It asks for a side: also for one where there never was a guard, if the writer
        // could not know that when it went to sleep. Relaxed: as in `leave_all`.
        if self.slot.asked.load(Ordering::Relaxed) == epoch {
            let left = !note.sides();
            let asked = self.slot.asked_sides.fetch_and(!left, Ordering::Relaxed);
            if asked & left != 0 {
                self.shared.wake();
            }
        }
    }

    /// Whether there is a guard on `side`.
    pub(super) fn holds(&self, side: Side) -> bool {
        let epoch = self.epoch();
        epoch % 2 == 1 && self.own_note().may_hold(side, epoch)
    }

    /// A reader with as many guards as it can count.
    #[cfg(all(test, feature = "std"))]
    pub(super) fn fill(&self) {
        self.guards.set([u32::MAX; 3]);
        self.nested.set(true);
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
