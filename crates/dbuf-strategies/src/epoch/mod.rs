//! Each reader announces itself on a cache line of its own.
//!
//! # Idea
//!
//! A reader has an *epoch*: odd while it has guards, even while it has none. To
//! enter, it makes its epoch odd and then loads the side word. The writer flips
//! the side word and then looks at every epoch: those that are even are gone, or
//! will see the new side; those that are odd go into a *snapshot*, and the swap
//! is finished when each of them has moved on. (The scheme of `left-right` and
//! `evmap`; after Ramalhete and Correia, "Left-Right: A Concurrency Control
//! Technique with Wait-Free Population Oblivious Reads".)
//!
//! # A read and a write, step by step
//!
//! | reader enters | writer starts a swap |
//! |---|---|
//! | E1 `epoch` := odd | W1 `front` := other side, and the mode |
//! | E2 light fence | W2 barrier, or fence |
//! | E3 load `front`; if it says FENCED: fence, load again. Take that side | W3 load every `epoch`; the odd ones are the snapshot, and are noted in `found` |
//!
//! | reader leaves | writer waits |
//! |---|---|
//! | L1 `epoch` := even | P1 register the waker, `asked` := epoch of the snapshot |
//! | L2 light fence; a fence where there is no barrier | P2 barrier; a fence where there is none |
//! | L3 load `asked`; if it is this epoch, wake | P3 load every `epoch` again; sleep if one is unmoved |
//!
//! Both tables are store buffering: each side stores one word and then loads the
//! other's. Without a fence on both sides each may miss the other's store: in
//! the first the writer overlooks a reader on the old side, in the second the
//! last reader overlooks the sleeping writer. A barrier (`fence`) is the writer's
//! fence and every reader's at once.
//!
//! # Modes
//!
//! The side stands in a word beside two bits, and the word is the only truth about
//! both. `docs/protocol.md` has the proof, `tests/fence_model` checks it.
//!
//! | FENCED | LEAVE | a reader enters with | leaves with | W2 | P2 |
//! |---|---|---|---|---|---|
//! | set | set | a fence | a fence | fence | fence |
//! | clear | clear | nothing | nothing | barrier | barrier |
//! | set | clear | a fence | nothing | fence | barrier |
//!
//! A strategy starts in the first row. The first claim finds out whether the process
//! has a barrier and goes to the second. From then on the publish rate (`pace`) moves
//! it between the second and the third: *up*, where W1 sets FENCED and W2 still is a
//! barrier, so that whoever did not fence is found; and *down*, where W1 clears
//! FENCED and W2 still is a fence, since all who can be on the old side have fenced.
//!
//! # States
//!
//! | `finished` | snapshot | back |
//! |---|---|---|
//! | yes | empty | the writer's |
//! | no | readers that had guards when the swap was started | theirs, read only |
//!
//! # Nested guards
//!
//! A nested enter leaves the epoch alone and loads `front` afresh. That is safe
//! because the epoch is odd: whatever it loads, a swap that could take the side
//! away finds this epoch in its snapshot. But an epoch that never becomes even
//! would hold the writer up for ever, so a reader also moves on by 2 (still odd,
//! and changed) when its guards are known to stand on the front only:
//!
//! - when the last guard on the older side goes. That guard kept the swap
//!   unfinished, so `front` is the side of the others.
//! - when a swap says that it `found` the current epoch, and no guard stands on the
//!   side that it took away. The writer cannot finish, hence not flip again, before
//!   this epoch moves. (A guard that was taken while the swap was being started is in
//!   its snapshot although it stands on the front; those that are taken after it must
//!   not inherit that.)
//!
//! In both cases a swap waits for the store, and none is started before it is seen: the
//! nested enters after it need no fence.
//!
//! # Orderings
//!
//! - Every store to an epoch is Release and every load of the writer's Acquire:
//!   the reads under a guard happen-before a finish that saw *any* later epoch.
//!   The enter's too, since the writer may learn of a leave from the enter that
//!   follows; a later plain store does not continue a release sequence.
//! - `front` is stored Release and loaded Acquire: the writes to the back
//!   happen-before the reads of whoever loads the new side.
//! - Fences and barriers only settle who saw whom.
//!
//! # Cost
//!
//! A read stores its epoch twice and a note once, on lines that only this reader
//! writes, and loads the shared side word: no read-modify-write, no fence; in fenced
//! mode one fence, without a barrier two. A swap is one barrier or fence, and one load
//! for each slot in use. A reader can hold 2³² − 1 guards on one side at a time
//! (2¹⁶ − 1 on 32 bit); one more ends the process. Epochs have 64 bits on 32 bit too, where
//! there are atomics of that size; a read costs more there.

mod fence;
mod pace;
mod reader;
#[cfg(test)]
mod tests;
mod word;

use std::sync::OnceLock;
use std::time::Instant;

use alloc::sync::Arc;
use alloc::vec::Vec;

use core::fmt;
use core::task::{Context, Poll};

use crossbeam_utils::CachePadded;

use dbuf_core::primitive::atomic::{Ordering, fence};
use dbuf_core::primitive::cell::UnsafeCell;
use dbuf_core::{BlockingStrategy, Side, Strategy, const_fn};

use self::fence::{heavy, is_available};
use self::pace::Pace;
use self::reader::{Epoch, Slot, found};
use self::word::FrontWord;
use crate::claim::Claim;
use crate::registry::{Registry, SlotRef};
use crate::waker::WakerCell;

pub use self::fence::Fence;
pub use self::reader::{EpochGuard, EpochReader};

/// Readers announce themselves by an epoch of their own. The fastest reads, for
/// values that are read much more often than written.
///
/// On Linux a read needs no fence: the writer asks the kernel to fence for all
/// (`membarrier`). That costs each publish some microseconds, so a writer that
/// publishes in quick succession makes readers fence instead, until it slows down.
/// [`with_fence`](Self::with_fence) chooses once for all, and [`fence`](Self::fence)
/// shows what readers do.
///
/// The first claim in a process asks the kernel for its barrier. Where threads run
/// already, that takes some 10 ms, once. A barrier that is refused then (by a system
/// call filter, by a kernel without it) leaves readers fencing.
///
/// # Aborts
///
/// If a barrier that worked is refused later: readers rely on it, and to go on would
/// be unsound. Install system call filters before the first writer is claimed.
///
/// # Examples
///
/// ```
/// use dbuf_strategies::EpochStrategy;
///
/// let (mut writer, reader) = dbuf_core::arc(1, 1, EpochStrategy::new());
/// std::thread::scope(|scope| {
///     scope.spawn(move || while *reader.read() != 2 {});
///     writer.store(2);
/// });
/// ```
pub struct EpochStrategy {
    /// Alone on its line: every read loads it.
    front: CachePadded<FrontWord>,
    claim: Claim,
    /// What was asked for, if anything.
    forced: Option<Fence>,
    /// The writer's, by its token.
    writer: WriterCell,
    /// Reader tokens may outlive the strategy and share this.
    shared: OnceLock<Arc<Shared>>,
    /// What tests say instead of the clock.
    #[cfg(test)]
    scripted: tests::Script,
}

/// What only the writer needs, from one claim to the next.
struct WriterState {
    /// Who the last swap waits for.
    snapshot: Vec<Straggler>,
    pace: Pace,
}

/// The writer's state. Its token is its lock: whoever has the one token (S1) of this
/// strategy (C1) to itself may change it.
struct WriterCell(UnsafeCell<WriterState>);

// SAFETY: reached by a reference to the token only, and changed by an exclusive one; all
// that is in it is `Send` and `Sync`.
unsafe impl Sync for WriterCell {}

impl WriterCell {
    fn with<R>(&self, _: &EpochWriter, f: impl FnOnce(&WriterState) -> R) -> R {
        self.0.with(|state| {
            // SAFETY: nobody has the token exclusively.
            f(unsafe { &*state })
        })
    }

    fn with_mut<R>(&self, _: &mut EpochWriter, f: impl FnOnce(&mut WriterState) -> R) -> R {
        self.0.with_mut(|state| {
            // SAFETY: nobody else has the token, and `f` cannot reach this cell again
            // without it.
            f(unsafe { &mut *state })
        })
    }
}

/// What readers have in common.
struct Shared {
    readers: Registry<Slot>,
    /// On a line of its own, away from the counts of the `Arc`.
    waker: CachePadded<WakerCell>,
}

impl Shared {
    /// Wakes whoever waits, if nobody else does so at this moment.
    #[cold]
    #[inline(never)]
    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

struct Straggler {
    slot: SlotRef<Slot>,
    epoch: Epoch,
}

impl Straggler {
    fn is_gone(&self) -> bool {
        // ORDERING: Acquire; partner: every store to an epoch. S3: the reads
        // under the guards that are gone happen-before the finish.
        self.slot.epoch.load(Ordering::Acquire) != self.epoch
    }

    fn ask(&self) {
        // Relaxed: P2 and L2 decide who sees it.
        self.slot.asked.store(self.epoch, Ordering::Relaxed);
    }

    /// Takes back what the swap left in the slot. (Epochs of 32 bits wrap.)
    fn forget(&self) {
        // Relaxed: neither word matters once the epoch has moved.
        self.slot.asked.store(0, Ordering::Relaxed);
        // Relaxed: as above.
        self.slot.found.store(0, Ordering::Relaxed);
    }
}

impl EpochStrategy {
    const_fn! {
        /// A fresh strategy, whose fences follow the publish rate. It allocates with the
        /// first claim or reader.
        ///
        /// # Examples
        ///
        /// ```
        /// use dbuf_strategies::EpochStrategy;
        ///
        /// let (mut writer, reader) = dbuf_core::arc(1, 1, EpochStrategy::new());
        /// writer.store(2);
        /// assert_eq!(*reader.read(), 2);
        /// ```
        pub const fn new() -> Self {
            Self::with(None)
        }
    }

    const_fn! {
        /// A fresh strategy that fences in one way only.
        ///
        /// [`Fence::Asymmetric`] is a wish: where the process has no barrier, readers
        /// fence. [`Fence::Symmetric`] is an order: no system call is ever made.
        ///
        /// # Examples
        ///
        /// ```
        /// use dbuf_strategies::{EpochStrategy, Fence};
        ///
        /// // For a process whose system calls are filtered.
        /// let strategy = EpochStrategy::with_fence(Fence::Symmetric);
        /// let (writer, _reader) = dbuf_core::arc(1, 1, strategy);
        /// assert_eq!(writer.strategy().fence(), Fence::Symmetric);
        /// ```
        pub const fn with_fence(fence: Fence) -> Self {
            Self::with(Some(fence))
        }
    }

    const_fn! {
        const fn with(forced: Option<Fence>) -> Self {
            Self {
                front: CachePadded::new(FrontWord::new()),
                claim: Claim::new(),
                forced,
                writer: WriterCell(UnsafeCell::new(WriterState {
                    snapshot: Vec::new(),
                    pace: Pace::new(),
                })),
                #[cfg(test)]
                scripted: tests::Script::new(0),
                shared: OnceLock::new(),
            }
        }
    }

    /// Who fences at this moment. [`Symmetric`](Fence::Symmetric) until the first
    /// writer is claimed. One load; out of date when it returns.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::{EpochStrategy, Fence};
    ///
    /// let strategy = EpochStrategy::new();
    /// assert_eq!(strategy.fence(), Fence::Symmetric);
    /// ```
    pub fn fence(&self) -> Fence {
        // Relaxed: out of date when it returns, unless one holds the claim.
        if self.front.load(Ordering::Relaxed).is_fenced() {
            Fence::Symmetric
        } else {
            Fence::Asymmetric
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        self.shared.get_or_init(|| {
            Arc::new(Shared {
                readers: Registry::new(),
                waker: CachePadded::new(WakerCell::new()),
            })
        })
    }

    /// Whether readers rely on barriers when they leave, and may when they enter.
    fn has_barrier(&self) -> bool {
        // Relaxed: stored under the claim, which the caller holds.
        !self.front.load(Ordering::Relaxed).fences_leaves()
    }

    /// Under the claim: takes the fences off the readers, if there is a barrier. The
    /// way down needs none, also in the middle of a swap.
    fn adopt_barrier(&self) {
        // Relaxed: as in `has_barrier`.
        let word = self.front.load(Ordering::Relaxed);
        if word.fences_leaves() && self.forced != Some(Fence::Symmetric) && is_available() {
            // ORDERING: Release; partner: the load in `EpochReader::enter` (S4: who finds
            // the front here sees what was written to it before, by claims before this
            // one). UNMODELLED: loom has no barrier.
            self.front.store(word.without_fences(), Ordering::Release);
        }
    }

    /// W1 and W2. The new front.
    fn flip(&self, writer: &mut WriterState) -> Side {
        // Relaxed: stored under the claim.
        let before = self.front.load(Ordering::Relaxed);
        let fenced = before.is_fenced();
        let adapts = self.forced.is_none() && !before.fences_leaves();
        let after = if adapts {
            writer.wants_fences(fenced)
        } else {
            fenced
        };
        #[cfg(test)]
        let after = tests::scripted(self).filter(|_| adapts).unwrap_or(after);
        let after = before.next(after);
        // ORDERING: W1: Release; partner: the loads in `EpochReader::enter` (S4).
        self.front.store(after, Ordering::Release);
        // W2, partner: E2 in `EpochReader::enter` (S2), by what readers who may be on
        // the old side have done: the word *before* says it. A reader that registers
        // after the list is locked in `scan` sees the new front by that lock.
        if fenced {
            // ORDERING: W2, partner: the fence of E2.
            fence(Ordering::SeqCst);
        } else {
            writer.barrier();
        }
        after.side()
    }

    /// W3.
    fn scan(&self, writer: &mut WriterState, front: Side) {
        self.shared().readers.for_each(
            || {},
            |slot, slot_ref| {
                // ORDERING: Acquire; partner: every store to an epoch. S3, for guards that
                // are gone already.
                let epoch = slot.epoch.load(Ordering::Acquire);
                if epoch % 2 == 1 {
                    // Relaxed: it says all there is to know, and nothing is read by it.
                    slot.found.store(found(epoch, front), Ordering::Relaxed);
                    writer.snapshot.push(Straggler {
                        slot: slot_ref(),
                        epoch,
                    });
                }
            },
        );
    }

    /// Drops those who have left from the snapshot, and latches.
    fn look(&self, token: &mut EpochWriter, ask: bool) -> bool {
        if self.claim.is_finished() {
            return true;
        }
        let finished = self.writer.with_mut(token, |writer| {
            writer.snapshot.retain(|straggler| {
                let gone = straggler.is_gone();
                if gone {
                    straggler.forget();
                } else if ask {
                    straggler.ask();
                }
                !gone
            });
            writer.snapshot.is_empty()
        });
        self.claim.set_finished(finished)
    }

    /// As `look`, for the writer that does not wait. If that finds the swap finished, it
    /// wakes whoever waits: a reader that it saw gone may find the question taken back.
    fn look_and_wake(&self, token: &mut EpochWriter) -> bool {
        if self.claim.is_finished() {
            return true;
        }
        let finished = self.look(token, false);
        if finished {
            self.shared().wake();
        }
        finished
    }
}

impl WriterState {
    /// Whether readers shall fence after a swap that finds them `fenced`.
    fn wants_fences(&mut self, fenced: bool) -> bool {
        if fenced {
            !self.pace.is_slow_enough(Instant::now)
        } else {
            self.pace.is_too_fast(Instant::now())
        }
    }

    /// W2 where readers do not fence.
    fn barrier(&mut self) {
        let began = Instant::now();
        heavy();
        self.pace.took(began, Instant::now());
    }
}

impl Default for EpochStrategy {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for EpochStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EpochStrategy")
            .field("front", &self.front())
            .field("fence", &self.fence())
            .finish_non_exhaustive()
    }
}

/// Proof of the claim of an [`EpochStrategy`].
#[derive(Debug)]
pub struct EpochWriter(());

// SAFETY: by clause, see the module's documentation for the argument:
// S1, S10 `Claim`. S2 E1 to E3 against W1 to W3: an acquire of the old side is in
// the snapshot, or in an epoch that moved. S3, S4 Release and Acquire of `epoch`
// and `front`. S5 only `look` and an empty snapshot set the latch. S6 L1 to L3
// against P1 to P3, and `look_and_wake`. S7 the waker is taken last. S8 only a store
// of the reader moves an epoch. S9 `start_swap`. S11 tokens share `Shared`, slots do
// not move (R2). S12 the snapshot, and the two rules for nested guards.
unsafe impl Strategy for EpochStrategy {
    type WriterToken = EpochWriter;
    type ReaderToken = EpochReader;
    type GuardToken = EpochGuard;

    fn try_claim_writer(&self) -> Option<EpochWriter> {
        self.claim.try_claim().then(|| {
            self.adopt_barrier();
            EpochWriter(())
        })
    }

    unsafe fn release_writer(&self, _: EpochWriter) {
        self.claim.release();
    }

    fn is_writer_claimed(&self) -> bool {
        self.claim.is_claimed()
    }

    fn new_reader(&self) -> EpochReader {
        let shared = self.shared();
        EpochReader::new(shared.readers.register(|_| {}), Arc::clone(shared))
    }

    #[inline]
    unsafe fn acquire(&self, reader: &EpochReader) -> EpochGuard {
        reader.enter(&self.front)
    }

    #[inline]
    fn side(guard: &EpochGuard) -> Side {
        guard.side()
    }

    #[inline]
    unsafe fn is_current(&self, reader: &EpochReader, guard: &EpochGuard) -> bool {
        reader.is_current(guard, &self.front)
    }

    #[inline]
    unsafe fn release(&self, reader: &EpochReader, guard: EpochGuard) {
        reader.leave(guard);
    }

    #[inline]
    fn front(&self) -> Side {
        // Relaxed: exact for the claim's holder only.
        self.front.load(Ordering::Relaxed).side()
    }

    unsafe fn start_swap(&self, token: &mut EpochWriter) {
        self.claim.set_finished(false);
        let finished = self.writer.with_mut(token, |writer| {
            let front = self.flip(writer);
            self.scan(writer, front);
            writer.snapshot.is_empty()
        });
        self.claim.set_finished(finished);
    }

    #[inline]
    unsafe fn is_finished(&self, _: &EpochWriter) -> bool {
        self.claim.is_finished()
    }

    unsafe fn try_finish(&self, token: &mut EpochWriter) -> bool {
        self.look_and_wake(token)
    }

    unsafe fn poll_finish(&self, token: &mut EpochWriter, cx: &mut Context<'_>) -> Poll<()> {
        if self.look_and_wake(token) {
            return Poll::Ready(());
        }
        // P1. User code first: a panic in `clone` changes nothing.
        let waker = cx.waker().clone();
        let cell = &self.shared().waker;
        // SAFETY: the caller holds the claim.
        unsafe { cell.register(waker) };
        self.look(token, true);
        // P2, partner: L2 in `EpochReader::leave` (S6), whatever the mode: a straggler
        // may have entered in another.
        if self.has_barrier() {
            heavy();
        } else {
            // ORDERING: P2, partner: the fence of L2.
            fence(Ordering::SeqCst);
        }
        // P3.
        if self.look(token, false) {
            drop(cell.take());
            return Poll::Ready(());
        }
        Poll::Pending
    }

    unsafe fn stragglers(&self, token: &EpochWriter) -> usize {
        self.writer.with(token, |writer| {
            let left = |straggler: &&Straggler| !straggler.is_gone();
            writer.snapshot.iter().filter(left).count()
        })
    }
}

impl BlockingStrategy for EpochStrategy {}

/// A strategy with as many guards as it can count.
#[cfg(all(test, feature = "std"))]
pub(crate) fn full() -> (EpochStrategy, EpochReader) {
    let strategy = EpochStrategy::new();
    let reader = strategy.new_reader();
    reader.fill();
    (strategy, reader)
}
