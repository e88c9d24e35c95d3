//! Each reader announces itself on a cache line of its own.
//!
//! # Idea
//!
//! A reader has an *epoch*: odd while it has guards, even while it has none. To
//! enter, it makes its epoch odd and then loads the front word. The writer flips
//! the front word and then loads every epoch: readers with an even one have left, or
//! will see the new side; those with an odd one go into the *waiting set*, and the swap
//! is finished when each of them has moved on. (The scheme of `left-right` and
//! `evmap`; after Ramalhete and Correia, "Left-Right: A Concurrency Control
//! Technique with Wait-Free Population Oblivious Reads".)
//!
//! Beside its epoch a reader keeps a *note* of the sides on which its guards are. An epoch
//! is one for all guards of a reader; by the note the writer waits only for the side that
//! it wants, while the same reader keeps a guard on another one.
//!
//! # A read and a write, step by step
//!
//! | reader enters | writer starts a swap |
//! |---|---|
//! | E1 `epoch` := odd | W1 `front` := the writer's side, and the mode |
//! | E2 compiler barrier | W2 barrier, or fence |
//! | E3 load `front`; if it says FENCED: fence, load again. Take that side | W3 renew the view if readers came or went; load every `epoch`; the odd ones whose note may hold the old side are the waiting set |
//! | E4 note the side, with the epoch | |
//!
//! | reader leaves | writer waits |
//! |---|---|
//! | L1 `epoch` := even | P1 register the waker, `asked` := epoch of one straggler |
//! | L2 compiler barrier; a fence where there is no barrier | P2 barrier; a fence where there is none |
//! | L3 load `asked`; if it is this epoch, wake | P3 load the epochs and notes of the waiting set again; if the straggler that was asked has left, ask another (P1), else sleep |
//!
//! Only one straggler of a side is asked at a time, the last of the waiting set, so the
//! leaves of the others wake nobody. A wake means that the one that was asked has left the
//! side that it was asked for, and the woken writer polls again. `asked` is never taken
//! back: a reader that was asked always wakes.
//!
//! Both tables are store buffering: each side stores one word and then loads the
//! other's. Without a fence on both sides each may miss the other's store: in
//! the first the writer overlooks a reader on the old side, in the second the
//! last reader overlooks the sleeping writer. A barrier (`fence`) is the writer's
//! fence and every reader's at once.
//!
//! # The note
//!
//! A note belongs to the epoch that is in it. A note of another epoch says nothing, and the
//! writer takes it that there may be a guard on every side: so a reader between E1 and E4 is
//! waited for, wherever it will be. A note of the reader's epoch is exact but for a nested
//! enter, which may be on one side less than it says.
//!
//! It needs no order with E1 to E3: the writer reads it after the epoch, and the side that
//! is in it is the one that E3 has loaded. What a note of this epoch cannot say is what
//! became of guards of an earlier one; that comes with the epoch (S3).
//!
//! # Modes
//!
//! The side is in a word beside two bits, and the word is the only truth about
//! both. `docs/design.md`, 6, has the proof. `tests/fence_model` checks the
//! modes; it does not know notes and the spare side yet.
//!
//! | FENCED | LEAVE_FENCES | a reader enters with | leaves with | W2 | P2 |
//! |---|---|---|---|---|---|
//! | set | set | a fence | a fence | fence | fence |
//! | clear | clear | nothing | nothing | barrier | barrier |
//! | set | clear | a fence | nothing | fence | barrier |
//!
//! A strategy starts in the first row. The first claim finds out whether the process
//! has a barrier and goes to the second. From then on the `fence_policy` moves
//! it between the second and the third: *up*, where W1 sets FENCED and W2 still is a
//! barrier, so that readers that did not fence are found; and *down*, where W1 clears
//! FENCED and W2 still is a fence, since every reader on the old side has fenced.
//!
//! # States
//!
//! | `finished` | `start` | waiting set | back |
//! |---|---|---|---|
//! | yes | scanned | empty | the writer's |
//! | no | flipped: W1 was made and W3 was not | empty, and says nothing | read only; a check makes up for W2 and W3 |
//! | no | scanned | readers that had guards when the swap was started | read only; theirs |
//!
//! What needs memory comes before W1, and so does the clock where it is needed at all. What
//! can still unwind afterwards (a clock that fails, memory for a reader that registered in
//! between) leaves the second state.
//!
//! # Nested guards
//!
//! A nested enter leaves the epoch alone: it has been odd for a while, and swaps since then
//! have taken it into account with the guards that there were. So the new guard announces
//! itself by the note (N1), as a hazard pointer does: note the side that is the front, then,
//! with E2 and E3 in between, load the front again; if it has changed, note the new one
//! instead. N1 and the second load are store buffering with W1 and W3, as E1 and E3 are.
//!
//! A nested leave notes what is left, which is exact, and then does L2 and L3 as the last
//! leave does.
//!
//! A reader that takes a guard back from a side where it never came to be (the front had
//! changed) wakes nobody. It was taken while the swap was being started, so the swap waits
//! for its leave where the writer sleeps (S12), and finds it gone where the writer checks.
//!
//! # The spare side
//!
//! Each side that was replaced has a waiting set of its own: that of the last swap, by
//! index in the view, and that of the side that was set aside, by slots that stay as they
//! are while the view is renewed. A reader that is in both is asked twice at most, and wakes
//! for each of its leaves.
//!
//! # Kept guards
//!
//! A guard is current while the word is the one that it entered by: one load. Every flip
//! changes the word. So does the first check that finds stragglers of a swap, by a bit of its
//! own: a reader that was between E1 and E4 at the last check is waited for although its
//! guard is on the new side. The writer's next check would find that, but the writer may
//! sleep. The guard's next refresh sees the bit, enters nested, and the leave of the old
//! guard wakes.
//!
//! A guard whose enter was not nested never has the bit, and is not current where the word
//! has it: E1 may be older than the scan, and E4 younger than the check.
//!
//! # Orderings
//!
//! - Every store to an epoch is Release and every load of the writer's Acquire:
//!   the reads under a guard happen-before a finish that saw *any* later epoch.
//!   The enter's too, since the writer may learn of a leave from the enter that
//!   follows; a later plain store does not continue a release sequence.
//! - `front` is stored Release and loaded Acquire: the writes to the back
//!   happen-before the reads of a reader that loads the new side.
//! - Fences and barriers only settle who saw whom.
//! - A reader that registers sets a flag before its first E1, and the writer loads it after
//!   W2: store buffering again, settled by the same fences (R4 in `registry`).
//!
//! # Cost
//!
//! A read stores its epoch twice and its note once, on a line that only this reader
//! writes, and loads the shared front word: no read-modify-write, no fence; in fenced
//! mode one fence, without a barrier two. A swap is one barrier or fence, and one load
//! for each live reader; no lock, unless readers came or went since the last. A reader can hold 2³² − 1 guards on one side at a
//! time; one more ends the process. Epochs have 64 bits on 32 bit too, where
//! there are atomics of that size; a read costs more there.

mod fence;
mod fence_policy;
mod reader;
#[cfg(test)]
mod tests;
mod word;

use std::sync::OnceLock;
use std::time::Instant;

use alloc::sync::Arc;
use alloc::vec::Vec;

use core::fmt;
use core::ptr;
use core::task::{Context, Poll};

use crossbeam_utils::CachePadded;

use dbuf_core::sync::atomic::{Ordering, fence};
use dbuf_core::sync::cell::UnsafeCell;
use dbuf_core::{BlockingStrategy, Side, Strategy, const_fn};

use self::fence::{barrier, fence_cost, is_available};
use self::fence_policy::FencePolicy;
use self::reader::{Epoch, Slot};
use self::word::{FrontWord, Word};
use crate::claim::Claim;
use crate::registry::{Registry, SlotRef, View};
use crate::waker::AtomicWaker;

pub use self::fence::Fence;
pub use self::reader::{EpochGuard, EpochReader};

/// Readers announce themselves by an epoch of their own. The fastest reads, for
/// values that are read much more often than written.
///
/// On Linux a read needs no fence: the writer asks the kernel to fence for all readers
/// (`membarrier`). That costs each publish up to some ten microseconds, so where there are
/// few reads between two publishes, readers fence instead. Both costs are measured, and the
/// cheaper one is taken: see `docs/strategies.md`. [`with_fence`](Self::with_fence) chooses
/// once and for all, and [`fence`](Self::fence) shows what readers do.
///
/// The first claim in a process asks the kernel for its barrier. Where threads run
/// already, that takes some 10 ms, once. A barrier that is refused then (by a system
/// call filter, by a kernel without it) leaves readers fencing. It also measures a fence, in
/// some 20 µs.
///
/// # Panics
///
/// A claim and a publish that need the clock, where that fails: with a barrier, and without
/// `with_fence`. A publish that panics may have been made or not; the next call finds out.
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
    shared: OnceLock<Arc<Inner>>,
    /// What tests say instead of the policy.
    #[cfg(test)]
    scripted: tests::Script,
}

/// What only the writer needs, from one claim to the next.
struct WriterState {
    start: Start,
    /// The readers, as of the last renewal.
    view: View<Slot>,
    /// The epochs of all slots that were not in the view then, summed up.
    retired: Epoch,
    /// The sum of all epochs at the last scan. Every read adds 2.
    epochs: Epoch,
    /// The readers that the last swap waits for. It has room for all.
    waiting: Vec<Straggler>,
    /// The readers that the spare side belongs to.
    aside: Vec<Aside>,
    policy: FencePolicy,
}

/// How far the start of the last swap has come.
#[derive(Clone, Copy)]
enum Start {
    /// W1 is made and W3 is not. Before W1, readers `fenced` or not.
    Flipped { fenced: bool },
    /// All of it is made.
    Scanned,
}

/// The writer's state. Its token is its lock: exclusive access to the one token (S1) of
/// this strategy (C1) is exclusive access to the state.
struct WriterCell(UnsafeCell<WriterState>);

// SAFETY: reached by a reference to the token only, and changed by an exclusive one; all
// that is in it is `Send` and `Sync`.
unsafe impl Sync for WriterCell {}

impl WriterCell {
    fn with<R>(&self, _: &EpochWriter, f: impl FnOnce(&WriterState) -> R) -> R {
        self.0.with(|state| {
            // SAFETY: no other thread has the token exclusively (S1).
            f(unsafe { &*state })
        })
    }

    fn with_mut<R>(&self, _: &mut EpochWriter, f: impl FnOnce(&mut WriterState) -> R) -> R {
        self.0.with_mut(|state| {
            // SAFETY: no other thread has the token (S1), and `f` cannot reach this cell
            // again without it.
            f(unsafe { &mut *state })
        })
    }
}

/// What readers have in common.
struct Inner {
    /// Beside them, the sum of the epochs of all slots that are not taken.
    readers: Registry<Slot, Epoch>,
    /// On a line of its own, away from the counts of the `Arc`.
    waker: CachePadded<AtomicWaker>,
}

impl Inner {
    /// Brings the view up to date. The waiting set is empty.
    #[cold]
    #[inline(never)]
    fn renew(&self, writer: &mut WriterState) {
        let WriterState {
            view,
            waiting,
            retired,
            ..
        } = writer;
        self.readers.renew(view, |readers, &sum| {
            waiting.shrink_to(2 * readers);
            waiting.reserve(readers);
            *retired = sum;
        });
    }

    /// Wakes the writer, if one is registered and no other reader does so at this moment.
    #[cold]
    #[inline(never)]
    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// A straggler of the last swap.
struct Straggler {
    /// Where its slot is in the view, which is not renewed while a swap waits.
    index: usize,
    epoch: Epoch,
    /// Whether its leave wakes the writer.
    asked: bool,
}

impl Straggler {
    fn has_left(&self, view: &View<Slot>, side: Side) -> bool {
        view.get(self.index).has_left(side, self.epoch)
    }
}

/// A straggler of the spare side.
struct Aside {
    slot: SlotRef<Slot>,
    epoch: Epoch,
    asked: bool,
}

impl EpochStrategy {
    const_fn! {
        /// A fresh strategy, which takes the cheaper of the two fences. It allocates with
        /// the first claim or reader.
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
                writer: WriterCell(UnsafeCell::new(WriterState {
                    start: Start::Scanned,
                    view: View::new(),
                    retired: 0,
                    epochs: 0,
                    waiting: Vec::new(),
                    aside: Vec::new(),
                    policy: FencePolicy::new(),
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

    fn shared(&self) -> &Arc<Inner> {
        self.shared.get_or_init(|| {
            Arc::new(Inner {
                readers: Registry::new(0),
                waker: CachePadded::new(AtomicWaker::new()),
            })
        })
    }

    /// Whether readers rely on barriers when they leave, and may when they enter.
    fn has_barrier(&self) -> bool {
        // Relaxed: stored under the claim, which the caller holds.
        !self.front.load(Ordering::Relaxed).has_leave_fences()
    }

    /// Under the claim: takes the fences off the readers, if there is a barrier. The
    /// way down needs none, also in the middle of a swap.
    fn adopt_barrier(&self) {
        // Relaxed: as in `has_barrier`.
        let word = self.front.load(Ordering::Relaxed);
        if word.has_leave_fences() && self.forced != Some(Fence::Symmetric) && is_available() {
            // ORDERING: Release; partner: the load in `EpochReader::enter` (S4: who finds
            // the front here sees what was written to it before, by claims before this
            // one). UNMODELLED: loom has no barrier.
            self.front.store(word.without_fences(), Ordering::Release);
        }
    }

    /// W1 to W3.
    #[inline]
    fn start(&self, writer: &mut WriterState) {
        let shared = &**self.shared();
        // What can fail comes first, and has changed nothing.
        if shared.readers.has_changed() {
            shared.renew(writer);
        }
        // Relaxed: stored under the claim.
        let before = self.front.load(Ordering::Relaxed);
        let fenced = before.is_fenced();
        if self.forced.is_some() || before.has_leave_fences() {
            self.flip(writer, before, fenced);
            Self::order(fenced);
            self.scan(shared, writer);
        } else if fenced && !writer.policy.wants_probe() {
            self.flip(writer, before, self.wants_fences(writer));
            Self::order(fenced);
            let reads = self.scan(shared, writer);
            writer.policy.record_fenced(reads, fence_cost());
        } else {
            self.start_timed(shared, writer, before);
        }
    }

    /// The same, and times a barrier.
    #[cold]
    #[inline(never)]
    fn start_timed(&self, shared: &Inner, writer: &mut WriterState, before: Word) {
        let fenced = before.is_fenced();
        let began = Instant::now();
        self.flip(writer, before, self.wants_fences(writer));
        Self::order(fenced);
        if fenced {
            // A probe: one too many.
            barrier();
        }
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let took = nanos.saturating_mul(1_000);
        let reads = self.scan(shared, writer);
        if fenced {
            writer.policy.record_probe(took);
            writer.policy.record_fenced(reads, fence_cost());
        } else {
            writer.policy.record_unfenced(took, reads, fence_cost());
        }
    }

    /// Whether readers fence after this publish.
    fn wants_fences(&self, writer: &WriterState) -> bool {
        #[cfg(test)]
        if let Some(scripted) = tests::scripted(self) {
            return scripted;
        }
        writer.policy.wants_fences()
    }

    /// W1. From here until the scan is over, nothing is known of the old side.
    #[inline]
    fn flip(&self, writer: &mut WriterState, before: Word, fences: bool) {
        let front = self.claim.back();
        self.claim.start_swap(before.side());
        writer.start = Start::Flipped {
            fenced: before.is_fenced(),
        };
        // ORDERING: W1: Release, partner: the loads in `EpochReader::enter` (S4).
        self.front
            .store(before.next(front, fences), Ordering::Release);
    }

    /// W2, partner: E2 in `EpochReader::enter` (S2), by what readers that may be on the old
    /// side have done: the word *before* W1 says it.
    #[inline]
    fn order(fenced: bool) {
        if fenced {
            // ORDERING: W2, partner: the fence of E2.
            fence(Ordering::SeqCst);
        } else {
            barrier();
        }
    }

    /// W3, and the end of the start. How many reads there were since the last one.
    #[allow(clippy::unnecessary_cast, reason = "an epoch may have fewer bits")]
    #[inline]
    fn scan(&self, shared: &Inner, writer: &mut WriterState) -> u64 {
        // A reader that registered before this load is in the view; one that registers
        // later sees the new front (R4).
        if shared.readers.has_changed() {
            shared.renew(writer);
        }
        // From here on nothing unwinds: `waiting` has room for the whole view.
        let old = self.claim.back();
        let mut epochs = writer.retired;
        for (index, slot) in writer.view.iter().enumerate() {
            // ORDERING: Acquire; partner: every store to an epoch. S3, for guards that
            // are gone already.
            let epoch = slot.epoch.load(Ordering::Acquire);
            epochs = epochs.wrapping_add(epoch);
            if epoch % 2 == 1 && slot.may_hold(old, epoch) {
                writer.waiting.push(Straggler {
                    index,
                    epoch,
                    asked: false,
                });
            }
        }
        let reads = epochs.wrapping_sub(writer.epochs) / 2;
        writer.epochs = epochs;
        writer.start = Start::Scanned;
        self.claim.set_finished(writer.waiting.is_empty());
        reads as u64
    }

    /// Makes up for W2 and W3 of a swap whose start unwound after W1. Nothing that was
    /// left by a barrier that was made, or by a part of a scan, is relied upon.
    #[cold]
    #[inline(never)]
    fn complete_start(&self, writer: &mut WriterState, fenced: bool) {
        Self::order(fenced);
        self.scan(self.shared(), writer);
    }

    /// Drops the readers that have left from the waiting set, and latches.
    fn poll_waiting(&self, token: &mut EpochWriter) -> bool {
        if self.claim.is_finished() {
            return true;
        }
        self.writer.with_mut(token, |writer| {
            if let Start::Flipped { fenced } = writer.start {
                self.complete_start(writer, fenced);
            }
            let old = self.claim.back();
            let WriterState { view, waiting, .. } = writer;
            waiting.retain(|straggler| !straggler.has_left(view, old));
            if !waiting.is_empty() {
                self.mark_stragglers();
            }
            self.claim.set_finished(waiting.is_empty())
        })
    }

    /// The same for the spare side.
    fn poll_aside(&self, token: &mut EpochWriter) -> bool {
        if self.claim.is_spare_free() {
            return true;
        }
        let spare = self.claim.spare();
        self.writer.with_mut(token, |writer| {
            writer
                .aside
                .retain(|aside| !aside.slot.has_left(spare, aside.epoch));
            self.claim.set_spare_free(writer.aside.is_empty())
        })
    }

    /// Once for each swap, after its scan: no guard that was taken before is current any
    /// more. One that slipped in while the swap was started is on the new side and may be
    /// waited for; its next refresh lets go of it.
    #[inline]
    fn mark_stragglers(&self) {
        // Relaxed: stored under the claim.
        let word = self.front.load(Ordering::Relaxed);
        if !word.has_stragglers() {
            // ORDERING: Release; partner: the loads in `EpochReader::enter` and
            // `load_front` (S4).
            self.front.store(word.with_stragglers(), Ordering::Release);
        }
    }

    /// P1: asks the last of each waiting set to wake the writer, unless it has been asked.
    /// Returns whether it asked any.
    fn request_wake(&self, token: &mut EpochWriter) -> bool {
        self.writer.with_mut(token, |writer| {
            let WriterState {
                view,
                waiting,
                aside,
                ..
            } = writer;
            let (old, spare) = (self.claim.back(), self.claim.spare());
            // One reader may be in both.
            let bit = |side: Side, is_in: bool| usize::from(is_in) << side as usize;
            let mut any = false;
            if let Some(last) = waiting.last_mut().filter(|last| !last.asked) {
                last.asked = true;
                any = true;
                let slot = view.get(last.index);
                let both = aside.iter().any(|aside| ptr::eq(&*aside.slot, slot));
                slot.ask(last.epoch, bit(old, true) | bit(spare, both));
            }
            if let Some(last) = aside.last_mut().filter(|last| !last.asked) {
                last.asked = true;
                any = true;
                let slot = &*last.slot;
                let both = waiting
                    .iter()
                    .any(|waiting| ptr::eq(view.get(waiting.index), slot));
                slot.ask(last.epoch, bit(spare, true) | bit(old, both));
            }
            any
        })
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
// S1, S10 `Claim`. S2 E1 to E3, and N1, against W1 to W3: an acquire of the old side is in
// the waiting set, or in an epoch that moved. S3, S4 Release and Acquire of `epoch`
// and `front`. S5 only a complete scan and an empty waiting set set the latch. S6 L1 to
// L3 against P1 to P3. S7 the waker is taken last. S8 only a store of the reader moves
// an epoch or a note. S9 `start_swap`. S11 tokens share `Shared`, slots do not move (R2). S12
// the waiting set, by the notes. S13 a waiting set for each side.
unsafe impl Strategy for EpochStrategy {
    type WriterToken = EpochWriter;
    type ReaderToken = EpochReader;
    type GuardToken = EpochGuard;

    fn try_claim_writer(&self) -> Option<EpochWriter> {
        if self.forced.is_none() && is_available() {
            // It may read the clock, which may fail: before there is a claim to lose.
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
        // Relaxed: exact for the claim's holder only.
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
        // P1. User code first: a panic in `clone` changes nothing.
        let waker = cx.waker().clone();
        let cell = &self.shared().waker;
        // SAFETY: the caller holds the claim.
        unsafe { cell.register(waker) };
        loop {
            // P3. Also before a first P2, where an earlier poll has asked: the registration
            // has acquired the leave of a reader that took the waker before it.
            if self.poll_waiting(token) {
                drop(cell.take());
                return Poll::Ready(());
            }
            // Also woken for the spare side: before another of its stragglers is asked.
            self.poll_aside(token);
            // A straggler that was asked, with P2 and P3 behind it, will wake.
            if !self.request_wake(token) {
                return Poll::Pending;
            }
            // P2, partner: L2 in `EpochReader::leave` (S6), whatever the mode: a straggler
            // may have entered in another.
            if self.has_barrier() {
                barrier();
            } else {
                // ORDERING: P2, partner: the fence of L2.
                fence(Ordering::SeqCst);
            }
        }
    }

    unsafe fn stragglers(&self, token: &EpochWriter) -> usize {
        self.writer.with(token, |writer| match writer.start {
            // Unknown, and not finished.
            Start::Flipped { .. } => 1,
            Start::Scanned => {
                let old = self.claim.back();
                let waiting = writer.waiting.iter();
                let count = waiting
                    .filter(|straggler| !straggler.has_left(&writer.view, old))
                    .count();
                if count > 0 {
                    // It is a check. Calls beside it store the same word.
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
            // Room first: nothing has changed where there is none.
            aside.reserve(waiting.len());
            aside.extend(waiting.drain(..).map(|straggler| Aside {
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
