//! The writers' lock: who has the log, and who waits for what. The steps (B1 to
//! B10) and why they are right: `docs/concurrent.md`.

use alloc::sync::Arc;
use alloc::task::Wake;
use core::hash::{BuildHasher, Hash};
use core::mem;
use core::task::{Context, Waker};
use core::time::Duration;
use std::time::Instant;

use crossbeam_utils::CachePadded;
use dbuf_core::{BlockingStrategy, Strategy, Version};

#[cfg(feature = "async")]
use super::held::TaskLock;
use super::held::{Held, Holder, ThreadLock, begin, serve_group};
use crate::PublishPolicy;
use crate::owner::{Log, Ptr};
use crate::primitive::{
    AtomicUsize, Event, EventListener, Gate, Mutex, Ordering, PATIENCE, ROUNDS, block_on, pause,
};

/// What the writers of a map share.
pub(crate) struct Writers<K, V, H, S: Strategy> {
    /// Taken by threads before the lock, so that they wait for each other in a queue that
    /// is made for threads: a hand-over from one to the other costs more than dozens of
    /// writes, and here it is rare.
    gate: Gate,
    state: Mutex<State<K, V, H, S>>,
    /// How many wait for the lock or for readers. A hint.
    queued: CachePadded<AtomicUsize>,
    /// The number of the last publish, as far as it fits.
    published: CachePadded<AtomicUsize>,
    pub(super) holder: Holder,
    finished: Arc<Finished>,
    /// Calls `finished`. All writers register this one.
    waker: Waker,
    policy: PublishPolicy,
}

pub(super) struct State<K, V, H, S: Strategy> {
    pub(super) log: Log<K, V, H, S>,
    pub(super) counts: Counts,
    /// Somebody registered the map's waker and sleeps until it is called, for all
    /// that is known.
    awaited: bool,
}

/// The first two are 0 while nothing is carried.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// How many more writers may leave the publish to the next one; 0 if nobody
    /// waits for what is carried.
    pub(super) group: usize,
    /// Changes since the last publish.
    changes: usize,
    /// Whether who has the lock has slept for it.
    slept: bool,
}

/// Tells all that wait for readers that the last swap may be finished.
struct Finished(Event);

impl Wake for Finished {
    fn wake(self: Arc<Self>) {
        self.0.notify(usize::MAX);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.notify(usize::MAX);
    }
}

/// One of those that wait.
struct Queued<'m>(&'m AtomicUsize);

impl<'m> Queued<'m> {
    fn new(queued: &'m AtomicUsize) -> Self {
        // Relaxed: a hint. Nobody depends on who publishes.
        queued.fetch_add(1, Ordering::Relaxed);
        Self(queued)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        // Relaxed: as above.
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<K, V, H, S: Strategy> Writers<K, V, H, S> {
    /// Takes note of what the lock's holder leaves behind, right before it is given
    /// back.
    #[inline]
    pub(super) fn take_note(&self, state: &mut State<K, V, H, S>) {
        // A publish that unwound included: it left nothing to publish.
        if !state.log.has_pending() {
            state.counts = Counts::default();
        }
        state.counts.slept = false;
        let version = state.log.as_writer().version();
        // ORDERING: Release; partner: the load in `has_published`. It comes after
        // the start of the swap.
        self.published.store(version as usize, Ordering::Release);
    }
}

impl<K, V, H, S> Writers<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    pub(crate) fn new(writer: dbuf_core::Writer<Ptr<K, V, H, S>>, policy: PublishPolicy) -> Self {
        let finished = Arc::new(Finished(Event::new()));
        Self {
            gate: Gate::new(),
            state: Mutex::new(State {
                log: Log::new(writer),
                counts: Counts::default(),
                awaited: false,
            }),
            queued: CachePadded::default(),
            published: CachePadded::default(),
            holder: Holder::new(),
            waker: Waker::from(Arc::clone(&finished)),
            finished,
            policy,
        }
    }

    /// Whether a batch of this thread has the lock.
    pub(crate) fn is_held_here(&self) -> bool {
        self.holder.is_here()
    }

    /// How many the last publish waits for. None while a batch is open.
    pub(crate) fn stragglers(&self) -> usize {
        // Whoever has the lock for longer than a look has a batch open, and the
        // last swap is finished then.
        for _ in 0..ROUNDS {
            if let Some(state) = self.state.try_lock() {
                return state.log.stragglers();
            }
            std::thread::yield_now();
        }
        0
    }

    pub(crate) fn queued(&self) -> usize {
        // Relaxed: out of date anyway.
        self.queued.load(Ordering::Relaxed)
    }

    /// Begins a batch for the user if nobody is in the way.
    pub(crate) fn try_begin_for_user(
        &self,
    ) -> Option<dbuf_core::Batch<ThreadLock<'_, K, V, H, S>>> {
        serve_group(self.try_lock()?).map(begin)
    }

    /// Begins a batch that the user may take long over: whoever waits for what is
    /// carried is served first. `None` after `timeout`.
    pub(crate) fn begin_for_user(
        &self,
        timeout: Option<Duration>,
    ) -> Option<dbuf_core::Batch<ThreadLock<'_, K, V, H, S>>> {
        let deadline = Deadline::new(timeout);
        loop {
            if let Some(lock) = serve_group(self.lock(deadline.left())?) {
                return Some(begin(lock));
            }
        }
    }

    /// Begins a batch that ends with [`end`](Self::end).
    #[inline]
    pub(crate) fn begin(&self) -> dbuf_core::Batch<ThreadLock<'_, K, V, H, S>> {
        match self.lock(None) {
            Some(lock) => begin(lock),
            None => unreachable!("without a timeout it waits for ever"),
        }
    }

    /// Whether a batch that ends now may end without a publish.
    #[inline]
    pub(crate) fn may_leave(&self) -> bool {
        match self.policy {
            PublishPolicy::Immediate => false,
            // Relaxed: a hint.
            PublishPolicy::Grouped => self.queued.load(Ordering::Relaxed) > 0,
            PublishPolicy::EveryOps(_) => true,
        }
    }

    /// Ends a batch that may be left. The number to [wait](Self::wait) for, if the
    /// publish is left to another.
    pub(crate) fn end(
        &self,
        batch: dbuf_core::Batch<ThreadLock<'_, K, V, H, S>>,
    ) -> Option<Ticket> {
        match self.policy {
            PublishPolicy::EveryOps(most) => {
                self.count(batch, most);
                None
            }
            PublishPolicy::Grouped | PublishPolicy::Immediate => self.leave(batch),
        }
    }

    /// Publishes with every so many changes.
    fn count(&self, batch: dbuf_core::Batch<ThreadLock<'_, K, V, H, S>>, most: usize) {
        let mut lock = batch.keep();
        if lock.has_pending() {
            let counts = lock.counts();
            counts.changes += 1;
            if counts.changes >= most {
                lock.publish();
            }
        }
    }

    /// Leaves the publish to a writer that is queued, unless this is the last of its
    /// group.
    fn leave(&self, batch: dbuf_core::Batch<ThreadLock<'_, K, V, H, S>>) -> Option<Ticket> {
        let mut lock = batch.keep();
        if !lock.has_pending() {
            return None;
        }
        let counts = lock.counts();
        counts.group = match counts.group {
            // Who got the lock at once can publish sooner than it could hand that over.
            _ if !counts.slept => 0,
            // Relaxed: a hint; somebody may have given up by now.
            0 => self.queued.load(Ordering::Relaxed),
            left => left - 1,
        };
        if counts.group == 0 {
            lock.publish();
            return None;
        }
        Some(Ticket(lock.as_writer().version() + 1))
    }

    /// Publishes what is carried. Waits for the lock and for no reader. Whether
    /// there was anything.
    pub(crate) fn publish(&self) -> bool {
        let Some(lock) = self.lock_carrying(None) else {
            unreachable!("without a timeout it waits for ever")
        };
        let pending = lock.has_pending();
        if pending {
            drop(begin(lock).publish());
        }
        pending
    }

    /// Returns once the publish of this number is out.
    pub(crate) fn wait(&self, ticket: Ticket) {
        loop {
            for round in 0..ROUNDS {
                if self.has_published(ticket) {
                    return;
                }
                pause(round);
            }
            // Whoever has the lock may have published this (B5) a moment later, and
            // keep it for long.
            if let Some(lock) = self.lock_carrying(Some(PATIENCE)) {
                if lock.as_writer().version() < ticket.0 {
                    drop(begin(lock).publish());
                }
                return;
            }
        }
    }

    fn has_published(&self, ticket: Ticket) -> bool {
        // ORDERING: Acquire; partner: the store in `take_note`. A front
        // that is loaded later is at least that of this number.
        let published = self.published.load(Ordering::Acquire);
        // The difference is small, whatever was cut off.
        published.wrapping_sub(ticket.0 as usize) as isize >= 0
    }

    /// The lock, if nobody has it and no reader is in the way.
    #[inline]
    fn try_lock(&self) -> Option<ThreadLock<'_, K, V, H, S>> {
        let gate = self.gate.try_lock()?;
        let mut state = self.state.try_lock()?;
        self.try_finish(&mut state)
            .then(|| ThreadLock::new(self, state, gate))
    }

    /// Whether no reader is in the way.
    ///
    /// Who finds that out first tells all others: the waker that they sleep by may
    /// have been replaced and dropped, or never be called, since the strategy owes a
    /// wake to the last who asked only, and none to who was told when asking.
    #[inline]
    fn try_finish(&self, state: &mut State<K, V, H, S>) -> bool {
        let finished = state.log.try_finish();
        if finished && mem::take(&mut state.awaited) {
            self.finished.0.notify(usize::MAX);
        }
        finished
    }

    /// Registers for the moment when no reader is in the way any more; `None` if none
    /// is. To be awaited without the lock.
    fn listen(&self, state: &mut State<K, V, H, S>) -> Option<EventListener> {
        if self.try_finish(state) {
            return None;
        }
        // Listens first, so that a wake from here on is heard.
        let finished = self.finished.0.listen();
        let mut cx = Context::from_waker(&self.waker);
        if state.log.poll_finish(&mut cx).is_ready() && self.try_finish(state) {
            return None;
        }
        state.awaited = true;
        Some(finished)
    }

    /// The lock, when no reader is in the way. `None` after `timeout`.
    #[inline]
    fn lock(&self, timeout: Option<Duration>) -> Option<ThreadLock<'_, K, V, H, S>> {
        self.try_lock().or_else(|| self.wait_for_lock(timeout))
    }

    #[cold]
    fn wait_for_lock(&self, timeout: Option<Duration>) -> Option<ThreadLock<'_, K, V, H, S>> {
        for round in 0..ROUNDS {
            pause(round);
            if let Some(lock) = self.try_lock() {
                return Some(lock);
            }
        }
        // Counted from here on: who spins gets the lock sooner than a publish could be
        // left to it.
        let _queued = Queued::new(&self.queued);
        let deadline = Deadline::new(timeout);
        loop {
            let gate = self.gate.lock(deadline.left())?;
            let mut state = match self.state.try_lock() {
                Some(state) => state,
                None => block_on(deadline.left(), self.state.lock())?,
            };
            let Some(finished) = self.listen(&mut state) else {
                state.counts.slept = true;
                return Some(ThreadLock::new(self, state, gate));
            };
            drop(state);
            drop(gate);
            block_on(deadline.left(), finished)?;
        }
    }

    /// The lock, for a writer of which something may be carried: nobody is in the
    /// way of a publish. `None` after `timeout`.
    fn lock_carrying(&self, timeout: Option<Duration>) -> Option<ThreadLock<'_, K, V, H, S>> {
        let deadline = Deadline::new(timeout);
        let gate = self.gate.lock(deadline.left())?;
        let state = block_on(deadline.left(), self.state.lock())?;
        Some(ThreadLock::new(self, state, gate))
    }

    /// The lock, when no reader is in the way. Waits for readers without it.
    #[cfg(feature = "async")]
    pub(super) async fn lock_async(&self) -> TaskLock<'_, K, V, H, S> {
        let _queued = Queued::new(&self.queued);
        loop {
            let mut state = self.state.lock().await;
            match self.listen(&mut state) {
                None => return TaskLock::new(self, state),
                Some(finished) => {
                    drop(state);
                    finished.await;
                }
            }
        }
    }
}

/// When a wait ends.
struct Deadline(Option<Instant>);

impl Deadline {
    fn new(timeout: Option<Duration>) -> Self {
        // One that is too far to represent is none.
        Self(timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    fn left(&self) -> Option<Duration> {
        self.0
            .map(|end| end.saturating_duration_since(Instant::now()))
    }
}

/// The number of the publish that a change will be part of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket(Version);
