//! The counts, and the tokens.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::AtomicBool as PlainBool;
use std::task::Waker;

use dbuf_core::Side;
use dbuf_core::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use dbuf_core::sync::atomic::{AtomicBool, AtomicUsize};
use dbuf_core::sync::mutex::Mutex;

use super::mutant::Mutant::{self, *};

/// Whether the strategy still lives. No step of a model.
pub(super) type Alive = Arc<PlainBool>;

pub(super) const SIDES: [Side; 3] = [Side::A, Side::B, Side::C];

/// What readers keep beyond the strategy (S11).
#[derive(Debug)]
pub(crate) struct State {
    pub(super) mutant: Mutant,
    /// The side that is the front.
    pub(super) front: AtomicUsize,
    /// The latch, and the spare side: under the claim (S10).
    pub(super) spare: AtomicUsize,
    pub(super) unfinished: AtomicBool,
    /// The spare side was set aside, and no check has found it free since.
    pub(super) aside: AtomicBool,
    pub(super) guards: [AtomicUsize; 3],
    pub(super) claimed: Arc<AtomicBool>,
    pub(super) waker: Mutex<Option<Waker>>,
    /// Checks since the last start.
    pub(super) checks: AtomicUsize,
}

impl State {
    /// `order`, unless it is what the mutant weakens.
    pub(super) fn unless(&self, mutant: Mutant, order: Ordering, weaker: Ordering) -> Ordering {
        if self.mutant == mutant { weaker } else { order }
    }

    /// The front for the claim's holder, and a hint for others.
    pub(super) fn front_hint(&self) -> Side {
        // Relaxed: under the claim (S10), or after a read-modify-write that acquired the flip.
        SIDES[self.front.load(Relaxed)]
    }

    pub(super) fn is_free(&self, side: Side, held: &AtomicBool) -> bool {
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

    pub(super) fn wake(&self) {
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
    pub(super) fn leave(&self, side: Side, guards: usize, order: Ordering, wakes: bool) {
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

/// Ends the claim when it is dropped, if that is the mutant.
#[derive(Debug)]
pub(crate) struct Claim(pub(super) Option<Arc<AtomicBool>>);

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
    pub(super) state: Arc<State>,
    pub(super) guards: [Cell<usize>; 3],
    /// Notices a drop after the strategy, if that is the mutant.
    pub(super) alive: Option<Alive>,
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
