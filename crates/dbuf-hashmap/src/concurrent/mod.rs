//! One handle for any thread: `ConcurrentHashMap`. Reads are in `read` and `iter`; writes in
//! `write` (batches), `single` (one entry) and `bulk` (the whole map), and for tasks in `task`
//! and `task_single`; diagnosis in `diagnosis`; the writers' lock in `lock`.

mod bulk;
mod diagnosis;
mod iter;
mod lock;
mod read;
mod single;
#[cfg(feature = "async")]
mod task;
#[cfg(feature = "async")]
mod task_single;
mod traits;
mod write;

use alloc::sync::Arc;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use dbuf_core::{BlockingStrategy, Strategy};
use dbuf_strategies::DefaultStrategy;

use crate::builder::Builder;
use crate::owner::Ptr;

pub use iter::{RefIter, RefMulti};
pub use lock::WriterGuard;
pub(crate) use lock::Writers;
#[cfg(feature = "async")]
pub use task::TaskBatch;
pub use write::ConcurrentBatch;

/// A hash map that any thread reads and writes, through `&self`.
///
/// The map is a handle: a clone is cheap and refers to the same map. Reads never wait for
/// writers. Writers take turns; [`PublishPolicy`](crate::PublishPolicy) decides when readers
/// see a change. With the default, every read that starts after a write has returned sees it.
///
/// It suits maps that are read far more often than written, since each write changes two
/// copies. `DashMap` and similar maps write several times as fast. Here, a read costs next to
/// nothing whatever other threads do, a [snapshot](Self::read) is consistent, and a
/// [batch](Self::write) becomes visible as a whole.
///
/// The map is `Send` and `Sync` where keys, values, hasher and strategy are both. No other
/// bound is needed to name the type (except `S: Strategy`, in code that is generic over `S`).
///
/// # Guards and writes
///
/// [`get`](Self::get), [`read`](Self::read) and [`iter`](Self::iter) return guards. A guard
/// never blocks readers, and it does not block the next publish. The write after that
/// publish needs the guard's copy. It waits for the guard for at most 100 ms; then it *sets
/// that copy aside*, clones the published one, and works on the clone.
/// [`Builder::on_straggler`] changes this time and the largest map that is cloned. The first
/// write after the guards are released drops the copy that was set aside.
///
/// A thread whose own guard blocks its write does not wait: it sets the copy aside at once.
/// So this works, at the price of one clone of the map:
///
/// ```
/// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1), ("b", 2)]);
/// for (key, value) in map.read().iter() {
///     map.insert(key, value + 1);
/// }
/// assert_eq!(map.read().values().sum::<i32>(), 5);
/// ```
///
/// Only one copy can be set aside. If guards also hold a second copy, writers wait for them,
/// and **a thread that would wait for its own guard panics** before it changes anything.
/// [`try_write`](Self::try_write) returns `None` while its thread holds any guard of the map.
/// [`get_cloned`](Self::get_cloned) and [`get_with`](Self::get_with) return no guard, and
/// [`Batch::published`](crate::Batch::published) needs none.
///
/// The map cannot detect these deadlocks:
///
/// * Threads hold guards of two copies and wait for each other.
/// * A thread writes while it holds the copy that was set aside, and a forgotten guard holds
///   the other copy.
/// * A batch was forgotten (`mem::forget`), so its lock is never released.
///
/// # In a forked child
///
/// In the child of a multi-threaded process, the thread that forked may go on reading maps
/// that it has read before (except with `LockStrategy`, whose reads take a lock). Its first
/// read of a map, a write, and the drop of a handle or guard from before the fork may wait
/// forever for a lock that another thread held. Avoid them, and end the child with `exec` or
/// `_exit`.
///
/// # Panics
///
/// Every method that writes, except `try_write`, panics if it would wait for a guard of its
/// own thread ([see above](Self#guards-and-writes)), or if its thread has a batch of this map
/// open. It also panics if user code does: closures, and `Hash`, `Eq`, `Clone` and `Drop` of
/// keys and values. The map stays consistent then: only the change that panicked is missing,
/// and the next write works. (`Drop` of a replaced value runs after its change was published.)
/// If several destructors panic in one call, or as the map is dropped, all of them run and the
/// first panic is propagated. A change reaches the second copy with the *next* write, so a
/// panic in `Clone` or `Drop` may surface in a later call of another thread, whose own change
/// may still be made.
///
/// `Drop` of a key or value may write to the map, except when user code runs it during a
/// write (in a closure as `*value = other`, on what a closure captured, or while a batch is
/// open) or while a panic in `Hash`, `Eq` or `Clone` unwinds out of a write. There, the write
/// panics.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::ConcurrentHashMap;
///
/// let stock = ConcurrentHashMap::new();
/// stock.insert("apples", 3);
///
/// std::thread::scope(|scope| {
///     scope.spawn(|| stock.update("apples", |n| *n -= 1));
///     scope.spawn(|| stock.insert("pears", 4));
/// });
/// assert_eq!(stock.get_cloned("apples"), Some(2));
///
/// let mut batch = stock.write(); // other writers wait, readers do not
/// batch.insert("plums", 5);
/// batch.remove("pears");
/// batch.publish(); // readers see both changes, or neither
/// assert_eq!(stock.len(), 2);
/// ```
///
/// In a static:
///
/// ```
/// use std::sync::LazyLock;
///
/// use dbuf_hashmap::ConcurrentHashMap;
///
/// static NAMES: LazyLock<ConcurrentHashMap<u32, String>> = LazyLock::new(Default::default);
///
/// NAMES.insert(1, "one".to_owned());
/// assert_eq!(NAMES.get_with(&1, String::len), Some(3));
/// ```
pub struct ConcurrentHashMap<K, V, H = RandomState, S: Strategy = DefaultStrategy> {
    reader: dbuf_core::SharedReader<Ptr<K, V, H, S>>,
    writers: Arc<Writers<K, V, H, S>>,
}

impl<K, V> ConcurrentHashMap<K, V>
where
    K: Hash + Eq + Clone,
    V: Clone,
{
    /// Makes an empty map with a [`RandomState`] and the default strategy. [`Builder`] offers the
    /// other choices.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::new();
    /// map.insert("a", 1);
    /// assert_eq!(map.len(), 1);
    /// ```
    pub fn new() -> Self {
        Builder::new().build_concurrent()
    }

    /// Makes an empty map with room for `capacity` entries in each of its two copies.
    pub fn with_capacity(capacity: usize) -> Self {
        Builder::new().capacity(capacity).build_concurrent()
    }
}

impl<K, V, H> ConcurrentHashMap<K, V, H>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
{
    /// Makes an empty map with a hasher. [`Builder`] has an example.
    pub fn with_hasher(hasher: H) -> Self {
        Self::with_capacity_and_hasher(0, hasher)
    }

    /// Makes an empty map with a hasher and room for `capacity` entries in each of its two copies.
    pub fn with_capacity_and_hasher(capacity: usize, hasher: H) -> Self {
        Builder::new()
            .capacity(capacity)
            .hasher(hasher)
            .build_concurrent()
    }
}

impl<K, V, H, S: Strategy> ConcurrentHashMap<K, V, H, S> {
    pub(crate) fn from_parts(
        writers: Writers<K, V, H, S>,
        reader: dbuf_core::SharedReader<Ptr<K, V, H, S>>,
    ) -> Self {
        Self {
            reader,
            writers: Arc::new(writers),
        }
    }
}

impl<K, V, H, S: Strategy> Clone for ConcurrentHashMap<K, V, H, S> {
    fn clone(&self) -> Self {
        Self {
            reader: self.reader.clone(),
            writers: Arc::clone(&self.writers),
        }
    }
}

impl<H, S> Builder<H, S> {
    /// Makes the map, as one handle for any thread.
    ///
    /// # Panics
    ///
    /// If the strategy is not fresh: a writer of it is claimed.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::Builder::new().capacity(10).build_concurrent();
    /// map.insert("a", 1);
    /// assert_eq!(map.get_cloned("a"), Some(1));
    /// ```
    pub fn build_concurrent<K, V>(self) -> ConcurrentHashMap<K, V, H, S>
    where
        K: Hash + Eq + Clone,
        V: Clone,
        H: BuildHasher,
        S: BlockingStrategy,
    {
        let (log, reader, choices) = self.split(true);
        let reader = reader.shared();
        let writers = Writers::new(log, reader.clone(), choices);
        ConcurrentHashMap::from_parts(writers, reader)
    }
}
