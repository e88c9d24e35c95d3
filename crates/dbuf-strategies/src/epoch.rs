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
//! | E1 `epoch` := odd | W1 `front` := other side |
//! | E2 fence | W2 fence |
//! | E3 load `front`, take that side | W3 load every `epoch`; the odd ones are the snapshot, and are noted in `found` |
//!
//! | reader leaves | writer waits |
//! |---|---|
//! | L1 `epoch` := even | P1 register the waker, `asked` := epoch of the snapshot |
//! | L2 fence | P2 fence |
//! | L3 load `asked`; if it is this epoch, wake | P3 load every `epoch` again; sleep if one is unmoved |
//!
//! Both tables are store buffering: each side stores one word and then loads the
//! other's. Without a fence on both sides each may miss the other's store: in
//! the first the writer overlooks a reader on the old side, in the second the
//! last reader overlooks the sleeping writer.
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
//! - when a swap says that it `found` the current epoch, and a fresh load of
//!   `front` says that no guard is on the other side. The writer cannot finish,
//!   hence not flip again, before this epoch moves. (A guard that was taken while
//!   the swap was being started is in its snapshot although it stands on the
//!   front; those that are taken after it must not inherit that.)
//!
//! # Orderings
//!
//! - Every store to an epoch is Release and every load of the writer's Acquire:
//!   the reads under a guard happen-before a finish that saw *any* later epoch.
//!   The enter's too, since the writer may learn of a leave from the enter that
//!   follows; a later plain store does not continue a release sequence.
//! - `front` is stored Release and loaded Acquire: the writes to the back
//!   happen-before the reads of whoever loads the new side.
//! - The fences only settle who saw whom.
//!
//! # Cost
//!
//! A read is two stores and two loads on the reader's own line, one load of the
//! shared side word and two fences; no read-modify-write. A swap is one fence
//! and one load for each slot in use. A reader can hold 2³² − 1 guards on one side
//! at a time (2¹⁶ − 1 on 32 bit); one more ends the process.

use std::sync::OnceLock;

use alloc::sync::Arc;
use alloc::vec::Vec;

use core::cell::Cell;
use core::fmt;
use core::task::{Context, Poll};

use crossbeam_utils::CachePadded;

use dbuf_core::primitive::abort;
use dbuf_core::primitive::atomic::{AtomicUsize, Ordering, fence};
use dbuf_core::{BlockingStrategy, Side, Strategy, const_fn};

use crate::claim::Claim;
use crate::front::FrontWord;
use crate::primitive::Mutex;
use crate::registry::{Registration, Registry, SlotRef};
use crate::waker::WakerCell;

/// Readers announce themselves by an epoch of their own. The fastest reads, for
/// values that are read much more often than written.
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
    /// Who the last swap waits for. Locked under the claim only.
    snapshot: Mutex<Vec<Straggler>>,
    /// Reader tokens may outlive the strategy and share this.
    shared: OnceLock<Arc<Shared>>,
}

/// What readers have in common.
struct Shared {
    readers: Registry<Slot>,
    waker: WakerCell,
}

/// One reader's words. Together on a line: a leave stores one, loads the other.
#[derive(Debug, Default)]
struct Slot {
    /// Odd while the reader has guards. Never decreases.
    epoch: AtomicUsize,
    /// The odd epoch that the writer wants to see changed, or 0.
    asked: AtomicUsize,
    /// The odd epoch that the last swap found here and has not seen changed, or 0.
    found: AtomicUsize,
}

struct Straggler {
    slot: SlotRef<Slot>,
    epoch: usize,
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

    /// Takes back what the swap left in the slot. (Epochs wrap on small machines.)
    fn forget(&self) {
        // Relaxed: neither word matters once the epoch has moved.
        self.slot.asked.store(0, Ordering::Relaxed);
        // Relaxed: as above.
        self.slot.found.store(0, Ordering::Relaxed);
    }
}

impl EpochStrategy {
    const_fn! {
        /// A fresh strategy. It allocates with the first claim or reader.
        pub const fn new() -> Self {
            Self {
                front: CachePadded::new(FrontWord::new()),
                claim: Claim::new(),
                snapshot: Mutex::new(Vec::new()),
                shared: OnceLock::new(),
            }
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        self.shared.get_or_init(|| {
            Arc::new(Shared {
                readers: Registry::new(),
                waker: WakerCell::new(),
            })
        })
    }

    /// Drops those who have left from the snapshot, and latches.
    fn look(&self, ask: bool) -> bool {
        if self.claim.is_finished() {
            return true;
        }
        let mut snapshot = self.snapshot.lock();
        snapshot.retain(|straggler| {
            let gone = straggler.is_gone();
            if gone {
                straggler.forget();
            } else if ask {
                straggler.ask();
            }
            !gone
        });
        self.claim.set_finished(snapshot.is_empty())
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
            .finish_non_exhaustive()
    }
}

/// Proof of the claim of an [`EpochStrategy`].
#[derive(Debug)]
pub struct EpochWriter(());

/// A reader of an [`EpochStrategy`]: its slot, and what only it needs to know.
pub struct EpochReader {
    slot: Registration<Slot>,
    /// Live guards: those on A in the lower half of the word, those on B above. One
    /// word, since each store before a fence costs.
    guards: Cell<usize>,
    /// The side that the last nested enter loaded.
    newest: Cell<Side>,
    shared: Arc<Shared>,
}

/// The guards of one side, in the lower half of a word.
const COUNT: usize = usize::MAX >> (usize::BITS / 2);

/// One guard on `side`.
#[inline]
const fn one(side: Side) -> usize {
    match side {
        Side::A => 1,
        Side::B => COUNT + 1,
    }
}

impl EpochReader {
    /// How many guards stand on `side`.
    fn count(&self, side: Side) -> usize {
        (self.guards.get() / one(side)) & COUNT
    }

    /// The reader's own epoch.
    #[inline]
    fn epoch(&self) -> usize {
        // Relaxed: only this reader stores it.
        self.slot.epoch.load(Ordering::Relaxed)
    }

    /// Moves on and wakes a writer that waits for it: a leave.
    #[inline]
    fn advance(&self, epoch: usize, by: usize) {
        // ORDERING: Release; partner: `Straggler::is_gone` and the scan (S3).
        self.slot
            .epoch
            .store(epoch.wrapping_add(by), Ordering::Release);
        // ORDERING: L2, partner: P2 in `poll_finish`. Either this reader sees
        // that it is asked, or the writer sees the new epoch before it sleeps.
        fence(Ordering::SeqCst);
        // Relaxed: the fence decides; the waker cell orders itself.
        if self.slot.asked.load(Ordering::Relaxed) == epoch {
            self.wake();
        }
    }

    #[cold]
    #[inline(never)]
    fn wake(&self) {
        if let Some(waker) = self.shared.waker.take() {
            waker.wake();
        }
    }

    /// One more guard, on the newest front.
    #[cold]
    #[inline(never)]
    fn nested_enter(&self, front: &FrontWord) -> Side {
        // ORDERING: Acquire; partner: the store in `start_swap` (S4).
        let side = front.load(Ordering::Acquire);
        self.newest.set(side);
        if self.count(side) == COUNT {
            abort("too many guards");
        }
        self.guards.set(self.guards.get() + one(side));
        side
    }

    /// A guard on `side` went and others stay.
    #[cold]
    #[inline(never)]
    fn nested_leave(&self, side: Side, front: &FrontWord) {
        let epoch = self.epoch();
        let on_front_only = if side != self.newest.get() {
            self.count(side) == 0
        } else {
            // ORDERING: Acquire; partner: W2, which stands before the store of `found`.
            // The load of `front` must not be older than the swap that found it.
            self.slot.found.load(Ordering::Acquire) == epoch
                // Relaxed: ordered by the load before; no data is read by it.
                && self.count(front.load(Ordering::Relaxed).other()) == 0
        };
        if on_front_only {
            self.advance(epoch, 2);
        }
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
            // ORDERING: as `advance`, which this is but for the wake.
            self.slot
                .epoch
                .store(epoch.wrapping_add(1), Ordering::Release);
        }
        self.shared.readers.free(&mut self.slot, |_| {});
        if forgotten {
            // Whether asked or not: a spurious wake costs nothing here, and waking
            // is the last thing to do.
            self.wake();
        }
    }
}

// SAFETY: by clause, see the module's documentation for the argument:
// S1, S10 `Claim`. S2 E1 to E3 against W1 to W3: an acquire of the old side is in
// the snapshot, or in an epoch that moved. S3, S4 Release and Acquire of `epoch`
// and `front`. S5 only `look` and an empty snapshot set the latch. S6 L1 to L3
// against P1 to P3. S7 the waker is taken last. S8 only a store of the reader
// moves an epoch. S9 `start_swap`. S11 tokens share `Shared`, slots do not move
// (R2). S12 the snapshot, and the two rules for nested guards.
unsafe impl Strategy for EpochStrategy {
    type WriterToken = EpochWriter;
    type ReaderToken = EpochReader;
    type GuardToken = Side;

    fn try_claim_writer(&self) -> Option<EpochWriter> {
        self.claim.try_claim().then_some(EpochWriter(()))
    }

    unsafe fn release_writer(&self, _: EpochWriter) {
        self.claim.release();
    }

    fn is_writer_claimed(&self) -> bool {
        self.claim.is_claimed()
    }

    fn new_reader(&self) -> EpochReader {
        let shared = self.shared();
        EpochReader {
            slot: shared.readers.register(|_| {}),
            guards: Cell::new(0),
            newest: Cell::new(Side::A),
            shared: Arc::clone(shared),
        }
    }

    #[inline]
    unsafe fn acquire(&self, reader: &EpochReader) -> Side {
        if reader.guards.get() != 0 {
            return reader.nested_enter(&self.front);
        }
        // ORDERING: Release, partner: `Straggler::is_gone` and the scan, which may
        // learn of the last leave from this store (S3).
        let epoch = reader.epoch().wrapping_add(1);
        reader.slot.epoch.store(epoch, Ordering::Release);
        // ORDERING: E2, partner: W2 in `start_swap`. Either the writer sees this
        // epoch, or this reader sees the new front (S2).
        fence(Ordering::SeqCst);
        // ORDERING: Acquire; partner: the store in `start_swap` (S4).
        let side = self.front.load(Ordering::Acquire);
        reader.guards.set(one(side));
        side
    }

    #[inline]
    fn side(guard: &Side) -> Side {
        *guard
    }

    #[inline]
    unsafe fn release(&self, reader: &EpochReader, side: Side) {
        let guards = reader.guards.get() - one(side);
        reader.guards.set(guards);
        if guards == 0 {
            reader.advance(reader.epoch(), 1);
        } else {
            reader.nested_leave(side, &self.front);
        }
    }

    #[inline]
    fn front(&self) -> Side {
        // Relaxed: exact for the claim's holder only.
        self.front.load(Ordering::Relaxed)
    }

    unsafe fn start_swap(&self, _: &mut EpochWriter) {
        let readers = &self.shared().readers;
        let old = self.front();
        self.claim.set_finished(false);
        // ORDERING: Release; partner: the load in `acquire` (S4).
        self.front.store(old.other(), Ordering::Release);
        // ORDERING: W2, partner: E2 in `acquire` (S2). A reader that registers
        // after the list below was locked sees the new front by that lock.
        fence(Ordering::SeqCst);
        let mut snapshot = self.snapshot.lock();
        readers.for_each(
            || {},
            |slot, slot_ref| {
                // ORDERING: Acquire; partner: every store to an epoch. S3, for guards
                // that are gone already.
                let epoch = slot.epoch.load(Ordering::Acquire);
                if epoch % 2 == 1 {
                    // Relaxed: W2 stands before it and releases the front, for the load
                    // in `nested_leave`.
                    slot.found.store(epoch, Ordering::Relaxed);
                    snapshot.push(Straggler {
                        slot: slot_ref(),
                        epoch,
                    });
                }
            },
        );
        self.claim.set_finished(snapshot.is_empty());
    }

    #[inline]
    unsafe fn is_finished(&self, _: &EpochWriter) -> bool {
        self.claim.is_finished()
    }

    unsafe fn try_finish(&self, _: &mut EpochWriter) -> bool {
        self.look(false)
    }

    unsafe fn poll_finish(&self, _: &mut EpochWriter, cx: &mut Context<'_>) -> Poll<()> {
        if self.look(false) {
            return Poll::Ready(());
        }
        // P1. User code first: a panic in `clone` changes nothing.
        let waker = cx.waker().clone();
        let cell = &self.shared().waker;
        // SAFETY: the caller holds the claim.
        unsafe { cell.register(waker) };
        self.look(true);
        // ORDERING: P2, partner: L2 in `advance` (S6).
        fence(Ordering::SeqCst);
        // P3.
        if self.look(false) {
            drop(cell.take());
            return Poll::Ready(());
        }
        Poll::Pending
    }

    unsafe fn stragglers(&self, _: &EpochWriter) -> usize {
        let snapshot = self.snapshot.lock();
        snapshot
            .iter()
            .filter(|straggler| !straggler.is_gone())
            .count()
    }
}

impl BlockingStrategy for EpochStrategy {}

/// A strategy with as many guards as it can count.
#[cfg(all(test, feature = "std"))]
pub(crate) fn full() -> (EpochStrategy, EpochReader) {
    let strategy = EpochStrategy::new();
    let reader = strategy.new_reader();
    reader.guards.set(COUNT);
    (strategy, reader)
}
