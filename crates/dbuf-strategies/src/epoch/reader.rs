//! The reader's half: it enters, leaves and keeps nested guards.

use alloc::sync::Arc;
use core::cell::Cell;
use core::fmt;

use dbuf_core::Side;
use dbuf_core::sync::abort;
use dbuf_core::sync::atomic::{Ordering, fence};

use super::fence::compiler_barrier;
use super::note::Note;
use super::slot::{Inner, Slot};
use super::word::{Epoch, FrontWord, Word};
use crate::registry::Registration;

/// A reader of an [`EpochStrategy`](crate::EpochStrategy).
pub struct EpochReader {
    pub(super) slot: Registration<Slot>,
    /// A guard was nested, and the reader still has guards. `guards` counts them.
    nested: Cell<bool>,
    /// The number of guards on each side, while `nested`.
    guards: Cell<[u32; 3]>,
    shared: Arc<Inner>,
}

/// A guard of an [`EpochStrategy`](crate::EpochStrategy): the word by which it entered. Only a
/// nested guard keeps the bit STRAGGLERS.
#[derive(Debug)]
pub struct EpochGuard(pub(super) Word);

impl EpochGuard {
    #[inline]
    pub(super) const fn side(&self) -> Side {
        self.0.side()
    }

    /// Returns whether the front word is the one by which the guard entered (design.md 6.16).
    /// Then no swap that was checked waits for this guard (6.17).
    #[inline]
    pub(super) fn is_current(&self, front: &FrontWord) -> bool {
        // Relaxed: while the guard lives, the front leaves its side at most once and does not
        // return (S2, C2). So *equal* means newest, and no data is read by it.
        front.load(Ordering::Relaxed) == self.0
    }
}

impl EpochReader {
    pub(super) fn new(shared: Arc<Inner>) -> Self {
        Self {
            slot: shared.readers.register(|slot, retired| {
                // Relaxed: its last owner freed it under the same lock.
                *retired = retired.wrapping_sub(slot.epoch.load(Ordering::Relaxed));
            }),
            nested: Cell::new(false),
            guards: Cell::new([0; 3]),
            shared,
        }
    }

    /// Returns the reader's own epoch.
    #[inline]
    fn epoch(&self) -> Epoch {
        // Relaxed: only this reader stores it.
        self.slot.epoch.load(Ordering::Relaxed)
    }

    /// Takes a guard on the newest front.
    #[inline]
    pub(super) fn enter(&self, front: &FrontWord) -> EpochGuard {
        // The pointer is loaded once: after a fence the compiler would load it again.
        let slot = &*self.slot;
        let mut epoch = self.epoch();
        if epoch % 2 == 1 {
            return self.nested_enter(front);
        }
        epoch = epoch.wrapping_add(1);
        // ORDERING: E1: Release, partners: `Slot::has_left` and `scan`, which may see the
        // last leave by this store (S3).
        slot.epoch.store(epoch, Ordering::Release);
        // E2. Either the writer sees this epoch, or this reader sees the new front (S2).
        // In asymmetric mode its partner is the barrier of W2 in `order_swap`.
        compiler_barrier();
        // ORDERING: E3: Acquire, partners: the stores in `flip`, `adopt_barrier` and
        // `mark_stragglers` (S4). UNMODELLED: loom's readers find FENCED set and load again.
        // ThreadSanitizer reports a race on the value without it.
        let mut word = front.load(Ordering::Acquire);
        if word.is_fenced() {
            // ORDERING: E2, partner: W2 in `order_swap` (S2).
            fence(Ordering::SeqCst);
            // ORDERING: Acquire; partners: the stores in `flip` and `mark_stragglers` (S4).
            word = front.load(Ordering::Acquire);
        }
        // E4. Relaxed: it is true whenever it is loaded, and the epoch orders the leaves of
        // earlier guards (design.md 6.3).
        slot.note.store(Note::one(word, epoch).0, Ordering::Relaxed);
        // E1 may precede a scan and E4 follow the check after it. Then the swap waits for this
        // guard, so it must not be current once stragglers are known (design.md 6.17).
        EpochGuard(word.without_stragglers())
    }

    /// Ends a guard.
    #[inline]
    pub(super) fn leave(&self, guard: EpochGuard) {
        if self.nested.get() {
            return self.nested_leave(guard);
        }
        self.leave_all(self.epoch(), guard.0.has_leave_fences());
    }

    /// L2. Without `fences`, the writer issues a barrier before it sleeps.
    #[inline]
    fn order_leave(fences: bool) {
        compiler_barrier();
        if fences {
            // ORDERING: L2, partner: P2 in `poll_finish`. Either this reader sees that it was
            // asked, or the writer sees before it sleeps that the reader has left (S6).
            fence(Ordering::SeqCst);
        }
    }

    /// Ends the last guard: L1 to L3.
    #[inline]
    fn leave_all(&self, epoch: Epoch, fences: bool) {
        // The pointer is loaded once, as in `enter`.
        let slot = &*self.slot;
        // ORDERING: L1: Release, partners: `Slot::has_left` and `scan` (S3).
        slot.epoch.store(epoch.wrapping_add(1), Ordering::Release);
        Self::order_leave(fences);
        // L3. Relaxed: L2 and P2 decide, and `AtomicWaker` orders its own accesses.
        if slot.asked.load(Ordering::Relaxed) == epoch {
            self.shared.wake();
        }
    }

    /// N1: notes the sides on which the reader has guards.
    #[inline]
    fn note(&self, note: Note) {
        // ORDERING: Release; partner: `Slot::may_hold`. S3: the reads under guards on a side
        // that the note names no more happen-before the finish.
        self.slot.note.store(note.0, Ordering::Release);
    }

    /// Returns the reader's own note.
    #[inline]
    fn own_note(&self) -> Note {
        // Relaxed: only this reader stores it.
        Note(self.slot.note.load(Ordering::Relaxed))
    }

    /// Loads the front after all that precedes the call: E2 and E3.
    fn load_front(front: &FrontWord) -> Word {
        compiler_barrier();
        // ORDERING: Acquire; partners: the stores in `flip`, `adopt_barrier` and
        // `mark_stragglers` (S4). UNMODELLED: loom's readers find FENCED set and load again.
        let word = front.load(Ordering::Acquire);
        if !word.is_fenced() {
            return word;
        }
        // ORDERING: E2, partner: W2 in `order_swap` (S2).
        fence(Ordering::SeqCst);
        // ORDERING: Acquire; partners: the stores in `flip` and `mark_stragglers` (S4).
        // UNMODELLED: the noted side would have to become the front again between the load
        // above and the fence, and loom switches threads before atomic accesses only.
        front.load(Ordering::Acquire)
    }

    /// Takes one more guard, on the newest front.
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
        // Relaxed: a side on which this reader has a guard has not been written since that
        // guard acquired it (S4). For another side, `announce` loads the front again.
        let mut word = front.load(Ordering::Relaxed);
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

    /// Notes the side of a nested guard on which the reader has none yet (design.md 6.5).
    ///
    /// Then it loads the front again: either a swap that takes this side sees the note, or
    /// this load sees the swap (S2).
    fn announce(&self, exact: Note, front: &FrontWord) -> Word {
        let mut word = Self::load_front(front);
        let mut note = exact;
        let mut moves = 0;
        // At most three rounds: each notes one side more, and a front that was noted before
        // it was loaded ends the loop.
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
            // A check may have seen a side that the note names no more, and wait for this
            // reader. So the guard must not be current once stragglers are known.
            word = word.without_stragglers();
        }
        word
    }

    /// Ends a guard that was not the reader's only one for its whole life.
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
        // L3. The writer may also have asked about a side on which there never was a guard.
        // Relaxed: L2 and P2 decide, and `AtomicWaker` orders its own accesses.
        if self.slot.asked.load(Ordering::Relaxed) == epoch {
            let unheld = !note.sides();
            let asked = self.slot.asked_sides.fetch_and(!unheld, Ordering::Relaxed);
            if asked & unheld != 0 {
                self.shared.wake();
            }
        }
    }

    /// Returns whether the reader has a guard on `side`. It only loads atomics, since another
    /// thread may use the reader meanwhile.
    pub(super) fn holds(&self, side: Side) -> bool {
        let epoch = self.epoch();
        epoch % 2 == 1 && self.own_note().may_hold(side, epoch)
    }

    /// Makes this a reader with as many guards as it can count.
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

/// Frees the slot, and ends guards that were forgotten.
impl Drop for EpochReader {
    fn drop(&mut self) {
        let epoch = self.epoch();
        let forgotten = epoch % 2 == 1;
        if forgotten {
            // ORDERING: L1: Release, partners: `Slot::has_left` and `scan` (S3).
            self.slot
                .epoch
                .store(epoch.wrapping_add(1), Ordering::Release);
        }
        self.shared.readers.free(&mut self.slot, |slot, retired| {
            // Relaxed: only this reader stores it.
            *retired = retired.wrapping_add(slot.epoch.load(Ordering::Relaxed));
        });
        if forgotten {
            // It wakes even if it was not asked: a spurious wake is harmless. Waking is the
            // last step (S7).
            self.shared.wake();
        }
    }
}
