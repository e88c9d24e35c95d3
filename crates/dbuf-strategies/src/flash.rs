//! Each reader has a word that says where it reads, and the writer turns it.
//!
//! # Idea
//!
//! A reader's word holds the side it reads and how many guards it has. To enter it
//! adds a guard and learns the side in one step. The writer flips every reader's
//! side bit; the same step tells it how many guards that reader had, and they are
//! the *residue* it waits for. A leave that finds the other side in its word is
//! one of those and counts the residue down; the last one wakes the writer. (The
//! scheme of the `flashmap` crate.)
//!
//! # A read and a write, step by step
//!
//! | reader | writer |
//! |---|---|
//! | enter: `word` += one guard, take the side in it | flip: for each word, turn the side bit, sum up the guards |
//! | leave: `word` -= one guard; if the side in it is not the guard's: | add the sum to `residue` |
//! | … `residue` -= 1; if that was the last and the writer waits, wake | wait until `residue` is 0 |
//!
//! Leaves may count `residue` down before the sum is added: it is signed, and
//! nobody waits before the sum is in.
//!
//! # States
//!
//! | `finished` | `residue` | |
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

use dbuf_core::primitive::abort;
use dbuf_core::primitive::atomic::{AtomicUsize, Ordering};
use dbuf_core::{BlockingStrategy, Side, Strategy, const_fn};

use crate::bit::{decode, encode};
use crate::claim::Claim;
use crate::front::FrontWord;
use crate::registry::{Registration, Registry};
use crate::waker::WakerCell;

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
    front: FrontWord,
    claim: Claim,
    /// Reader tokens may outlive the strategy and share this.
    shared: OnceLock<Arc<Shared>>,
}

/// What readers have in common.
struct Shared {
    readers: Registry<Slot>,
    waker: WakerCell,
    residue: CachePadded<AtomicUsize>,
}

/// One reader's words.
#[derive(Default)]
struct Slot {
    /// The side in the lowest bit, guards above it.
    word: AtomicUsize,
    /// How much of the residue is this reader's: what its drop has to settle.
    owed: AtomicUsize,
}

/// One guard, in a slot's word and in the residue.
const GUARD: usize = 2;
/// In the residue's lowest bit: the writer sleeps.
const WAITS: usize = 1;
/// Guards of one reader: it alone adds to its word.
const LIMIT: usize = usize::MAX / 2;

impl Shared {
    /// Counts guards of the old side off, and wakes if they were the last.
    #[cold]
    #[inline(never)]
    fn settle(&self, guards: usize) {
        let gone = guards.wrapping_mul(GUARD);
        // ORDERING: Release; partner: `look` and the sum in `start_swap` (S3).
        let before = self.residue.fetch_sub(gone, Ordering::Release);
        if before != gone | WAITS {
            return;
        }
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
                front: FrontWord::new(),
                claim: Claim::new(),
                shared: OnceLock::new(),
            }
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        self.shared.get_or_init(|| {
            Arc::new(Shared {
                readers: Registry::new(()),
                waker: WakerCell::new(),
                residue: CachePadded::new(AtomicUsize::new(0)),
            })
        })
    }

    /// Looks at the residue, leaving `flag` there, and latches.
    fn look(&self, flag: usize) -> bool {
        if self.claim.is_finished() {
            return true;
        }
        let residue = &self.shared().residue;
        // ORDERING: Acquire; partner: `settle` (S3). The last of a chain of
        // read-modify-writes carries what all of them released.
        if residue.fetch_or(flag, Ordering::Acquire) & !WAITS != 0 {
            return false;
        }
        // Relaxed: nobody else changes it before the next start.
        residue.store(0, Ordering::Relaxed);
        self.claim.set_finished(true)
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
    shared: Arc<Shared>,
}

impl FlashReader {
    /// A guard of the old side went.
    #[cold]
    #[inline(never)]
    fn straggler_left(&self) {
        // Relaxed: read by this reader's drop only, which follows.
        self.slot.owed.fetch_sub(1, Ordering::Relaxed);
        self.shared.settle(1);
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
        let mut owed = 0;
        self.shared.readers.free(&mut self.slot, |slot, ()| {
            // Relaxed: flips come under the same lock; `settle` releases.
            owed = slot.owed.swap(0, Ordering::Relaxed);
            slot.word.store(0, Ordering::Relaxed);
        });
        if owed > 0 {
            self.shared.settle(owed);
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
        // ORDERING: Release; partner: the flip in `start_swap` (S3).
        let word = reader.slot.word.fetch_sub(GUARD, Ordering::Release);
        if decode(word) != side {
            reader.straggler_left();
        }
    }

    #[inline]
    fn front(&self) -> Side {
        // Relaxed: exact for the claim's holder only.
        self.front.load(Ordering::Relaxed)
    }

    unsafe fn start_swap(&self, _: &mut FlashWriter) {
        let shared = self.shared();
        let front = self.front().other();
        let mut sum = 0_usize;
        shared.readers.for_each(
            // From here to the end nothing allocates, runs user code or unwinds.
            || {
                self.claim.set_finished(false);
                // Relaxed: for registrations, under the same lock.
                self.front.store(front, Ordering::Relaxed);
            },
            |slot| {
                // ORDERING: Release; partner: the enter in `acquire` (S4).
                // Acquire; partner: the leave in `release`, for guards that are
                // gone already and in no residue (S3).
                let word = slot.word.fetch_xor(1, Ordering::AcqRel);
                let guards = word / GUARD;
                if guards > 0 {
                    // Relaxed: see `straggler_left`. Wraps if some left already.
                    slot.owed.fetch_add(guards, Ordering::Relaxed);
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
        let residue = shared.residue.fetch_add(sum, Ordering::Acquire);
        self.claim.set_finished(residue.wrapping_add(sum) == 0);
    }

    #[inline]
    unsafe fn is_finished(&self, _: &FlashWriter) -> bool {
        self.claim.is_finished()
    }

    unsafe fn try_finish(&self, _: &mut FlashWriter) -> bool {
        self.look(0)
    }

    unsafe fn poll_finish(&self, _: &mut FlashWriter, cx: &mut Context<'_>) -> Poll<()> {
        if self.look(0) {
            return Poll::Ready(());
        }
        // User code first: a panic in `clone` changes nothing.
        let waker = cx.waker().clone();
        let cell = &self.shared().waker;
        // SAFETY: the caller holds the claim.
        unsafe { cell.register(waker) };
        if self.look(WAITS) {
            drop(cell.take());
            return Poll::Ready(());
        }
        Poll::Pending
    }

    unsafe fn stragglers(&self, _: &FlashWriter) -> usize {
        if self.claim.is_finished() {
            return 0;
        }
        // Relaxed: for diagnosis.
        self.shared().residue.load(Ordering::Relaxed) / GUARD
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
        reader.slot.word.store(LIMIT, Ordering::Relaxed);
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
