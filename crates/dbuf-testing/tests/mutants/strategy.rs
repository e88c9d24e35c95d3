//! A correct strategy, three counts and a waker, that breaks one clause on demand.

// By path: `tests/loom` has this file too.
#[path = "strategy/mutant.rs"]
mod mutant;
#[path = "strategy/state.rs"]
mod state;

use std::cell::Cell;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicBool as PlainBool;
use std::task::{Context, Poll};

use dbuf_core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use dbuf_core::sync::atomic::{AtomicBool, AtomicUsize};
use dbuf_core::sync::mutex::Mutex;
use dbuf_core::{BlockingStrategy, Side, Strategy};

pub(crate) use mutant::Mutant::{self, *};
use state::{Alive, Claim, Reader, SIDES, State};

/// Three counts, of which one clause is broken.
#[derive(Debug)]
pub(crate) struct ThreeCounts {
    state: Arc<State>,
    alive: Alive,
}

impl Deref for ThreeCounts {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

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
