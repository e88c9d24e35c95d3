//! The lock around the one writer of a shared buffer, for threads and tasks alike (design.md,
//! section 9).
//!
//! One word holds the lock's state. Locking is one compare-exchange and unlocking one swap. A
//! waiter joins a queue and then marks the word; an unlock that finds the mark wakes. [`lock_any`]
//! locks whatever readers do; [`lock_finished`] locks when no guard is on the back. **A writer
//! never sleeps for readers while it holds the lock**: it unlocks, sleeps and tries again. So a
//! thread that holds a guard can always get `lock_any`. Instead of waiting, a writer may go on
//! without the readers ([`Finish::go_on`]).
//!
//! # States
//!
//! | word | meaning |
//! |---|---|
//! | 0 | free |
//! | n << 2 | held by thread number n, or by a task (`TASK`) |
//! | + `WAITED` | the unlock wakes from the queue |
//! | + `FINISHED` | the unlock wakes all that wait for readers |
//!
//! # Steps
//!
//! | holder unlocks | waiter |
//! |---|---|
//! | U1 swap the word with 0 | Q1 join the queue |
//! | U2 if the old word said `WAITED`, wake from the queue | Q2 set `WAITED`; if the old word was free, try again |
//!
//! Design.md 9.1 says why no wake is lost. U1 removes the mark while others may still wait. Two
//! rules keep them from being overlooked:
//!
//! - **W1** A wake takes waiters out up to and including the first thread; if no thread
//!   waits, all (a woken task may never run again).
//! - **W2** A woken thread either locks, with the mark set, or joins and marks
//!   again, or gives up and wakes the next.
//!
//! So if the queue is not empty, the word is marked or a woken thread is about to run.
//!
//! # Waiting for readers
//!
//! A strategy has room for one waker (S6). All waiters of a lock register the same one, which
//! wakes the whole set of those that wait for readers. The holder that first finds the swap
//! finished sets `FINISHED`, and its unlock wakes the set (design.md 9.4).
//!
//! # Fairness
//!
//! A running thread takes a free lock at once, before sleeping waiters: handing it over costs more
//! than dozens of writes. A waiter that has waited `LOCK_PATIENCE` for the lock, or
//! `READERS_PATIENCE` for readers, reserves the next *turn*: from then on `lock_finished` leaves
//! the lock to it, for `TURN` at most (a waiting task may never be polled). `lock_any` does not
//! observe turns. Turns are `LOCK_PATIENCE` apart, because each costs a switch to another thread.
//! So a waiter that runs when it is woken is overtaken for its patience, for as long again by each
//! that has waited longer, and for one more hold of the lock.
//!
//! [`lock_any`]: WriterLock::lock_any
//! [`lock_finished`]: WriterLock::lock_finished

mod finish;
mod guard;
mod holder;
mod waiter;

use alloc::sync::Arc;
use alloc::task::Wake;
use core::fmt;
use core::task::Waker;
use core::time::Duration;
use std::sync::OnceLock;
use std::thread;
use std::time::Instant;

use holder::sealed::Sealed;
use waiter::{Attempt, Deadline, Waiter};

use crate::const_fn;
use crate::sync::atomic::Ordering;
use crate::sync::cell::UnsafeCell;
use crate::sync::mutex::Mutex;
use crate::sync::stepped::AtomicUsize;
use crate::sync::{SPINS, spin_loop, with_sleeper};
use crate::waker_set::{Sleeps, WakerSet};

pub use finish::{Finish, GoOn, Sleep};
pub use guard::WriterGuard;
pub use holder::{Holds, InTask, OnThread};
pub use waiter::LockFinished;

/// How long a waiter sleeps for the lock before it reserves a turn. Ten times what a thread needs
/// to wake up, so that only a waiter that loses again and again takes turns.
const LOCK_PATIENCE: Duration = Duration::from_micros(500);
/// How long a waiter waits for readers before it reserves a turn.
const READERS_PATIENCE: Duration = Duration::from_millis(1);
/// How long others observe a turn.
const TURN: Duration = Duration::from_millis(1);

const FREE: usize = 0;
const WAITED: usize = 1;
const FINISHED: usize = 2;
const HOLDER: usize = !(WAITED | FINISHED);
/// The holder is a task, which has no number.
const TASK: usize = HOLDER;
/// The number of no waiter.
const NO_WAITER: usize = 0;

/// Which lock a waiter wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    Any,
    Finished,
}

/// A lock around a writer, for threads and tasks.
pub struct WriterLock<T> {
    word: AtomicUsize,
    /// The waiter that has reserved the next turn.
    turn: AtomicUsize,
    /// When the last turn ended.
    last_turn: Mutex<Option<Instant>>,
    inner: UnsafeCell<Inner<T>>,
    queue: WakerSet,
    readers: OnceLock<Arc<ForReaders>>,
    /// The number of waiters. A hint.
    waiting: AtomicUsize,
}

/// What the holder of the lock may access.
struct Inner<T> {
    value: T,
    /// Waiters may sleep until the strategy calls the waker of `ForReaders`.
    awaited: bool,
    /// The last turn that was observed, and since when.
    turn_began: Option<(usize, Instant)>,
}

/// The waiters for readers, as the one waker that the strategy gets.
struct ForReaders(WakerSet);

impl Wake for ForReaders {
    fn wake(self: Arc<Self>) {
        self.0.wake_all();
    }
}

// SAFETY: `inner` is reached through a guard only, and there is one at a time. The value moves
// between threads, and the lock does not share it.
unsafe impl<T: Send> Sync for WriterLock<T> {}

impl<T> WriterLock<T> {
    const_fn! {
        /// Makes a free lock.
        pub const fn new(value: T) -> Self {
            Self {
                word: AtomicUsize::new(FREE),
                turn: AtomicUsize::new(NO_WAITER),
                last_turn: Mutex::new(None),
                inner: UnsafeCell::new(Inner {
                    value,
                    awaited: false,
                    turn_began: None,
                }),
                queue: WakerSet::new(),
                readers: OnceLock::new(),
                waiting: AtomicUsize::new(0),
            }
        }
    }

    /// Returns whether a guard of this thread holds the lock.
    fn is_held_here(&self) -> bool {
        // Relaxed: only this thread stores its own number.
        self.word.load(Ordering::Relaxed) & HOLDER == OnThread::word()
    }

    /// Returns how many threads and tasks wait for the lock or for readers. It may have changed
    /// when it returns.
    pub fn waiting(&self) -> usize {
        // Relaxed: a hint.
        self.waiting.load(Ordering::Relaxed)
    }

    /// Locks if the lock is free.
    #[inline]
    pub fn try_lock_any<M: Holds>(&self) -> Option<WriterGuard<'_, T, M>> {
        // ORDERING: Acquire; partner: U1 in `WriterGuard::drop`. What the last holder did
        // happens-before. Relaxed on failure: nothing is read by it.
        let free =
            self.word
                .compare_exchange(FREE, M::word(), Ordering::Acquire, Ordering::Relaxed);
        match free {
            Ok(_) => Some(WriterGuard::new(self)),
            Err(word) => self.barge(word, 0),
        }
    }

    /// Locks if the lock is free, although others wait. The word keeps its marks, and gets
    /// `marks`.
    #[cold]
    fn barge<M: Holds>(&self, mut word: usize, marks: usize) -> Option<WriterGuard<'_, T, M>> {
        while word & HOLDER == FREE {
            let held = M::word() | word | marks;
            // ORDERING: Acquire; partner: U1, see `try_lock_any`. Marks that were set in between
            // are read-modify-writes and continue the release sequence.
            match self
                .word
                .compare_exchange_weak(word, held, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => return Some(WriterGuard::new(self)),
                Err(changed) => word = changed,
            }
        }
        None
    }

    /// Locks unless the lock stays held for long. For diagnosis, which must not wait for user
    /// code.
    pub fn lock_soon(&self) -> Option<WriterGuard<'_, T, OnThread>> {
        for _ in 0..DIAGNOSIS_ROUNDS {
            if let Some(guard) = self.try_lock_any() {
                return Some(guard);
            }
            thread::yield_now();
        }
        None
    }

    fn readers(&self) -> &Arc<ForReaders> {
        self.readers
            .get_or_init(|| Arc::new(ForReaders(WakerSet::new())))
    }

    /// U2.
    #[cold]
    fn wake(&self, word: usize) {
        // Relaxed: a turn is best effort.
        let turn = self.turn.load(Ordering::Relaxed);
        let wake_readers = || {
            if word & FINISHED != 0 {
                self.readers().0.wake_all();
            }
        };
        // First the queue's thread, then all tasks, also those that wait for readers.
        if word & WAITED == 0 || (turn != NO_WAITER && self.queue.wake_thread(turn)) {
            wake_readers();
        } else {
            self.queue.wake_next_and(wake_readers);
        }
    }
}

impl<T: Finish> WriterLock<T> {
    /// Locks if the lock is free and no guard is on the back, even if a waiter has reserved the
    /// turn.
    #[inline]
    pub fn try_lock_finished<M: Holds>(&self, shared: &T::Shared) -> Option<WriterGuard<'_, T, M>> {
        let mut guard = self.try_lock_any()?;
        guard.is_finished(shared).then_some(guard)
    }

    /// Locks if the lock is free, no guard is on the back, and no turn is reserved.
    #[inline]
    fn try_lock_finished_unless_reserved(
        &self,
        shared: &T::Shared,
    ) -> Option<WriterGuard<'_, T, OnThread>> {
        let guard = self.try_lock_finished(shared)?;
        (!self.is_reserved()).then_some(guard)
    }

    #[inline]
    fn is_reserved(&self) -> bool {
        // Relaxed: a turn is best effort.
        self.turn.load(Ordering::Relaxed) != NO_WAITER
    }

    /// Locks, whatever readers do: to publish, or to read the writer's state. Calls `own` if this
    /// thread already holds the lock.
    #[inline]
    pub fn lock_any(&self, shared: &T::Shared, own: fn() -> !) -> WriterGuard<'_, T, OnThread> {
        match self.try_lock_any() {
            Some(guard) => guard,
            None => self.wait(Want::Any, shared, own),
        }
    }

    /// Locks when no guard is on the back. Calls `own` if this thread already holds the lock.
    #[inline]
    pub fn lock_finished(
        &self,
        shared: &T::Shared,
        own: fn() -> !,
    ) -> WriterGuard<'_, T, OnThread> {
        match self.try_lock_finished_unless_reserved(shared) {
            Some(guard) => guard,
            None => self.wait(Want::Finished, shared, own),
        }
    }

    /// Does what [`lock_finished`](Self::lock_finished) does, for at most about `timeout`.
    pub fn lock_finished_timeout(
        &self,
        shared: &T::Shared,
        timeout: Duration,
        own: fn() -> !,
    ) -> Option<WriterGuard<'_, T, OnThread>> {
        self.try_lock_finished_unless_reserved(shared)
            .or_else(|| self.wait_until(Want::Finished, shared, &mut Deadline::In(timeout), own))
    }

    /// Does what [`lock_finished`](Self::lock_finished) does, for a task.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it is ready, nothing happened.
    pub fn lock_finished_async<'l, M: Holds>(
        &'l self,
        shared: &'l T::Shared,
    ) -> LockFinished<'l, T, M> {
        LockFinished::new(self, shared)
    }

    #[cold]
    fn wait(&self, want: Want, shared: &T::Shared, own: fn() -> !) -> WriterGuard<'_, T, OnThread> {
        loop {
            if let Some(guard) = self.wait_until(want, shared, &mut Deadline::Never, own) {
                return guard;
            }
        }
    }

    #[cold]
    fn wait_until(
        &self,
        want: Want,
        shared: &T::Shared,
        deadline: &mut Deadline,
        own: fn() -> !,
    ) -> Option<WriterGuard<'_, T, OnThread>> {
        if self.is_held_here() {
            own();
        }
        if let Some(guard) = self.spin(want, shared) {
            return Some(guard);
        }
        with_sleeper(|sleeper| {
            let waker = Waker::from(Arc::clone(sleeper));
            let mut waiter = Waiter::new(self, shared);
            loop {
                let turn = match waiter.attempt(want, Sleeps::Thread, &waker) {
                    Attempt::Locked(guard) => return Some(guard),
                    Attempt::Wait(most) => most,
                    Attempt::WaitForTurn(left) => Some(left),
                };
                loop {
                    let left = deadline.left();
                    if left.is_some_and(|left| left.is_zero()) {
                        return None;
                    }
                    let shorter = left.into_iter().chain(turn).min();
                    if sleeper.sleep(shorter) || turn.is_some() {
                        break;
                    }
                }
                self.wait_while_held();
            }
        })
    }

    /// Tries for a moment if no waiter sleeps: a sleep costs more than many writes.
    fn spin(&self, want: Want, shared: &T::Shared) -> Option<WriterGuard<'_, T, OnThread>> {
        self.wait_while_held();
        let mut guard = self.try_lock_any()?;
        let may_have = match want {
            Want::Any => true,
            Want::Finished => !self.is_reserved() && guard.is_finished_soon(shared),
        };
        may_have.then_some(guard)
    }

    /// Returns when the lock is free, when a waiter sleeps for it, or after a moment.
    fn wait_while_held(&self) {
        for round in 0..SPIN_ROUNDS {
            // Relaxed: the compare-exchange that locks decides.
            let word = self.word.load(Ordering::Relaxed);
            if word & HOLDER == FREE || word & WAITED != 0 {
                return;
            }
            pause(round);
        }
    }
}

/// How often [`WriterLock::lock_soon`] tries.
const DIAGNOSIS_ROUNDS: u32 = 12;

/// How often a thread checks the word before it sleeps.
const SPIN_ROUNDS: u32 = if SPINS == 0 { 0 } else { 12 };

/// Pauses for twice as long each round, up to 2⁶ steps (the limit of crossbeam's `Backoff`). A
/// check of the word takes its cache line away from the holder, and if two threads lock in turn,
/// each write moves all that it touches to the other processor. While a waiter pauses, the holder
/// can write many times.
fn pause(round: u32) {
    for _ in 0..1_u32 << round.min(6) {
        spin_loop();
    }
}

impl<T> fmt::Debug for WriterLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterLock")
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}
