//! The writer of a map behind the writers' lock, and when a change is published. The lock
//! itself is `dbuf_core::writer_lock`; `docs/design.md`, 10, says why a write keeps what it
//! promises.

use alloc::sync::Arc;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::ops::{Deref, DerefMut};
use core::task::{Context, Poll};
use core::time::Duration;
use std::hash::RandomState;
use std::time::Instant;

use dbuf_core::writer_lock::{self, Finish, GoOn, OnThread, WriterLock};
use dbuf_core::{BlockingStrategy, Published, Strategy, Version};

use crate::builder::Choices;
use crate::op::NoChange;
use crate::owner::{Log, Ptr, sealed};
use crate::{Batch, DefaultStrategy, Owner};

/// When a change of a [`ConcurrentHashMap`](crate::ConcurrentHashMap) is published: a
/// single one such as `insert`, by a thread or by a task. Batches (`write`, `transact`)
/// are published when they end, under each policy.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::{Builder, PublishPolicy};
///
/// let map = Builder::new()
///     .publish_policy(PublishPolicy::Every(2))
///     .build_concurrent();
/// map.insert("a", 1);
/// assert_eq!(map.get_cloned("a"), None);
/// map.insert("b", 2);
/// assert_eq!(map.get_cloned("a"), Some(1));
/// ```
///
/// With `Within`, a thread bounds the age of what no write publishes any more. (A task
/// does the same with `loop { tokio::time::sleep(d).await; map.publish(); }`.)
///
/// ```
/// use std::thread;
/// use std::time::Duration;
///
/// use dbuf_hashmap::{Builder, PublishPolicy};
///
/// let age = Duration::from_millis(10);
/// let map = Builder::new()
///     .publish_policy(PublishPolicy::Within(age))
///     .build_concurrent();
/// # let reader = map.clone();
/// let flushed = map.clone();
/// # let flush = move || {
/// thread::spawn(move || loop {
///     thread::sleep(age);
///     flushed.publish();
/// });
/// # };
/// # flush();
/// map.insert("a", 1);
/// # while reader.get("a").is_none() {}
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PublishPolicy {
    /// Each change is published before its call returns: every read that starts later, on
    /// any thread, sees it.
    #[default]
    Immediate,
    /// This many changes are published together; 0 counts as 1. A call that changes
    /// nothing does not count.
    ///
    /// **A call returns before its change can be read**, and a read by the same thread
    /// misses it. It becomes visible with the publish that the count, a batch or
    /// [`publish`](crate::ConcurrentHashMap::publish) brings. No timer does, and a map
    /// that is dropped before loses it.
    Every(usize),
    /// A write that finds a change that has been pending for this long publishes all that
    /// is pending, its own change included. So while writes go on, a change is at most
    /// this old, and one gap between two writes older, when it is published.
    ///
    /// The same holds as for [`Every`](Self::Every): no timer publishes what the last
    /// write left. Reads the clock once a write.
    Within(Duration),
}

/// What the lock guards.
pub(crate) struct State<K, V, H, S: Strategy> {
    log: Log<K, V, H, S>,
    /// Under `Within`: since when changes have been pending, and the version then.
    pending: Option<(Version, Instant)>,
}

/// What waiters need to know, and what they call.
pub(crate) struct Waits<K, V, H, S: Strategy> {
    reader: dbuf_core::SharedReader<Ptr<K, V, H, S>>,
    on_spare: Option<OnSpare>,
    sleep: Option<SleepFn>,
}

/// See [`Builder::on_spare`](crate::Builder::on_spare).
pub(crate) type OnSpare = Arc<dyn Fn(usize) + Send + Sync>;
/// See [`Builder::sleep`](crate::Builder::sleep).
pub(crate) type SleepFn = Arc<dyn Fn(Duration) -> writer_lock::Sleep + Send + Sync>;

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
                // The last of them has just left.
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

/// The writer of a [`ConcurrentHashMap`](crate::ConcurrentHashMap), which a
/// [`Batch`](crate::Batch) has to itself: other writers wait.
///
/// `M` says whether a thread holds it ([`OnThread`]; the batch stays on that thread) or a
/// task ([`InTask`](writer_lock::InTask); the batch is `Send`).
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

    /// The rollback would be another writer's.
    const KEEPS: bool = true;
}

/// Inserts copies of all.
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

/// A batch before it is wrapped.
type Begun<'m, K, V, H, S, M = OnThread> = dbuf_core::Batch<WriterGuard<'m, K, V, H, S, M>>;

/// What the handles of a map share to write.
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

    /// How many guards or readers the last publish waits for. None while a batch is open:
    /// its swap is finished.
    pub(crate) fn stragglers(&self) -> usize {
        self.lock
            .lock_soon()
            .map_or(0, |guard| guard.log.stragglers())
    }

    /// How many keep a side that was set aside, and since when there is one. Zero and none
    /// while a batch is open.
    pub(crate) fn spare(&self) -> (usize, Option<Instant>) {
        self.lock.lock_soon().map_or((0, None), |guard| {
            (guard.log.spare_stragglers(), guard.log.spare_since())
        })
    }

    pub(crate) fn queued(&self) -> usize {
        self.lock.waiting()
    }

    /// Begins a batch. Panics if this thread has one open.
    // Always, as `dbuf_core::Batch::begin`.
    #[inline(always)]
    pub(crate) fn begin(&self) -> Begun<'_, K, V, H, S> {
        Begun::begin(WriterGuard(self.lock.lock_finished(&self.waits, own_batch)))
    }

    /// The same, for at most about `timeout`.
    pub(crate) fn begin_timeout(&self, timeout: Duration) -> Option<Begun<'_, K, V, H, S>> {
        let guard = self
            .lock
            .lock_finished_timeout(&self.waits, timeout, own_batch)?;
        Some(Begun::begin(WriterGuard(guard)))
    }

    /// Begins a batch if nothing is in the way.
    pub(crate) fn try_begin(&self) -> Option<Begun<'_, K, V, H, S>> {
        Some(Begun::begin(WriterGuard(
            self.lock.try_lock_finished(&self.waits)?,
        )))
    }

    /// Begins a batch when nothing is in the way.
    #[cfg(feature = "async")]
    pub(super) async fn begin_async<M: writer_lock::Holds>(&self) -> Begun<'_, K, V, H, S, M> {
        Begun::begin(WriterGuard(
            self.lock.lock_finished_async(&self.waits).await,
        ))
    }

    /// Whether a single change is published as its batch is dropped.
    #[inline]
    pub(crate) fn is_immediate(&self) -> bool {
        self.policy == PublishPolicy::Immediate
    }

    /// Ends the batch of a single change, and publishes if that is due.
    pub(crate) fn end(&self, batch: Begun<'_, K, V, H, S>) {
        let mut guard = batch.keep();
        if guard.0.is_due(self.policy) {
            guard.0.log.publish();
        }
    }

    /// Publishes what is pending. Waits for the lock, and for no reader.
    pub(crate) fn publish(&self) -> Published {
        let guard = WriterGuard(self.lock.lock_any(&self.waits, own_batch));
        if !guard.has_pending() {
            return Published::Nothing;
        }
        // What is pending is on a finished back, so this does not wait. A batch takes back
        // what a torn one left, and then publishes what was pending before it.
        drop(Batch::new(Begun::begin(guard)));
        Published::Now
    }
}

impl<K, V, H, S: Strategy> State<K, V, H, S> {
    /// Returns whether what is pending is to be published now.
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
                    // A publish since then took what was pending with it.
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
         for itself forever: make the change through the batch, or end it first"
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
