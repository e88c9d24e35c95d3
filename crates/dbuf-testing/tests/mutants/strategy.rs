//! A correct strategy, three counts and a waker, that breaks one clause on demand.

use std::cell::Cell;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicBool as PlainBool;
use std::task::{Context, Poll, Waker};

use dbuf_core::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use dbuf_core::sync::atomic::{AtomicBool, AtomicUsize};
use dbuf_core::sync::mutex::Mutex;
use dbuf_core::{BlockingStrategy, Side, Strategy};

use Mutant::*;

/// What is broken. These have no mutant:
///
/// * S7, no allocation and no lock in an acquire: no test of the suite can see one. An
///   allocator that counts can (`Counting`), in a binary of its own.
/// * S7, a count that would wrap ends the process: no test can take that many guards.
/// * C1 to C7: promises of the caller, `dbuf-core`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    Unbroken,
    /// S1: a claim is never refused.
    ClaimIsShared,
    /// S1: a token that is dropped ends its claim.
    DroppedTokenEndsTheClaim,
    /// S2: the check does not count guards.
    EveryCheckFinishes,
    /// S2: an acquire does not load the front again after it counted itself.
    NoSecondLoad,
    /// S2: a count that comes after the check does not see the flip.
    CheckReleasesNothing,
    /// S3: a leave does not publish the reads before it.
    LeaveIsRelaxed,
    /// S3: the check does not acquire the leaves.
    CheckAcquiresNothing,
    /// S4: the flip does not publish the writes before it.
    FlipIsRelaxed,
    /// S4: the second load of the front acquires nothing.
    SecondLoadIsRelaxed,
    /// S5: `is_finished` makes a check.
    AskingChecks,
    /// S5: a fresh strategy waits for a check.
    FreshIsUnfinished,
    /// S5: a claim begins finished.
    ClaimForgetsTheSwap,
    /// S5: a check answers, and does not latch.
    NoLatch,
    /// S6: a leave does not wake the writer.
    NobodyIsWoken,
    /// S6: the first waker stays.
    FirstWakerStays,
    /// S6: the waker is registered after the check.
    RegistersAfterTheCheck,
    /// S6: the leave of a guard that was taken back does not wake the writer.
    RetryWakesNobody,
    /// S7: the waker is called while the guard still counts.
    WakesBeforeTheLeave,
    /// S7: the waker is called with its lock held.
    WakesUnderTheLock,
    /// S7: a poll unwinds when it replaces a waker.
    PollUnwinds,
    /// S8: the tenth check finishes.
    TenthCheckFinishes,
    /// S9: the front of a fresh strategy is B.
    FrontBeginsAtB,
    /// S10: a claim does not see what the last one did.
    ClaimIsRelaxed,
    /// S11: the drop of a reader's token reaches into the strategy.
    TokenReachesBack,
    /// S11: the guards that a reader forgot stay when it is dropped.
    DropKeepsTheGuards,
    /// S11: the drop of a reader does not wake the writer.
    DropWakesNobody,
    /// S11: the drop of a reader does not publish the reads under forgotten guards.
    DropIsRelaxed,
    /// S12: a swap waits for guards on the new front, too.
    EverySideCounts,
    /// S13: the side that was set aside is free at once.
    AsideIsFree,
    /// S13: the swap is unfinished after it.
    AsideIsUnfinished,
    /// S13: the front changes too.
    AsideTurnsTheFront,
    /// S13: leaves of the spare side do not wake the writer.
    SpareWakesNobody,
    /// `is_current`: no guard is ever old.
    AlwaysCurrent,
}

/// Whether the strategy still lives. No step of a model.
type Alive = Arc<PlainBool>;

/// Three counts, of which one clause is broken.
#[derive(Debug)]
pub(crate) struct ThreeCounts {
    state: Arc<State>,
    alive: Alive,
}

/// What readers keep beyond the strategy (S11).
#[derive(Debug)]
pub(crate) struct State {
    mutant: Mutant,
    /// The side that is the front.
    front: AtomicUsize,
    /// The latch, and the spare side: under the claim (S10).
    spare: AtomicUsize,
    unfinished: AtomicBool,
    /// The spare side was set aside, and no check has found it free since.
    aside: AtomicBool,
    guards: [AtomicUsize; 3],
    claimed: Arc<AtomicBool>,
    waker: Mutex<Option<Waker>>,
    /// Checks since the last start.
    checks: AtomicUsize,
}

impl Deref for ThreeCounts {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

/// Ends the claim when it is dropped, if that is the mutant.
#[derive(Debug)]
pub(crate) struct Claim(Option<Arc<AtomicBool>>);

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(claimed) = &self.0 {
            claimed.store(false, Release);
        }
    }
}

/// A reader's own counts, which its drop gives back.
#[derive(Debug)]
pub(crate) struct Reader {
    state: Arc<State>,
    guards: [Cell<usize>; 3],
    /// Notices a drop after the strategy, if that is the mutant.
    alive: Option<Alive>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(alive) = &self.alive {
            // A token with a pointer would reach freed memory here.
            let is_alive = alive.load(SeqCst);
            assert!(is_alive || std::thread::panicking(), "used after the end");
        }
        let mutant = self.state.mutant;
        for (side, guards) in SIDES.into_iter().zip(&self.guards) {
            if guards.get() > 0 && mutant != DropKeepsTheGuards {
                let order = self.state.unless(DropIsRelaxed, AcqRel, Relaxed);
                let wakes = mutant != DropWakesNobody;
                self.state.leave(side, guards.get(), order, wakes);
            }
        }
    }
}

const SIDES: [Side; 3] = [Side::A, Side::B, Side::C];

impl ThreeCounts {
    pub(crate) fn new(mutant: Mutant) -> Self {
        let front = if mutant == FrontBeginsAtB { 1 } else { 0 };
        let state = State {
            mutant,
            front: AtomicUsize::new(front),
            spare: AtomicUsize::new(2),
            unfinished: AtomicBool::new(mutant == FreshIsUnfinished),
            aside: AtomicBool::new(false),
            guards: [(); 3].map(|()| AtomicUsize::new(0)),
            claimed: Arc::new(AtomicBool::new(false)),
            waker: Mutex::new(None),
            checks: AtomicUsize::new(0),
        };
        Self {
            state: Arc::new(state),
            alive: Arc::new(PlainBool::new(true)),
        }
    }
}

impl State {
    /// `order`, unless it is what the mutant weakens.
    fn unless(&self, mutant: Mutant, order: Ordering, weaker: Ordering) -> Ordering {
        if self.mutant == mutant { weaker } else { order }
    }

    /// The front for the claim's holder, and a hint for others.
    fn front_hint(&self) -> Side {
        // Relaxed: under the claim (S10), or after a read-modify-write that acquired the flip.
        SIDES[self.front.load(Relaxed)]
    }

    fn is_free(&self, side: Side, held: &AtomicBool) -> bool {
        // Relaxed, here and below: under the claim (S10).
        if !held.load(Relaxed) {
            return true;
        }
        let order = self.unless(CheckAcquiresNothing, AcqRel, Release);
        let order = self.unless(CheckReleasesNothing, order, Acquire);
        // ORDERING: Acquire; partner: the leaves (S3). Release; partner: a later count, which
        // sees the flip (S2).
        let mut guards = self.guards[side as usize].fetch_add(0, order);
        if self.mutant == EverySideCounts {
            guards = self.guards.iter().map(|count| count.load(SeqCst)).sum();
        }
        let gives_up = self.mutant == TenthCheckFinishes && self.checks.fetch_add(1, Relaxed) == 9;
        let is_free = guards == 0 || self.mutant == EveryCheckFinishes || gives_up;
        if is_free && self.mutant != NoLatch {
            held.store(false, Relaxed);
        }
        is_free
    }

    fn wake(&self) {
        let mut waker = self.waker.lock();
        let taken = waker.take();
        if self.mutant != WakesUnderTheLock {
            drop(waker);
        }
        if let Some(taken) = taken {
            taken.wake();
        }
    }

    /// `order` is AcqRel, unless that is the mutant.
    fn leave(&self, side: Side, guards: usize, order: Ordering, wakes: bool) {
        let count = &self.guards[side as usize];
        if self.mutant == WakesBeforeTheLeave
            && count.load(SeqCst) == guards
            && side != self.front_hint()
        {
            self.wake();
        }
        // ORDERING: Release; partner: the check (S3). Acquire; partner: the check that found
        // this guard, and with it the flip and the waker (S6).
        let last = count.fetch_sub(guards, order) == guards;
        let spare = SIDES[self.spare.load(Relaxed)];
        let wakes = wakes && !(self.mutant == SpareWakesNobody && side == spare);
        if last && side != self.front_hint() && wakes && self.mutant != NobodyIsWoken {
            self.wake();
        }
    }
}

impl Drop for ThreeCounts {
    fn drop(&mut self) {
        self.alive.store(false, SeqCst);
    }
}

// SAFETY: unbroken: S1, S10 `claimed`. S2 a count comes before the writer's check, which sees
// it, or after, and then the second load of the front sees the flip. S3, S4 the orderings
// below. S5 `unfinished` is cleared by a check that found no guard. S6 register, then check. S7
// the waker is last. S8, S12 only guards count. S9 `start_swap`. S11 a
// reader's token keeps the counts alive, and gives its own back.
// S13 `aside` is for the spare side what `unfinished` is for the back. A mutant breaks one of
// these, in tests that stop at the first sign of it.
unsafe impl Strategy for ThreeCounts {
    type WriterToken = Claim;
    type ReaderToken = Reader;
    type GuardToken = Side;

    fn try_claim_writer(&self) -> Option<Claim> {
        // ORDERING: Acquire; partner: `release_writer` (S10).
        let order = self.unless(ClaimIsRelaxed, Acquire, Relaxed);
        let taken = self.claimed.swap(true, order) && self.mutant != ClaimIsShared;
        let ends = self.mutant == DroppedTokenEndsTheClaim;
        (!taken).then(|| Claim(ends.then(|| Arc::clone(&self.claimed))))
    }

    unsafe fn release_writer(&self, _: Claim) {
        if self.mutant == ClaimForgetsTheSwap {
            self.unfinished.store(false, Relaxed);
        }
        // ORDERING: Release; partner: `try_claim_writer` (S10).
        self.claimed.store(false, Release);
    }

    fn is_writer_claimed(&self) -> bool {
        // Relaxed: a hint.
        self.claimed.load(Relaxed)
    }

    fn new_reader(&self) -> Reader {
        Reader {
            state: Arc::clone(&self.state),
            guards: [const { Cell::new(0) }; 3],
            alive: (self.mutant == TokenReachesBack).then(|| Arc::clone(&self.alive)),
        }
    }

    unsafe fn acquire(&self, reader: &Reader) -> Side {
        loop {
            let side = self.front_hint();
            // ORDERING: Acquire; partner: the check, if that came first (S2). Release is not
            // needed. No test has as many guards as would wrap (S7).
            self.guards[side as usize].fetch_add(1, AcqRel);
            // ORDERING: Acquire; partner: the flip (S4).
            let order = self.unless(SecondLoadIsRelaxed, Acquire, Relaxed);
            let again = SIDES[self.front.load(order)];
            if again == side || self.mutant == NoSecondLoad {
                let own = &reader.guards[side as usize];
                own.set(own.get() + 1);
                return side;
            }
            self.leave(side, 1, AcqRel, self.mutant != RetryWakesNobody);
        }
    }

    fn side(guard: &Side) -> Side {
        *guard
    }

    unsafe fn is_current(&self, _: &Reader, side: &Side) -> bool {
        self.front_hint() == *side || self.mutant == AlwaysCurrent
    }

    unsafe fn release(&self, reader: &Reader, side: Side) {
        let own = &reader.guards[side as usize];
        own.set(own.get() - 1);
        let order = self.unless(LeaveIsRelaxed, AcqRel, Relaxed);
        self.leave(side, 1, order, true);
    }

    fn front(&self) -> Side {
        self.front_hint()
    }

    unsafe fn start_swap(&self, _: &mut Claim) {
        let back = self.back();
        self.unfinished.store(true, Relaxed);
        self.checks.store(0, Relaxed);
        // ORDERING: Release; partner: the second load of an acquire (S4).
        let order = self.unless(FlipIsRelaxed, Release, Relaxed);
        self.front.store(back as usize, order);
    }

    unsafe fn is_finished(&self, _: &Claim) -> bool {
        if self.mutant == AskingChecks {
            return self.is_free(self.back(), &self.unfinished);
        }
        !self.unfinished.load(Relaxed)
    }

    unsafe fn try_finish(&self, _: &mut Claim) -> bool {
        self.is_free(self.back(), &self.unfinished)
    }

    unsafe fn poll_finish(&self, writer: &mut Claim, cx: &mut Context<'_>) -> Poll<()> {
        if self.mutant == RegistersAfterTheCheck {
            // SAFETY: the caller's promise (C1).
            if unsafe { self.try_finish(writer) } {
                return Poll::Ready(());
            }
        }
        let waker = cx.waker().clone();
        let mut registered = self.waker.lock();
        let replaced = if self.mutant == FirstWakerStays && registered.is_some() {
            Some(waker)
        } else {
            registered.replace(waker)
        };
        drop(registered);
        assert!(
            self.mutant != PollUnwinds || replaced.is_none(),
            "a poll unwinds"
        );
        drop(replaced);
        if self.mutant == RegistersAfterTheCheck {
            return Poll::Pending;
        }
        // SAFETY: the caller's promise (C1).
        if unsafe { self.try_finish(writer) } {
            let unused = self.waker.lock().take();
            drop(unused);
            return Poll::Ready(());
        }
        Poll::Pending
    }

    unsafe fn stragglers(&self, _: &Claim) -> usize {
        if self.unfinished.load(Relaxed) {
            self.guards[self.back() as usize].load(Relaxed)
        } else {
            0
        }
    }

    fn spare(&self) -> Side {
        // Relaxed: under the claim (S10).
        SIDES[self.spare.load(Relaxed)]
    }

    unsafe fn try_free_spare(&self, _: &mut Claim) -> bool {
        self.is_free(self.spare(), &self.aside)
    }

    unsafe fn set_aside(&self, _: &mut Claim) {
        let back = self.back();
        if self.mutant == AsideTurnsTheFront {
            self.front.store(self.spare() as usize, Release);
            return;
        }
        self.aside.store(self.mutant != AsideIsFree, Relaxed);
        self.spare.store(back as usize, Relaxed);
        if self.mutant != AsideIsUnfinished {
            self.unfinished.store(false, Relaxed);
        }
    }

    unsafe fn spare_stragglers(&self, _: &Claim) -> usize {
        if self.aside.load(Relaxed) {
            self.guards[self.spare() as usize].load(Relaxed)
        } else {
            0
        }
    }
}

impl BlockingStrategy for ThreeCounts {}
