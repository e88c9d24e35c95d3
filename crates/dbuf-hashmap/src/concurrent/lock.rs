//! The writer of a map behind the writers' lock, and when a change is published. The lock
//! itself is `dbuf_core::writer_lock`; `docs/design.md`, 10, proves what a write promises.

use alloc::vec::Vec;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::ops::{Deref, DerefMut};
use core::task::{Context, Poll};
use core::time::Duration;
use std::hash::RandomState;
use std::thread::Thread;
use std::time::Instant;

use dbuf_core::writer_lock::{self, Finish, GoOn, OnThread, WriterLock};
use dbuf_core::{BlockingStrategy, Published, Strategy, Version};
use dbuf_strategies::DefaultStrategy;

use crate::batch::Batch;
use crate::choices::{Choices, OnSpare, PublishPolicy, SleepFn};
use crate::op::NoChange;
use crate::owner::{Log, Owner, Ptr, sealed};

/// The state that the lock guards.
pub(crate) struct State<K, V, H, S: Strategy> {
    log: Log<K, V, H, S>,
    /// Under `Within`: the version when changes became pending, and the time.
    pending: Option<(Version, Instant)>,
}

/// What waiting writers share: the reader to check for guards, and the user's callbacks.
pub(crate) struct Waits<K, V, H, S: Strategy> {
    reader: dbuf_core::SharedReader<Ptr<K, V, H, S>>,
    on_spare: Option<OnSpare>,
    sleep: Option<SleepFn>,
}

impl<K, V, H, S> Finish for State<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: Strategy,
{
    type Shared = Waits<K, V, H, S>;

    #[inline]
    fn try_finish(&mut self, _: &Self::Shared) -> bool {
        self.log.try_finish()
    }

    fn poll_finish(&mut self, _: &Self::Shared, cx: &mut Context<'_>) -> Poll<()> {
        self.log.poll_finish(cx)
    }

    fn go_on(&mut self, waits: &Self::Shared, waited: Duration, on_thread: bool) -> GoOn {
        let own = on_thread && waits.reader.has_guard_on_back();
        let patience = self.log.patience();
        let is_over = patience.is_some_and(|after| own || waited >= after);
        if is_over && self.log.set_aside() {
            return match self.log.spare_stragglers() {
                // The last straggler was released a moment ago.
                0 => GoOn::Finished,
                stragglers => GoOn::SetAside(stragglers),
            };
        }
        if own {
            own_guard();
        }
        GoOn::Wait(patience.and_then(|after| after.checked_sub(waited)))
    }

    fn has_set_aside(waits: &Self::Shared, stragglers: usize) {
        if let Some(on_spare) = &waits.on_spare {
            on_spare(stragglers);
        }
    }

    fn sleep(waits: &Self::Shared, duration: Duration) -> Option<writer_lock::Sleep> {
        waits.sleep.as_ref().map(|sleep| sleep(duration))
    }
}

/// The writer of a [`ConcurrentHashMap`](crate::ConcurrentHashMap), locked by a
/// [`Batch`](crate::Batch). Other writers wait.
///
/// `M` names the holder: a thread ([`OnThread`]; the batch stays on that thread) or a task
/// ([`InTask`](writer_lock::InTask); the batch is `Send`).
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::{Batch, ConcurrentHashMap, WriterGuard};
///
/// fn rename(batch: &mut Batch<WriterGuard<'_, u32, String>>, key: u32, name: &str) {
///     batch.insert(key, name.to_owned()); // any batch: `impl Owner<Key = u32, Value = String>`
/// }
///
/// let map = ConcurrentHashMap::new();
/// rename(&mut map.write(), 1, "one");
/// assert_eq!(map.get_cloned(&1).as_deref(), Some("one"));
/// ```
pub struct WriterGuard<'m, K, V, H = RandomState, S: Strategy = DefaultStrategy, M = OnThread>(
    writer_lock::WriterGuard<'m, State<K, V, H, S>, M>,
);

impl<K, V, H, S: Strategy, M> Deref for WriterGuard<'_, K, V, H, S, M> {
    type Target = Log<K, V, H, S>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.0.log
    }
}

impl<K, V, H, S: Strategy, M> DerefMut for WriterGuard<'_, K, V, H, S, M> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0.log
    }
}

impl<K, V, H, S: Strategy, M> fmt::Debug for WriterGuard<'_, K, V, H, S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterGuard").finish_non_exhaustive()
    }
}

impl<K, V, H, S: Strategy, M> sealed::Sealed for WriterGuard<'_, K, V, H, S, M> {}

impl<K, V, H, S, M> Owner for WriterGuard<'_, K, V, H, S, M>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: Strategy,
{
    type Key = K;
    type Value = V;
    type Hasher = H;
    type Strategy = S;
    type Change = NoChange;

    /// A rollback must not undo what another writer deferred.
    const KEEPS: bool = true;
}

/// Inserts copies of all entries.
impl<'e, K, V, H, S, M> Extend<(&'e K, &'e V)> for Batch<WriterGuard<'_, K, V, H, S, M>>
where
    K: Hash + Eq + Copy,
    V: Copy,
    H: BuildHasher,
    S: Strategy,
{
    fn extend<I: IntoIterator<Item = (&'e K, &'e V)>>(&mut self, entries: I) {
        self.extend(entries.into_iter().map(|(key, value)| (*key, *value)));
    }
}

/// A core batch, before it becomes a [`Batch`].
type Begun<'m, K, V, H, S, M = OnThread> = dbuf_core::Batch<WriterGuard<'m, K, V, H, S, M>>;

/// The write side, which all handles of a map share.
pub(crate) struct Writers<K, V, H, S: Strategy> {
    lock: WriterLock<State<K, V, H, S>>,
    waits: Waits<K, V, H, S>,
    policy: PublishPolicy,
}

impl<K, V, H, S> Writers<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    pub(crate) fn new(
        log: Log<K, V, H, S>,
        reader: dbuf_core::SharedReader<Ptr<K, V, H, S>>,
        choices: Choices,
    ) -> Self {
        Self {
            lock: WriterLock::new(State { log, pending: None }),
            waits: Waits {
                reader,
                on_spare: choices.on_spare,
                sleep: choices.sleep,
            },
            policy: choices.policy,
        }
    }

    /// Returns how many guards or readers the last publish waits for: none while a batch is open,
    /// since its swap is finished.
    pub(crate) fn stragglers(&self) -> usize {
        self.lock
            .lock_soon()
            .map_or(0, |guard| guard.log.stragglers())
    }

    /// Returns how many guards or readers hold a copy that was set aside, and since when there is
    /// one: zero and `None` while a batch is open.
    pub(crate) fn spare(&self) -> (usize, Option<Instant>) {
        self.lock.lock_soon().map_or((0, None), |guard| {
            (guard.log.spare_stragglers(), guard.log.spare_since())
        })
    }

    /// Returns the threads that hold a copy that is not published: none while a batch is open.
    pub(crate) fn straggling_threads(&self) -> Vec<Thread> {
        let held = self.lock.lock_soon();
        held.map_or_else(Vec::new, |_held| self.waits.reader.straggling_threads())
    }

    pub(crate) fn queued(&self) -> usize {
        self.lock.waiting()
    }

    /// Begins a batch. Panics if this thread has one open.
    // Always inlined, like `dbuf_core::Batch::begin`.
    #[inline(always)]
    pub(crate) fn begin(&self) -> Begun<'_, K, V, H, S> {
        Begun::begin(WriterGuard(self.lock.lock_finished(&self.waits, own_batch)))
    }

    /// Begins a batch, or gives up after about `timeout`.
    pub(crate) fn begin_timeout(&self, timeout: Duration) -> Option<Begun<'_, K, V, H, S>> {
        let guard = self
            .lock
            .lock_finished_timeout(&self.waits, timeout, own_batch)?;
        Some(Begun::begin(WriterGuard(guard)))
    }

    /// Begins a batch if it need not wait.
    pub(crate) fn try_begin(&self) -> Option<Begun<'_, K, V, H, S>> {
        Some(Begun::begin(WriterGuard(
            self.lock.try_lock_finished(&self.waits)?,
        )))
    }

    /// Awaits the lock and the finished swap, and begins a batch.
    #[cfg(feature = "async")]
    pub(super) async fn begin_async<M: writer_lock::Holds>(&self) -> Begun<'_, K, V, H, S, M> {
        Begun::begin(WriterGuard(
            self.lock.lock_finished_async(&self.waits).await,
        ))
    }

    /// Returns whether a single change is published when its batch is dropped.
    #[inline]
    pub(crate) fn is_immediate(&self) -> bool {
        self.policy == PublishPolicy::Immediate
    }

    /// Ends the batch of a single change, and publishes if the policy says so.
    pub(crate) fn end(&self, batch: Begun<'_, K, V, H, S>) {
        let mut guard = batch.keep();
        if guard.0.is_due(self.policy) {
            guard.0.log.publish();
        }
    }

    /// Publishes pending changes. Waits for the lock, but for no reader.
    pub(crate) fn publish(&self) -> Published {
        let guard = WriterGuard(self.lock.lock_any(&self.waits, own_batch));
        if !guard.has_pending() {
            return Published::Nothing;
        }
        // Pending changes are on a finished back, so this does not wait. The batch first undoes
        // what a torn batch did, and then publishes what was pending before that one.
        drop(Batch::new(Begun::begin(guard)));
        Published::Now
    }
}

impl<K, V, H, S: Strategy> State<K, V, H, S> {
    /// Returns whether pending changes are to be published now.
    fn is_due(&mut self, policy: PublishPolicy) -> bool {
        if !self.log.has_pending() {
            return false;
        }
        match policy {
            PublishPolicy::Immediate => true,
            PublishPolicy::Every(most) => self.log.pending() >= most,
            PublishPolicy::Within(age) => {
                let version = self.log.as_writer().version();
                let now = Instant::now();
                match self.pending {
                    // The same version: no publish has come in between.
                    Some((since, oldest)) if since == version => now - oldest >= age,
                    _ => {
                        self.pending = Some((version, now));
                        age.is_zero()
                    }
                }
            }
        }
    }
}

#[cold]
#[inline(never)]
fn own_batch() -> ! {
    panic!(
        "a thread writes to a map while it has a batch of that map open, and would wait \
         for itself forever: make the change through the batch, or end the batch first"
    )
}

#[cold]
#[inline(never)]
fn own_guard() -> ! {
    panic!(
        "a thread writes to a map while it holds a guard of that map (from `get`, `read` \
         or `iter`), and would wait for its own guard forever: drop the guard first, or \
         use `get_cloned`, `get_with`, `try_write` or `Batch::published`"
    )
}
