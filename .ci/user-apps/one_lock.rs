//! A user's own strategy, on `dbuf-core` alone: everything behind one mutex.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use dbuf_core::{BlockingStrategy, Side, Strategy};

pub struct OneLock(Mutex<State>);

struct State {
    front: Side,
    guards: [usize; 2],
    finished: bool,
    claimed: bool,
    waker: Option<Waker>,
}

impl State {
    /// Two sides take turns. There is no spare one.
    fn back(&self) -> Side {
        self.front.third(Side::C)
    }

    fn on_back(&self) -> usize {
        self.guards[self.back() as usize]
    }

    fn check(&mut self) -> bool {
        self.finished |= self.on_back() == 0;
        self.finished
    }
}

impl OneLock {
    pub const fn new() -> Self {
        Self(Mutex::new(State {
            front: Side::A,
            guards: [0; 2],
            finished: true,
            claimed: false,
            waker: None,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// SAFETY: every step is one critical section, which orders all of them (S3, S4, S10).
// S1 `claimed`. S2, S5, S8, S12 `finished` is set only while no guard is counted on the
// back. S6 the last leave takes the waker. S7 it locks, wakes last, and counts checked.
// S9 `start_swap`. S11 tokens are empty.
unsafe impl Strategy for OneLock {
    type WriterToken = ();
    type ReaderToken = ();
    type GuardToken = Side;

    fn try_claim_writer(&self) -> Option<()> {
        let mut state = self.state();
        (!std::mem::replace(&mut state.claimed, true)).then_some(())
    }

    unsafe fn release_writer(&self, (): ()) {
        self.state().claimed = false;
    }

    fn is_writer_claimed(&self) -> bool {
        self.state().claimed
    }

    fn new_reader(&self) {}

    unsafe fn acquire(&self, (): &()) -> Side {
        let mut state = self.state();
        let side = state.front;
        match state.guards[side as usize].checked_add(1) {
            Some(more) => state.guards[side as usize] = more,
            None => std::process::abort(),
        }
        side
    }

    fn side(guard: &Side) -> Side {
        *guard
    }

    unsafe fn release(&self, (): &(), side: Side) {
        let mut state = self.state();
        state.guards[side as usize] -= 1;
        let waker = match state.on_back() {
            0 => state.waker.take(),
            _ => None,
        };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn front(&self) -> Side {
        self.state().front
    }

    unsafe fn start_swap(&self, (): &mut ()) {
        let mut state = self.state();
        state.front = state.back();
        state.finished = false;
    }

    unsafe fn is_finished(&self, (): &()) -> bool {
        self.state().finished
    }

    unsafe fn try_finish(&self, (): &mut ()) -> bool {
        self.state().check()
    }

    unsafe fn poll_finish(&self, (): &mut (), cx: &mut Context<'_>) -> Poll<()> {
        // User code, and so without the lock.
        let waker = cx.waker().clone();
        let mut state = self.state();
        if state.check() {
            return Poll::Ready(());
        }
        let old = state.waker.replace(waker);
        drop(state);
        drop(old);
        Poll::Pending
    }

    unsafe fn stragglers(&self, (): &()) -> usize {
        let state = self.state();
        if state.finished { 0 } else { state.on_back() }
    }
}

impl BlockingStrategy for OneLock {}
