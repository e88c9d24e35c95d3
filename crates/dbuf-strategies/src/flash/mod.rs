//! Each reader has a word that names its side, and the writer flips it.
//!
//! # Idea
//!
//! A reader's word holds the side that it reads and how many guards it has there. To enter it
//! adds a guard and loads the side in one step. The writer swaps every reader's word for
//! one that names the new front and has no guards. The old word has the number of guards
//! of that reader, and they become the *residue* of the old side. A leave that finds another
//! side in its word subtracts itself from the residue; the last one wakes the writer. (After
//! the scheme of the `flashmap` crate.)
//!
//! # A read and a write, step by step
//!
//! | reader | writer |
//! |---|---|
//! | enter: `word` += one guard, take the side in it | flip: swap each word for the new front and no guards, sum up the guards |
//! | leave: if the side in `word` is the guard's, `word` -= one guard, in one step; else | add the sum to `residue[old]` |
//! | … `residue[side]` -= 1; if that was the last and the writer waits, wake | wait until `residue[old]` is 0 |
//!
//! Leaves may subtract from a residue before the sum is added: it is signed, and the writer
//! waits only after it has added the sum. Guards on a side that was set aside are in its
//! residue and in no word, so later flips do not count them.
//!
//! # States
//!
//! | `finished` | `residue[old]` | |
//! |---|---|---|
//! | yes | 0 | the back is the writer's |
//! | no | n | n guards on the old side |
//! | no | n and `WAITS` | the leave that makes it 0 wakes |
//!
//! # Not one point for all
//!
//! Words flip one after another, so for a moment some readers see the new front
//! and some the old. Each single reader only moves forward.
//!
//! # Orderings
//!
//! Enter, leave and flip are read-modify-writes of the same word, so they are ordered and no
//! fence is needed: a flip sees the guard, or the guard sees the flip.
//!
//! # Cost
//!
//! A read is two read-modify-writes of the reader's own line. A swap is one
//! read-modify-write for each live reader, under the registry's lock: dearer than a load,
//! but a wait needs no second pass over the readers. A slot without an owner is not
//! flipped: a registration takes the side under the same lock.

mod reader;

use alloc::sync::Arc;
use core::fmt;
use core::task::{Context, Poll};
use std::sync::OnceLock;

use dbuf_core::sync::abort;
use dbuf_core::sync::atomic::Ordering;
use dbuf_core::{BlockingStrategy, Side, Strategy, const_fn};

use self::reader::{GUARD, Inner, LIMIT, WAITS};
use crate::claim::Claim;
#[cfg(all(test, feature = "std"))]
use crate::side_word::SIDE;
use crate::side_word::{SideWord, decode, encode};

pub use self::reader::FlashReader;

/// Each reader has a word that the writer flips: for frequent, small publishes.
///
/// A publish reaches one reader after another, not all at one point. Threads that exchange
/// what they have read may notice: one may still read the old value after another has read
/// the new one. Each single reader only moves forward.
///
/// # Examples
///
/// ```
/// use dbuf_strategies::FlashStrategy;
///
/// let (mut writer, reader) = dbuf_core::arc(1, 1, FlashStrategy::new());
/// let guard = reader.read();
/// writer.store(2);
/// assert_eq!((*guard, *reader.read()), (1, 2));
/// ```
pub struct FlashStrategy {
    /// The side that the words name, but for those that are about to be flipped. Stored with
    /// the registry locked.
    front: SideWord,
    claim: Claim,
    /// Reader tokens may outlive the strategy and share this.
    shared: OnceLock<Arc<Inner>>,
}

impl FlashStrategy {
    const_fn! {
        /// Makes a fresh strategy. It allocates with the first claim or reader.
        ///
        /// # Examples
        ///
        /// ```
        /// use dbuf_strategies::FlashStrategy;
        ///
        /// let (mut writer, reader) = dbuf_core::arc(1, 1, FlashStrategy::new());
        /// writer.store(2);
        /// assert_eq!(*reader.read(), 2);
        /// ```
        pub const fn new() -> Self {
            Self {
                front: SideWord::new(Side::A),
                claim: Claim::new(),
                shared: OnceLock::new(),
            }
        }
    }

    fn shared(&self) -> &Arc<Inner> {
        self.shared.get_or_init(|| Arc::new(Inner::new()))
    }

    /// Returns whether a residue is 0. If not, it sets `flag` there.
    fn is_free(&self, side: Side, flag: usize) -> bool {
        let residue = &self.shared().residue[side as usize];
        // ORDERING: Acquire; partner: `Inner::settle` (S3). The last of a chain of
        // read-modify-writes carries what all of them released.
        if residue.fetch_or(flag, Ordering::Acquire) & !WAITS != 0 {
            return false;
        }
        // Relaxed: no other thread changes it until the side was the front again.
        residue.store(0, Ordering::Relaxed);
        true
    }

    /// Checks the old side, and sets the latch if it is free, else `flag`. Returns whether the
    /// swap is finished.
    fn poll_old(&self, flag: usize) -> bool {
        self.claim.is_finished()
            || (self.is_free(self.claim.back(), flag) && self.claim.set_finished(true))
    }

    /// Checks the spare side, and sets its latch if it is free, else `flag`. Returns whether it
    /// is free.
    fn poll_spare(&self, flag: usize) -> bool {
        self.claim.is_spare_free()
            || (self.is_free(self.claim.spare(), flag) && self.claim.set_spare_free(true))
    }

    /// Returns how many guards keep a side, for diagnosis.
    fn residue(&self, side: Side) -> usize {
        // Relaxed: for diagnosis.
        self.shared().residue[side as usize].load(Ordering::Relaxed) / GUARD
    }
}

impl Default for FlashStrategy {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for FlashStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlashStrategy")
            .field("front", &self.front)
            .finish_non_exhaustive()
    }
}

/// Proof of the claim of a [`FlashStrategy`].
#[derive(Debug)]
pub struct FlashWriter(());

// SAFETY: by clause; the module's documentation has the argument. S1, S10: `Claim`. S2: enter and
// flip change one word; registration and flip exclude each other. S3, S4: Release and Acquire of
// words and residue. S5: the latch. S6: `WAITS` is in the word that the last leave changes. S7: a
// leave wakes last; `LIMIT`. S8, S12, S13: each residue counts guards. S9: only `start_swap`
// stores `front`. S11: tokens share `Inner`, slots do not move (R2).
unsafe impl Strategy for FlashStrategy {
    type WriterToken = FlashWriter;
    type ReaderToken = FlashReader;
    type GuardToken = Side;

    fn try_claim_writer(&self) -> Option<FlashWriter> {
        self.claim.try_claim().then_some(FlashWriter(()))
    }

    unsafe fn release_writer(&self, _: FlashWriter) {
        self.claim.release();
    }

    fn is_writer_claimed(&self) -> bool {
        self.claim.is_claimed()
    }

    fn new_reader(&self) -> FlashReader {
        let shared = self.shared();
        FlashReader {
            slot: shared.readers.register(|slot, ()| {
                // Relaxed: flips take the same lock, which also orders the writes to the side.
                let front = encode(self.front.load(Ordering::Relaxed));
                slot.word.store(front, Ordering::Relaxed);
            }),
            shared: Arc::clone(shared),
        }
    }

    #[inline]
    unsafe fn acquire(&self, reader: &FlashReader) -> Side {
        // ORDERING: Acquire; partner: the flip in `start_swap` (S4).
        let word = reader.slot.word.fetch_add(GUARD, Ordering::Acquire);
        if word >= LIMIT {
            abort("too many guards");
        }
        decode(word)
    }

    #[inline]
    fn side(guard: &Side) -> Side {
        *guard
    }

    #[inline]
    unsafe fn is_current(&self, _: &FlashReader, side: &Side) -> bool {
        // Relaxed: no data is read by it. The front is stored before the words flip, so a
        // refresh may take a guard on the old side once more (design.md 5.8).
        self.front.load(Ordering::Relaxed) == *side
    }

    #[inline]
    unsafe fn release(&self, reader: &FlashReader, side: Side) {
        // One step, if it is the only guard and the word was not flipped.
        // ORDERING: Release; partner: the flip in `start_swap` (S3). Relaxed on failure:
        // `leave` uses only the value.
        if let Err(word) = reader.slot.word.compare_exchange(
            GUARD | encode(side),
            encode(side),
            Ordering::Release,
            Ordering::Relaxed,
        ) {
            reader.leave(side, word);
        }
    }

    #[inline]
    fn front(&self) -> Side {
        // Relaxed: exact only for the holder of the claim.
        self.front.load(Ordering::Relaxed)
    }

    unsafe fn start_swap(&self, _: &mut FlashWriter) {
        let shared = self.shared();
        let (old, front) = (self.front(), self.claim.back());
        let mut sum = 0_usize;
        shared.readers.for_each(
            // From here on nothing allocates, runs user code or unwinds.
            || {
                self.claim.start_swap(old);
                // Relaxed: registrations load it under the same lock.
                self.front.store(front, Ordering::Relaxed);
            },
            |slot| {
                // ORDERING: Release; partner: the enter in `acquire` (S4). Acquire; partner:
                // the leave in `release`, for guards that are gone and in no residue (S3).
                let word = slot.word.swap(encode(front), Ordering::AcqRel);
                let guards = word / GUARD;
                if guards > 0 {
                    // Relaxed: only this reader's drop and `holds` load it. It wraps if
                    // some guards have left.
                    slot.owed[old as usize].fetch_add(guards, Ordering::Relaxed);
                    // Each reader is below its limit; their sum need not be.
                    sum = match guards
                        .checked_mul(GUARD)
                        .and_then(|more| sum.checked_add(more))
                    {
                        Some(sum) => sum,
                        None => abort("too many guards"),
                    };
                }
            },
        );
        // ORDERING: Acquire; partner: `Inner::settle`, if all of them have left (S3).
        let residue = shared.residue[old as usize].fetch_add(sum, Ordering::Acquire);
        self.claim.set_finished(residue.wrapping_add(sum) == 0);
    }

    #[inline]
    unsafe fn is_finished(&self, _: &FlashWriter) -> bool {
        self.claim.is_finished()
    }

    unsafe fn try_finish(&self, _: &mut FlashWriter) -> bool {
        self.poll_old(0)
    }

    unsafe fn poll_finish(&self, _: &mut FlashWriter, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_old(0) {
            return Poll::Ready(());
        }
        // User code comes first, so a panic in `clone` changes nothing.
        let waker = cx.waker().clone();
        let cell = &self.shared().waker;
        // SAFETY: the caller holds the claim.
        unsafe { cell.register(waker) };
        if self.poll_old(WAITS) {
            drop(cell.take());
            return Poll::Ready(());
        }
        // The last leave of the spare side wakes too.
        self.poll_spare(WAITS);
        Poll::Pending
    }

    unsafe fn stragglers(&self, _: &FlashWriter) -> usize {
        if self.claim.is_finished() {
            0
        } else {
            self.residue(self.claim.back())
        }
    }

    #[inline]
    fn spare(&self) -> Side {
        self.claim.spare()
    }

    #[inline]
    fn back(&self) -> Side {
        self.claim.back()
    }

    unsafe fn try_free_spare(&self, _: &mut FlashWriter) -> bool {
        self.poll_spare(0)
    }

    unsafe fn set_aside(&self, _: &mut FlashWriter) {
        self.claim.set_aside();
    }

    unsafe fn spare_stragglers(&self, _: &FlashWriter) -> usize {
        if self.claim.is_spare_free() {
            0
        } else {
            self.residue(self.claim.spare())
        }
    }

    unsafe fn holds(&self, reader: &FlashReader, side: Side) -> bool {
        let slot = &*reader.slot;
        // Relaxed: the flip added a guard of this thread that is not on the front to `owed`, and
        // this thread made that flip or acquired it with the claim.
        let word = slot.word.load(Ordering::Relaxed);
        slot.owed[side as usize].load(Ordering::Relaxed) > 0
            || (decode(word) == side && word / GUARD > 0)
    }

    unsafe fn holds_elsewhere(&self, reader: &FlashReader, side: Side) -> bool {
        // Relaxed: for diagnosis.
        reader.slot.owed[side as usize].load(Ordering::Relaxed) > 0
    }
}

impl BlockingStrategy for FlashStrategy {}

/// A strategy whose readers together have more guards than a residue can hold.
#[cfg(all(test, feature = "std"))]
pub(crate) fn overfull() -> (FlashStrategy, [FlashReader; 3]) {
    let strategy = FlashStrategy::new();
    let readers = [(); 3].map(|()| strategy.new_reader());
    for reader in &readers {
        // Relaxed: one thread.
        reader.slot.word.store(LIMIT & !SIDE, Ordering::Relaxed);
    }
    (strategy, readers)
}

/// A strategy whose reader has as many guards as it can count.
#[cfg(all(test, feature = "std"))]
pub(crate) fn full() -> (FlashStrategy, FlashReader) {
    let strategy = FlashStrategy::new();
    let reader = strategy.new_reader();
    // Relaxed: one thread.
    reader.slot.word.store(LIMIT, Ordering::Relaxed);
    (strategy, reader)
}
