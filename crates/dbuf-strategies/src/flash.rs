//! Each reader has a word that says where it reads, and the writer turns it.
//!
//! # Idea
//!
//! A reader's word holds the side it reads and how many guards it has there. To enter it
//! adds a guard and learns the side in one step. The writer swaps every reader's word for
//! one that names the new front and has no guards; the same step tells it how many guards
//! that reader had, and they are the *residue* of the old side. A leave that finds another
//! side in its word is one of those and counts the residue down; the last one wakes the
//! writer. (After the scheme of the `flashmap` crate.)
//!
//! # A read and a write, step by step
//!
//! | reader | writer |
//! |---|---|
//! | enter: `word` += one guard, take the side in it | flip: swap each word for the new front and no guards, sum up the guards |
//! | leave: if the side in `word` is the guard's, `word` -= one guard, in one step; else | add the sum to `residue[old]` |
//! | … `residue[side]` -= 1; if that was the last and the writer waits, wake | wait until `residue[old]` is 0 |
//!
//! Leaves may count a residue down before the sum is added: it is signed, and
//! nobody waits before the sum is in. Guards on a side that was set aside are in its residue
//! and in no word, so later flips do not see them.
//!
//! # States
//!
//! | `finished` | `residue[old]` | |
//! |---|---|---|
//! | yes | 0 | the back is the writer's |
//! | no | n | n guards on the old side |
//! | no | n and `WAITS` | the one that makes it 0 wakes |
//!
//! # Not one point for all
//!
//! Words flip one after another, so for a moment some readers see the new front
//! and some the old. Each reader by itself only moves forward.
//!
//! # Orderings
//!
//! Enter, leave and flip are read-modify-writes of the same word, so each is
//! before or after the other and no fence is needed: a flip sees the guard, or the
//! guard sees the flip.
//!
//! # Cost
//!
//! A read is two read-modify-writes of the reader's own line. A swap is one
//! read-modify-write for each live reader, under the registry's lock: more than a load,
//! but a wait needs no second pass over the readers. A slot without an owner is not
//! flipped: a registration takes the side under the same lock.

use std::sync::OnceLock;

use alloc::sync::Arc;
use core::fmt;
use core::task::{Context, Poll};

use crossbeam_utils::CachePadded;

use dbuf_core::sync::abort;
use dbuf_core::sync::atomic::{AtomicUsize, Ordering};
use dbuf_core::{BlockingStrategy, Side, Strategy, const_fn};

use crate::claim::Claim;
use crate::registry::{Registration, Registry};
use crate::side_word::SideWord;
use crate::side_word::{SIDE, decode, encode};
use crate::waker::AtomicWaker;

/// Readers hold a word that the writer flips. For frequent, small publishes.
///
/// A publish reaches one reader after another, not all at one point: see the
/// difference to other strategies if readers talk to each other about what they
/// read. Each reader by itself never goes back.
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
    /// Where the words point that are not being flipped. Written with the
    /// registry locked.
    front: SideWord,
    claim: Claim,
    /// Reader tokens may outlive the strategy and share this.
    shared: OnceLock<Arc<Inner>>,
}

/// What readers have in common.
struct Inner {
    readers: Registry<Slot>,
    waker: AtomicWaker,
    /// By side: guards on it that are in no reader's word.
    residue: [CachePadded<AtomicUsize>; 3],
}

/// One reader's words.
#[derive(Default)]
struct Slot {
    /// The side in the lowest bits, the guards on it above.
    word: AtomicUsize,
    /// How much of each residue is this reader's: what its drop has to settle.
    owed: [AtomicUsize; 3],
}

/// One guard, in a slot's word and in a residue.
const GUARD: usize = SIDE + 1;
/// In the residue's lowest bit: the writer sleeps.
const WAITS: usize = 1;
/// Guards of one reader: it alone adds to its word.
const LIMIT: usize = usize::MAX / 2;

impl Inner {
    /// Counts guards off a residue. Returns whether they were the last that a writer waits for.
    fn settle(&self, side: Side, guards: usize) -> bool {
        let gone = guards.wrapping_mul(GUARD);
        // ORDERING: Release; partner: `is_free` and the sum in `start_swap` (S3).
        let before = self.residue[side as usize].fetch_sub(gone, Ordering::Release);
        before == gone | WAITS
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl FlashStrategy {
    const_fn! {
        /// A fresh strategy. It allocates with the first claim or reader.
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
        self.shared.get_or_init(|| {
            Arc::new(Inner {
                readers: Registry::new(()),
                waker: AtomicWaker::new(),
                residue: core::array::from_fn(|_| CachePadded::new(AtomicUsize::new(0))),
            })
        })
    }

    /// Checks a residue, leaving `flag` there.
    fn is_free(&self, side: Side, flag: usize) -> bool {
        let residue = &self.shared().residue[side as usize];
        // ORDERING: Acquire; partner: `settle` (S3). The last of a chain of
        // read-modify-writes carries what all of them released.
        if residue.fetch_or(flag, Ordering::Acquire) & !WAITS != 0 {
            return false;
        }
        // Relaxed: nobody else changes it before the side was the front again.
        residue.store(0, Ordering::Relaxed);
        true
    }

    /// Checks the old side, leaving `flag` there, and latches.
    fn poll_old(&self, flag: usize) -> bool {
        self.claim.is_finished()
            || (self.is_free(self.claim.back(), flag) && self.claim.set_finished(true))
    }

    /// The same for the spare side.
    fn poll_spare(&self, flag: usize) -> bool {
        self.claim.is_spare_free()
            || (self.is_free(self.claim.spare(), flag) && self.claim.set_spare_free(true))
    }

    /// How many guards keep a side, for diagnosis.
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

/// A reader of a [`FlashStrategy`]: its slot.
pub struct FlashReader {
    slot: Registration<Slot>,
    shared: Arc<Inner>,
}

impl FlashReader {
    /// The end of a guard that is not the only one in the word, or not in it at all.
    #[cold]
    #[inline(never)]
    fn leave(&self, side: Side, mut word: usize) {
        while decode(word) == side {
            // ORDERING: as in `release`.
            match self.slot.word.compare_exchange_weak(
                word,
                word - GUARD,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(changed) => word = changed,
            }
        }
        // Relaxed: read by this reader's drop only, which follows.
        self.slot.owed[side as usize].fetch_sub(1, Ordering::Relaxed);
        if self.shared.settle(side, 1) {
            self.shared.wake();
        }
    }
}

impl fmt::Debug for FlashReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlashReader").finish_non_exhaustive()
    }
}

/// Gives the slot back, and ends the claim of guards that were forgotten.
impl Drop for FlashReader {
    fn drop(&mut self) {
        let mut owed = [0; 3];
        self.shared.readers.free(&mut self.slot, |slot, ()| {
            // Relaxed: flips come under the same lock; `settle` releases.
            owed = slot
                .owed
                .each_ref()
                .map(|owed| owed.swap(0, Ordering::Relaxed));
            slot.word.store(0, Ordering::Relaxed);
        });
        let mut wakes = false;
        for side in [Side::A, Side::B, Side::C] {
            let owed = owed[side as usize];
            wakes |= owed > 0 && self.shared.settle(side, owed);
        }
        // Once, and last (S7): there is one waker.
        if wakes {
            self.shared.wake();
        }
    }
}

// SAFETY: by clause, see the module's documentation for the argument:
// S1, S10 `Claim`. S2 one word for enter and flip; registration and flip exclude
// each other. S3, S4 Release and Acquire of words and residue. S5 the latch.
// S6 `WAITS` in the word that the last leave changes. S7 the waker is taken last;
// `LIMIT`. S8, S12 the residue counts guards. S9 `start_swap`. S11 tokens share
// `Shared`, slots do not move (R2).
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
                // Relaxed: flips come under the same lock, which also orders the
                // data behind the side.
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
        // Relaxed: as in `CountStrategy`. It is stored before the words turn, so this may
        // be early: then a new guard stands on the old side once more.
        self.front.load(Ordering::Relaxed) == *side
    }

    #[inline]
    unsafe fn release(&self, reader: &FlashReader, side: Side) {
        // The only guard, and still on the front: one step.
        // ORDERING: Release; partner: the flip in `start_swap` (S3). Relaxed on failure:
        // nothing but the word is read by it.
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
        // Relaxed: exact for the claim's holder only.
        self.front.load(Ordering::Relaxed)
    }

    unsafe fn start_swap(&self, _: &mut FlashWriter) {
        let shared = self.shared();
        let (old, front) = (self.front(), self.claim.back());
        let mut sum = 0_usize;
        shared.readers.for_each(
            // From here to the end nothing allocates, runs user code or unwinds.
            || {
                self.claim.start_swap(old);
                // Relaxed: for registrations, under the same lock.
                self.front.store(front, Ordering::Relaxed);
            },
            |slot| {
                // ORDERING: Release; partner: the enter in `acquire` (S4).
                // Acquire; partner: the leave in `release`, for guards that are
                // gone already and in no residue (S3).
                let word = slot.word.swap(encode(front), Ordering::AcqRel);
                let guards = word / GUARD;
                if guards > 0 {
                    // Relaxed: see `FlashReader::leave`. Wraps if some left already.
                    slot.owed[old as usize].fetch_add(guards, Ordering::Relaxed);
                    // Each reader is below its limit, all together need not be.
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
        // ORDERING: Acquire; partner: `settle`, if all of them left already (S3).
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
        // User code first: a panic in `clone` changes nothing.
        let waker = cx.waker().clone();
        let cell = &self.shared().waker;
        // SAFETY: the caller holds the claim.
        unsafe { cell.register(waker) };
        if self.poll_old(WAITS) {
            drop(cell.take());
            return Poll::Ready(());
        }
        // Also woken for the spare side.
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
        // Relaxed: a guard of this thread on a side that is not the front is owed there
        // since the flip, which this thread has acquired with the claim or made itself.
        let word = slot.word.load(Ordering::Relaxed);
        slot.owed[side as usize].load(Ordering::Relaxed) > 0
            || (decode(word) == side && word / GUARD > 0)
    }
}

impl BlockingStrategy for FlashStrategy {}

/// A strategy whose readers have more guards together than can be summed up.
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

/// A strategy with as many guards as it can count.
#[cfg(all(test, feature = "std"))]
pub(crate) fn full() -> (FlashStrategy, FlashReader) {
    let strategy = FlashStrategy::new();
    let reader = strategy.new_reader();
    // Relaxed: one thread.
    reader.slot.word.store(LIMIT, Ordering::Relaxed);
    (strategy, reader)
}
