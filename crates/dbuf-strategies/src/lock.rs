//! The naive strategy: one mutex around everything.
//!
//! # Idea
//!
//! A mutex guards a count of guards for each side, and which side is the front. Every step of
//! readers and writer is one critical section, so there is nothing to reason about. The other
//! strategies are tested against this one.
//!
//! # A read and a write, step by step
//!
//! | reader | writer |
//! |---|---|
//! | enter: load `front`, add 1 to its count | start: flip `front`, `finished` := no |
//! | leave: subtract 1; if that emptied a side that is not the front, take the waker, unlock, wake | check: `finished` := the old side's count is 0; before sleeping, register the waker |
//!
//! # States
//!
//! | `finished` | `counts[back]` | `counts[front]` |
//! |---|---|---|
//! | yes | 0 | any |
//! | no | the stragglers | any |
//!
//! # Orderings
//!
//! The mutex orders everything: a release before the finish that saw it (S3), a
//! start before the acquires that follow (S4), a claim after the last (S10).
//!
//! # Cost
//!
//! A read locks twice, and readers contend with each other. Do not choose it for speed.

use core::cell::Cell;
use core::task::{Context, Poll, Waker};
use core::{fmt, mem};

use dbuf_core::sync::abort;
use dbuf_core::{BlockingStrategy, Side, Strategy, TrySwapStrategy, const_fn};

use crate::sync::FastMutex;

/// Readers count themselves under a mutex: the naive strategy, which is obviously right.
///
/// It is the only strategy for threads that can refuse a swap
/// ([`Writer::try_swap`](dbuf_core::Writer::try_swap)), since it checks and flips in one step.
///
/// # Examples
///
/// ```
/// use dbuf_strategies::LockStrategy;
///
/// let (mut writer, reader) = dbuf_core::arc(1, 2, LockStrategy::new());
/// let guard = reader.read();
/// assert!(!writer.try_swap());
/// drop(guard);
/// assert!(writer.try_swap());
/// assert_eq!(*reader.read(), 2);
/// ```
pub struct LockStrategy {
    state: FastMutex<State>,
}

struct State {
    front: Side,
    /// Guards on each side.
    counts: [usize; 3],
    finished: bool,
    spare: Side,
    spare_free: bool,
    claimed: bool,
    waker: Option<Waker>,
}

impl State {
    fn back(&self) -> Side {
        self.front.third(self.spare)
    }

    fn guards_on(&self, side: Side) -> usize {
        self.counts[side as usize]
    }

    fn try_finish(&mut self) -> bool {
        self.finished |= self.guards_on(self.back()) == 0;
        self.finished
    }

    fn try_free_spare(&mut self) -> bool {
        self.spare_free |= self.guards_on(self.spare) == 0;
        self.spare_free
    }
}

impl LockStrategy {
    const_fn! {
        /// Makes a fresh strategy. It never allocates.
        pub const fn new() -> Self {
            Self {
                state: FastMutex::new(State {
                    front: Side::A,
                    counts: [0; 3],
                    finished: true,
                    spare: Side::C,
                    spare_free: true,
                    claimed: false,
                    waker: None,
                }),
            }
        }
    }
}

impl Default for LockStrategy {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LockStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockStrategy").finish_non_exhaustive()
    }
}

/// Proof of the claim of a [`LockStrategy`].
#[derive(Debug)]
pub struct LockWriter(());

/// A reader of a [`LockStrategy`]. It counts its own guards on each side.
#[derive(Debug)]
pub struct LockReader([Cell<usize>; 3]);

// SAFETY: each method is one critical section. S1, S10: `claimed`. S2, S3, S8, S12: `finished` is
// set only while no guard is counted on the back. S4, S9: only the flip changes `front`. S5: the
// latch. S6: `release` takes the waker. S7: the documentation says that it locks; `release` wakes
// last; `acquire` checks the count. S11: tokens
// hold no pointer. S13: the spare side has a count and a latch too.
unsafe impl Strategy for LockStrategy {
    type WriterToken = LockWriter;
    type ReaderToken = LockReader;
    type GuardToken = Side;

    fn try_claim_writer(&self) -> Option<LockWriter> {
        let taken = mem::replace(&mut self.state.lock().claimed, true);
        (!taken).then_some(LockWriter(()))
    }

    unsafe fn release_writer(&self, _: LockWriter) {
        self.state.lock().claimed = false;
    }

    fn is_writer_claimed(&self) -> bool {
        self.state.lock().claimed
    }

    fn new_reader(&self) -> LockReader {
        LockReader([const { Cell::new(0) }; 3])
    }

    unsafe fn acquire(&self, reader: &LockReader) -> Side {
        let mut state = self.state.lock();
        let side = state.front;
        let count = &mut state.counts[side as usize];
        *count = count
            .checked_add(1)
            .unwrap_or_else(|| abort("too many guards"));
        let own = &reader.0[side as usize];
        own.set(own.get() + 1);
        side
    }

    fn side(guard: &Side) -> Side {
        *guard
    }

    unsafe fn is_current(&self, _: &LockReader, side: &Side) -> bool {
        self.state.lock().front == *side
    }

    unsafe fn release(&self, reader: &LockReader, side: Side) {
        let own = &reader.0[side as usize];
        own.set(own.get() - 1);
        let mut state = self.state.lock();
        state.counts[side as usize] -= 1;
        let emptied = side != state.front && state.guards_on(side) == 0;
        let waker = if emptied { state.waker.take() } else { None };
        drop(state);
        // User code runs when the lock is released and the count is final.
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn front(&self) -> Side {
        self.state.lock().front
    }

    unsafe fn start_swap(&self, _: &mut LockWriter) {
        let mut state = self.state.lock();
        state.front = state.back();
        state.finished = false;
    }

    unsafe fn is_finished(&self, _: &LockWriter) -> bool {
        self.state.lock().finished
    }

    unsafe fn try_finish(&self, _: &mut LockWriter) -> bool {
        self.state.lock().try_finish()
    }

    unsafe fn poll_finish(&self, _: &mut LockWriter, cx: &mut Context<'_>) -> Poll<()> {
        // Clone and drop of a waker are user code, so they run outside the lock.
        let mut waker = Some(cx.waker().clone());
        let mut state = self.state.lock();
        let finished = state.try_finish();
        if !finished {
            mem::swap(&mut state.waker, &mut waker);
        }
        drop(state);
        if finished {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    unsafe fn stragglers(&self, _: &LockWriter) -> usize {
        let state = self.state.lock();
        if state.finished {
            0
        } else {
            state.guards_on(state.back())
        }
    }

    fn spare(&self) -> Side {
        self.state.lock().spare
    }

    fn back(&self) -> Side {
        self.state.lock().back()
    }

    unsafe fn try_free_spare(&self, _: &mut LockWriter) -> bool {
        self.state.lock().try_free_spare()
    }

    unsafe fn set_aside(&self, _: &mut LockWriter) {
        let mut state = self.state.lock();
        state.spare = state.back();
        state.spare_free = false;
        state.finished = true;
    }

    unsafe fn spare_stragglers(&self, _: &LockWriter) -> usize {
        let state = self.state.lock();
        if state.spare_free {
            0
        } else {
            state.guards_on(state.spare)
        }
    }

    unsafe fn holds(&self, reader: &LockReader, side: Side) -> bool {
        reader.0[side as usize].get() > 0
    }
}

impl BlockingStrategy for LockStrategy {}

// SAFETY: check and flip are one critical section, and `finished` stays set.
unsafe impl TrySwapStrategy for LockStrategy {
    unsafe fn try_swap(&self, _: &mut LockWriter) -> bool {
        let mut state = self.state.lock();
        if state.counts[state.front as usize] > 0 {
            return false;
        }
        state.front = state.back();
        true
    }
}

/// A strategy with as many guards as it can count.
#[cfg(all(test, feature = "std"))]
pub(crate) fn full() -> (LockStrategy, LockReader) {
    let strategy = LockStrategy::new();
    strategy.state.lock().counts[Side::A as usize] = usize::MAX;
    let reader = strategy.new_reader();
    (strategy, reader)
}
