//! Threads and tasks that wait for the lock.

use alloc::sync::Arc;
use core::fmt;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::time::Instant;

use super::{
    FREE, Finish, GoOn, HOLDER, Holds, LOCK_PATIENCE, NO_WAITER, READERS_PATIENCE, Sleep, TURN,
    WAITED, Want, WriterGuard, WriterLock,
};
use crate::sync::atomic::Ordering;
use crate::sync::elapsed;
use crate::waker_set::{Sleeps, WakerSet};

/// When a wait ends. The clock is not read before the first sleep.
pub(super) enum Deadline {
    Never,
    In(Duration),
    At(Instant),
}

impl Deadline {
    /// Returns the remaining time, or `None` without a deadline.
    pub(super) fn left(&mut self) -> Option<Duration> {
        if let Self::In(timeout) = *self {
            // A deadline too far to represent is no deadline.
            *self = match Instant::now().checked_add(timeout) {
                Some(end) => Self::At(end),
                None => Self::Never,
            };
            return Some(timeout);
        }
        match self {
            Self::At(end) => Some(end.saturating_duration_since(Instant::now())),
            Self::Never | Self::In(_) => None,
        }
    }
}

/// Which set a waiter has joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Joined {
    Nothing,
    /// The waiters for the lock.
    Queue,
    /// The waiters for readers.
    Readers,
}

/// A thread or task that waits for the lock.
pub(super) struct Waiter<'l, 's, T: Finish> {
    lock: &'l WriterLock<T>,
    shared: &'s T::Shared,
    /// Given out with the first join.
    number: usize,
    joined: Joined,
    sleeps: Sleeps,
    /// `WAITED` from its join of the queue until it has locked, because others may wait behind it
    /// (W2).
    marks: usize,
    /// When it began to wait for the lock, and for readers.
    began: [Option<Instant>; 2],
    /// Since when the same readers have been on the back.
    blocked: Option<Instant>,
}

/// The result of an attempt to lock.
pub(super) enum Attempt<'l, T, M> {
    Locked(WriterGuard<'l, T, M>),
    /// The waiter is woken when another attempt is worthwhile; it should also try after this time.
    Wait(Option<Duration>),
    /// Another waiter has the turn, which ends after this time. A wake may come first.
    WaitForTurn(Duration),
}

impl<'l, 's, T: Finish> Waiter<'l, 's, T> {
    pub(super) fn new(lock: &'l WriterLock<T>, shared: &'s T::Shared) -> Self {
        Self {
            lock,
            shared,
            number: NO_WAITER,
            joined: Joined::Nothing,
            sleeps: Sleeps::Task,
            marks: 0,
            began: [None; 2],
            blocked: None,
        }
    }

    /// Q1, or the same for readers. Wakers are user code, so the lock is not held.
    fn join(&mut self, joined: Joined, sleeps: Sleeps, waker: &Waker) {
        if self.number == NO_WAITER {
            self.number = self.lock.queue.number();
            // Relaxed: a hint.
            self.lock.waiting.fetch_add(1, Ordering::Relaxed);
        }
        let waker = waker.clone();
        self.joined = joined;
        self.sleeps = sleeps;
        if joined == Joined::Queue {
            self.marks = WAITED;
        }
        if let Some(set) = self.set() {
            set.join(self.number, sleeps, waker);
        }
    }

    /// Returns the set that it has joined.
    fn set(&self) -> Option<&'l WakerSet> {
        match self.joined {
            Joined::Nothing => None,
            Joined::Queue => Some(&self.lock.queue),
            Joined::Readers => Some(&self.lock.readers().0),
        }
    }

    /// Leaves its set. Returns whether it was woken there before. Wakers are user code, so the
    /// lock is not held.
    fn leave(&mut self) -> bool {
        let woken = self.set().is_some_and(|set| !set.leave(self.number));
        self.joined = Joined::Nothing;
        woken
    }

    /// Reserves the next turn if it has waited for `patience` and the last turn ended long enough
    /// ago.
    fn reserve_turn(&mut self, joined: Joined, patience: Duration) {
        let began = &mut self.began[usize::from(joined == Joined::Readers)];
        let began = *began.get_or_insert_with(Instant::now);
        // Relaxed: only this waiter reserves under its number. The turn may have lapsed.
        if self.lock.turn.load(Ordering::Relaxed) == self.number || elapsed(began) < patience {
            return;
        }
        let last = *self.lock.last_turn.lock();
        if last.is_none_or(|last| elapsed(last) >= LOCK_PATIENCE) {
            // Relaxed: a turn is best effort.
            let _ = self.lock.turn.compare_exchange(
                NO_WAITER,
                self.number,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
    }
}

impl<'l, T: Finish> Waiter<'l, '_, T> {
    /// Locks, or joins a set that wakes the waiter when another attempt is worthwhile.
    pub(super) fn attempt<M: Holds>(
        &mut self,
        want: Want,
        sleeps: Sleeps,
        waker: &Waker,
    ) -> Attempt<'l, T, M> {
        let lock = self.lock;
        if self.joined == Joined::Readers && self.leave() {
            // The readers for which it waited are gone.
            self.blocked = None;
        }
        self.leave();
        loop {
            // Relaxed: the compare-exchange decides.
            let word = lock.word.load(Ordering::Relaxed);
            let Some(guard) = lock.barge(word, self.marks) else {
                self.leave();
                self.join(Joined::Queue, sleeps, waker);
                // Q2. Relaxed: a read-modify-write of the word that U1 swaps, and nothing but the
                // word is read by it.
                let word = lock.word.fetch_or(WAITED, Ordering::Relaxed);
                if word & HOLDER != FREE {
                    self.reserve_turn(Joined::Queue, LOCK_PATIENCE);
                    return Attempt::Wait(None);
                }
                self.leave();
                continue;
            };
            self.marks = 0;
            let attempt = match want {
                Want::Any => Some(Attempt::Locked(guard)),
                Want::Finished => self.finished(guard, sleeps, waker),
            };
            if let Some(attempt) = attempt {
                return attempt;
            }
        }
    }

    /// Lets the writer go on without the readers. Returns `None` if it does, with the lock
    /// released, because what comes next may be user code. Otherwise returns how long to wait.
    fn go_on<M>(
        &self,
        mut guard: WriterGuard<'l, T, M>,
        sleeps: Sleeps,
    ) -> Option<Option<Duration>> {
        let waited = self.blocked.map_or(Duration::ZERO, elapsed);
        let writer = &mut guard.inner().value;
        let stragglers = match writer.go_on(self.shared, waited, sleeps == Sleeps::Thread) {
            GoOn::Wait(most) => return Some(most),
            GoOn::SetAside(stragglers) => Some(stragglers),
            GoOn::Finished => None,
        };
        // Wakes others that wait for the same readers.
        guard.is_finished(self.shared);
        drop(guard);
        if let Some(stragglers) = stragglers {
            T::has_set_aside(self.shared, stragglers);
        }
        None
    }

    /// With the lock held: keeps it if no guard is on the back and no other waiter has the turn.
    /// Returns `None` if another attempt is worthwhile at once.
    fn finished<M>(
        &mut self,
        mut guard: WriterGuard<'l, T, M>,
        sleeps: Sleeps,
        waker: &Waker,
    ) -> Option<Attempt<'l, T, M>> {
        let lock = self.lock;
        if self.joined == Joined::Readers {
            // It has joined, so no wake from here on is lost.
            let readers = Waker::from(Arc::clone(lock.readers()));
            let mut cx = Context::from_waker(&readers);
            let waits = guard
                .inner()
                .value
                .poll_finish(self.shared, &mut cx)
                .is_pending();
            // Others may wait for the waker that this one has replaced.
            guard.inner().awaited = true;
            if waits {
                self.reserve_turn(Joined::Readers, READERS_PATIENCE);
                self.blocked.get_or_insert_with(Instant::now);
                if let Some(most) = self.go_on(guard, sleeps) {
                    return Some(Attempt::Wait(most));
                }
            } else {
                self.blocked = None;
                guard.is_finished(self.shared);
                drop(guard);
            }
            self.leave();
            return None;
        }
        if !guard.is_finished_soon(self.shared) {
            if self.go_on(guard, sleeps).is_some() {
                self.join(Joined::Readers, sleeps, waker);
            }
            return None;
        }
        // Relaxed: a turn is best effort.
        let turn = lock.turn.load(Ordering::Relaxed);
        if turn == NO_WAITER {
            return Some(Attempt::Locked(guard));
        }
        if turn != self.number {
            let inner = guard.inner();
            let began = match inner.turn_began {
                Some((of, began)) if of == turn => began,
                _ => inner.turn_began.insert((turn, Instant::now())).1,
            };
            let left = TURN.saturating_sub(elapsed(began));
            if !left.is_zero() {
                drop(guard);
                self.join(Joined::Queue, sleeps, waker);
                // Relaxed: see Q2. A free word needs no other attempt here.
                lock.word.fetch_or(WAITED, Ordering::Relaxed);
                // Relaxed: if this load misses that the turn was taken, the sleep ends with the
                // turn.
                if lock.turn.load(Ordering::Relaxed) == turn {
                    return Some(Attempt::WaitForTurn(left));
                }
                self.leave();
                return None;
            }
        }
        // Relaxed: a turn is best effort.
        let _ = lock
            .turn
            .compare_exchange(turn, NO_WAITER, Ordering::Relaxed, Ordering::Relaxed);
        *lock.last_turn.lock() = Some(Instant::now());
        guard.inner().turn_began = None;
        Some(Attempt::Locked(guard))
    }
}

impl<T: Finish> Drop for Waiter<'_, '_, T> {
    fn drop(&mut self) {
        if self.number == NO_WAITER {
            return;
        }
        // Relaxed: a hint.
        self.lock.waiting.fetch_sub(1, Ordering::Relaxed);
        // Relaxed: a turn is best effort.
        let _ = self.lock.turn.compare_exchange(
            self.number,
            NO_WAITER,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        let is_queued = self.joined == Joined::Queue;
        let was_woken = self.leave() || !is_queued;
        if self.marks != 0 && was_woken && self.sleeps == Sleeps::Thread {
            // W2: it was woken and gives up.
            self.lock.queue.wake_next();
        }
    }
}

/// Locks when no guard is on the back. See [`WriterLock::lock_finished_async`].
pub struct LockFinished<'l, T: Finish, M> {
    waiter: Waiter<'l, 'l, T>,
    /// Wakes the task when it need not wait for readers any longer.
    sleep: Option<Sleep>,
    holds: PhantomData<fn() -> M>,
}

impl<'l, T: Finish, M> LockFinished<'l, T, M> {
    pub(super) fn new(lock: &'l WriterLock<T>, shared: &'l T::Shared) -> Self {
        Self {
            waiter: Waiter::new(lock, shared),
            sleep: None,
            holds: PhantomData,
        }
    }
}

impl<'l, T: Finish, M: Holds> Future for LockFinished<'l, T, M> {
    type Output = WriterGuard<'l, T, M>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            let most = match this
                .waiter
                .attempt(Want::Finished, Sleeps::Task, cx.waker())
            {
                Attempt::Locked(guard) => return Poll::Ready(guard),
                Attempt::Wait(most) => most,
                Attempt::WaitForTurn(_) => {
                    // There is no timer, so the task is polled again and again, for `TURN` at
                    // most.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            };
            let Some(most) = most else {
                return Poll::Pending;
            };
            if this.sleep.is_none() {
                this.sleep = T::sleep(this.waiter.shared, most);
            }
            let Some(sleep) = &mut this.sleep else {
                return Poll::Pending;
            };
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            this.sleep = None;
        }
    }
}

impl<T: Finish, M> fmt::Debug for LockFinished<'_, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockFinished").finish_non_exhaustive()
    }
}
