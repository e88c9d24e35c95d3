//! Each reader announces itself on a cache line of its own.
//!
//! # Idea
//!
//! A reader has an *epoch*: odd while it has guards, even while it has none. To
//! enter, it makes its epoch odd and then loads the front word. The writer flips
//! the front word and then loads every epoch. A reader with an even epoch has left, or
//! will see the new side. Those with an odd one are the *waiting set*, and the swap is
//! finished when each of them has moved on. (The scheme of `left-right` and
//! `evmap`; after Ramalhete and Correia, "Left-Right: A Concurrency Control
//! Technique with Wait-Free Population Oblivious Reads".)
//!
//! Beside its epoch a reader keeps a *note* of the sides on which its guards are, since all
//! guards of a reader share one epoch. By the notes the writer waits for its side only.
//!
//! # A read and a write, step by step
//!
//! | reader enters | writer starts a swap |
//! |---|---|
//! | E1 `epoch` := odd | W1 `front` := the writer's side, and the mode |
//! | E2 compiler barrier | W2 barrier, or fence |
//! | E3 load `front`; if it says FENCED: fence, load again. Take that side | W3 renew the view if readers came or went; load every `epoch`; the odd ones whose note may name the old side are the waiting set |
//! | E4 note the side, with the epoch | |
//!
//! | reader leaves | writer waits |
//! |---|---|
//! | L1 `epoch` := even | P1 register the waker, `asked` := epoch of one straggler |
//! | L2 compiler barrier; a fence where there is no barrier | P2 barrier; a fence where there is none |
//! | L3 load `asked`; if it is this epoch, wake | P3 load the epochs and notes of the waiting set again; if the straggler that was asked has left, ask another (P1), else sleep |
//!
//! Both tables are store buffering: each side stores one word and then loads the
//! other's. Without a fence on both sides each may miss the other's store: in
//! the first the writer overlooks a reader on the old side, in the second the
//! last reader overlooks the sleeping writer. A barrier (`fence`) is the writer's
//! fence and every reader's at once.
//!
//! `docs/design.md`, 6, has the argument by clause, and `tests/fence_model` runs these tables
//! and what follows in every order that store buffers allow.
//!
//! # Files
//!
//! | file | has | clauses |
//! |---|---|---|
//! | `reader` | E1 to E4, L1 to L3, nested guards (N1) | 6.1 to 6.6 |
//! | `swap` | W1 to W3, P1, P3, the modes | 6.7 to 6.14 |
//! | `slot`, `note` | the words of one reader | 6.2, 6.3 |
//! | `word` | the front word: side, mode, STRAGGLERS | 6.11, 6.17 |
//! | `state` | the writer's view, waiting sets and policy | 6.10, 7.3 |
//! | `fence`, `fence_policy` | the barrier, and when it pays | 13, 6.13 |
//!
//! # States
//!
//! | `finished` | `start` | waiting set | back |
//! |---|---|---|---|
//! | yes | scanned | empty | the writer's |
//! | no | flipped: W1 was made and W3 was not | empty, and says nothing | read only; a check makes up for W2 and W3 |
//! | no | scanned | readers that had guards when the swap was started | read only; theirs |
//!
//! What needs memory precedes W1, and so does the clock where it is needed at all. What
//! can still unwind afterwards (a clock that fails, memory for a reader that registered in
//! between) leaves the second state.
//!
//! # Orderings
//!
//! - Every store to an epoch is Release and every load of the writer's Acquire:
//!   the reads under a guard happen-before a finish that saw *any* later epoch (6.4).
//! - `front` is stored Release and loaded Acquire: the writes to the back
//!   happen-before the reads of a reader that loads the new side.
//! - Fences and barriers only settle which of two threads saw the other's store (13.3).
//! - A reader that registers sets a flag before its first E1, and the writer loads it after
//!   W2: store buffering again, settled by the same fences (6.9).
//!
//! # Cost
//!
//! A read stores its epoch twice and its note once, on a line that only this reader
//! writes, and loads the shared front word: no read-modify-write, no fence; in fenced
//! mode one fence, without a barrier two. A swap is one barrier or fence, and one load
//! for each live reader; it takes no lock, unless readers came or went since the last. A reader
//! can hold 2³² − 1 guards on one side at a time; one more ends the process. Epochs have 64
//! bits on 32-bit targets too, where there are atomics of that size; a read costs more there.

mod fence;
mod fence_policy;
mod note;
mod reader;
mod slot;
mod state;
mod swap;
#[cfg(test)]
mod tests;
mod word;

use alloc::sync::Arc;
use core::fmt;
use core::task::{Context, Poll};
use std::sync::OnceLock;

use crossbeam_utils::CachePadded;
use dbuf_core::sync::atomic::{Ordering, fence};
use dbuf_core::{BlockingStrategy, Side, Strategy, const_fn};

use self::fence::{barrier, fence_cost, is_available};
use self::slot::Inner;
use self::state::{SpareStraggler, Start, WriterCell, WriterState};
use self::word::FrontWord;
use crate::claim::Claim;

pub use self::fence::Fence;
pub use self::reader::{EpochGuard, EpochReader};
pub use self::state::EpochWriter;

/// Each reader announces itself by an epoch of its own: the fastest reads, for values that
/// are read much more often than written.
///
/// On Linux a read needs no fence: the writer asks the kernel to fence for all readers
/// (`membarrier`). That costs each publish up to some ten microseconds, so where there are
/// few reads between two publishes, readers fence instead. The strategy measures both costs
/// and takes the cheaper way: see `docs/strategies.md`. [`with_fence`](Self::with_fence) fixes
/// the choice, and [`fence`](Self::fence) returns the present one.
///
/// The first claim in a process registers for the barrier. If other threads run already, that
/// takes some 10 ms, once. If the kernel refuses it (by a system call filter, or because it has
/// no barrier), readers keep fencing. The first claim also measures a fence, in some 20 µs.
///
/// # Panics
///
/// If the clock fails, a claim and a publish panic, where they need it: with a barrier, and
/// without `with_fence`. A publish that panics may have taken effect; the next call checks that.
///
/// # Aborts
///
/// If the kernel refuses a barrier that worked before: readers rely on it, so continuing
/// would be unsound. Install system call filters before the first writer is claimed.
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
    /// Alone on its cache line, since every read loads it.
    front: CachePadded<FrontWord>,
    claim: Claim,
    /// The fence of `with_fence`.
    forced: Option<Fence>,
    /// The writer reaches it by its token.
    writer: WriterCell,
    /// Reader tokens may outlive the strategy and share this.
    shared: OnceLock<Arc<Inner>>,
    /// What tests choose instead of the policy.
    #[cfg(test)]
    scripted: tests::Script,
}

impl EpochStrategy {
    const_fn! {
        /// Makes a fresh strategy, which takes the cheaper of the two fences. It allocates
        /// with the first claim or reader.
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
        /// Makes a fresh strategy that fences in one way only.
        ///
        /// [`Fence::Asymmetric`] is best effort: where the process has no barrier, readers
        /// fence. [`Fence::Symmetric`] is guaranteed: no system call is ever made.
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
                writer: WriterCell::new(),
                #[cfg(test)]
                scripted: tests::Script::new(0),
                shared: OnceLock::new(),
            }
        }
    }

    /// Returns which threads fence at this moment: [`Symmetric`](Fence::Symmetric) until the
    /// first writer is claimed. One load; out of date when it returns.
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
        // Relaxed: out of date when it returns, unless the caller holds the claim.
        if self.front.load(Ordering::Relaxed).is_fenced() {
            Fence::Symmetric
        } else {
            Fence::Asymmetric
        }
    }

    fn shared(&self) -> &Arc<Inner> {
        self.shared.get_or_init(|| Arc::new(Inner::new()))
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

// SAFETY: by clause; design.md 6 has the argument. S1, S10: `Claim`. S2: by E1 to E3, and N1,
// against W1 to W3, a guard on the old side is in the waiting set. S3, S4: Release and Acquire
// of `epoch`, `note` and `front`. S5: only a complete scan and an empty waiting set set the
// latch. S6: L1 to L3 against P1 to P3. S7: a leave wakes last; `nested_enter` checks the count.
// S8: only the reader stores its epoch and its note. S9: only `flip` changes the side. S11:
// tokens share `Inner`, slots do not move (R2). S12: the notes. S13: each side has a waiting set.
unsafe impl Strategy for EpochStrategy {
    type WriterToken = EpochWriter;
    type ReaderToken = EpochReader;
    type GuardToken = EpochGuard;

    fn try_claim_writer(&self) -> Option<EpochWriter> {
        if self.forced.is_none() && is_available() {
            // It may read the clock, which may fail. Here there is no claim to lose yet.
            fence_cost();
        }
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
        EpochReader::new(Arc::clone(self.shared()))
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
    unsafe fn is_current(&self, _: &EpochReader, guard: &EpochGuard) -> bool {
        guard.is_current(&self.front)
    }

    #[inline]
    unsafe fn release(&self, reader: &EpochReader, guard: EpochGuard) {
        reader.leave(guard);
    }

    #[inline]
    fn front(&self) -> Side {
        // Relaxed: exact only for the holder of the claim.
        self.front.load(Ordering::Relaxed).side()
    }

    unsafe fn start_swap(&self, token: &mut EpochWriter) {
        self.writer.with_mut(token, |writer| self.start(writer));
    }

    #[inline]
    unsafe fn is_finished(&self, _: &EpochWriter) -> bool {
        self.claim.is_finished()
    }

    unsafe fn try_finish(&self, token: &mut EpochWriter) -> bool {
        self.poll_waiting(token)
    }

    unsafe fn poll_finish(&self, token: &mut EpochWriter, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_waiting(token) {
            return Poll::Ready(());
        }
        // P1. User code comes first, so a panic in `clone` changes nothing.
        let waker = cx.waker().clone();
        let cell = &self.shared().waker;
        // SAFETY: the caller holds the claim.
        unsafe { cell.register(waker) };
        loop {
            // P3. It comes before a first P2 too, because an earlier poll may have asked: then
            // the registration has acquired the leave of a reader that took the waker before.
            if self.poll_waiting(token) {
                drop(cell.take());
                return Poll::Ready(());
            }
            // The spare side's stragglers wake too; those that have left are not asked again.
            self.poll_aside(token);
            // A straggler that was asked before the last P2 and P3 will wake.
            if !self.request_wake(token) {
                return Poll::Pending;
            }
            // P2, partner: L2 in `EpochReader::order_leave` (S6). It does not go by FENCED,
            // since a straggler may have entered in another mode (design.md 6.14).
            if self.has_barrier() {
                barrier();
            } else {
                // ORDERING: P2, partner: the fence of L2 in `EpochReader::order_leave`.
                fence(Ordering::SeqCst);
            }
        }
    }

    unsafe fn stragglers(&self, token: &EpochWriter) -> usize {
        self.writer.with(token, |writer| match writer.start {
            // The number is unknown, and the swap is not finished.
            Start::Flipped { .. } => 1,
            Start::Scanned => {
                let old = self.claim.back();
                let waiting = writer.waiting.iter();
                let count = waiting
                    .filter(|straggler| !straggler.has_left(&writer.view, old))
                    .count();
                if count > 0 {
                    // This is a check too. Concurrent calls store the same word.
                    self.mark_stragglers();
                }
                count
            }
        })
    }

    #[inline]
    fn spare(&self) -> Side {
        self.claim.spare()
    }

    #[inline]
    fn back(&self) -> Side {
        self.claim.back()
    }

    unsafe fn try_free_spare(&self, token: &mut EpochWriter) -> bool {
        self.poll_aside(token)
    }

    unsafe fn set_aside(&self, token: &mut EpochWriter) {
        self.writer.with_mut(token, |writer| {
            if let Start::Flipped { fenced } = writer.start {
                self.complete_start(writer, fenced);
            }
            let WriterState {
                view,
                waiting,
                aside,
                ..
            } = writer;
            // The allocation comes first, so a failure changes nothing.
            aside.reserve(waiting.len());
            aside.extend(waiting.drain(..).map(|straggler| SpareStraggler {
                slot: view.keep(straggler.index),
                epoch: straggler.epoch,
                asked: straggler.asked,
            }));
            self.claim.set_aside();
        });
    }

    unsafe fn spare_stragglers(&self, token: &EpochWriter) -> usize {
        if self.claim.is_spare_free() {
            return 0;
        }
        let spare = self.claim.spare();
        self.writer.with(token, |writer| {
            let aside = writer.aside.iter();
            aside
                .filter(|aside| !aside.slot.has_left(spare, aside.epoch))
                .count()
        })
    }

    unsafe fn holds(&self, reader: &EpochReader, side: Side) -> bool {
        reader.holds(side)
    }

    unsafe fn holds_elsewhere(&self, reader: &EpochReader, side: Side) -> bool {
        reader.holds(side)
    }
}

impl BlockingStrategy for EpochStrategy {}

/// A strategy whose reader has as many guards as it can count.
#[cfg(all(test, feature = "std"))]
pub(crate) fn full() -> (EpochStrategy, EpochReader) {
    let strategy = EpochStrategy::new();
    let reader = strategy.new_reader();
    reader.fill();
    (strategy, reader)
}
