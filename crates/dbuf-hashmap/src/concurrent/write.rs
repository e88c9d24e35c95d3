//! Batches through `&self`, and the publish of pending changes.

use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use std::hash::RandomState;

use dbuf_core::{BlockingStrategy, Published};
use dbuf_strategies::DefaultStrategy;

use super::WriterGuard;
use crate::batch::Batch;
use crate::concurrent::ConcurrentHashMap;

/// The batch of a [`ConcurrentHashMap`].
pub type ConcurrentBatch<'m, K, V, H = RandomState, S = DefaultStrategy> =
    Batch<WriterGuard<'m, K, V, H, S>>;

impl<K, V, H, S> ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    /// Begins a batch. Other writers wait until it ends; readers do not.
    ///
    /// **It publishes when it is dropped**, also by `?`; [`transact`](Self::transact) publishes all
    /// or nothing. Waits for other writers, and for guards that still hold the copy that the last
    /// publish replaced (normally there are none). The batch stays on its thread; one that is
    /// held across an await comes from [`write_async`](Self::write_async). A forgotten batch blocks
    /// all writers forever.
    ///
    /// # Panics
    ///
    /// See the [type](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::new();
    /// let mut batch = map.write();
    /// batch.insert("a", 1);
    /// batch.insert("b", 2);
    /// assert!(map.is_empty());
    /// batch.publish();
    /// assert_eq!(map.len(), 2);
    /// ```
    pub fn write(&self) -> ConcurrentBatch<'_, K, V, H, S> {
        Batch::new(self.writers.begin())
    }

    /// Begins a batch if it need not wait. Returns `None`, with nothing changed, if another writer
    /// is active, if a guard still holds the copy that the last publish replaced, or if this thread
    /// holds any guard of this map.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// let guard = map.get("a");
    /// assert!(map.try_write().is_none());
    /// drop(guard);
    /// assert!(map.try_write().is_some());
    /// ```
    pub fn try_write(&self) -> Option<ConcurrentBatch<'_, K, V, H, S>> {
        if self.reader.has_guard() {
            return None;
        }
        self.writers.try_begin().map(Batch::new)
    }

    /// Begins a [batch](Self::write), or returns `None`, with nothing changed, after about
    /// `timeout`.
    ///
    /// A service can notice with it that a guard was forgotten, or is held across a slow call: log
    /// the number of [`stragglers`](Self::stragglers), and raise an alarm if it does not return to
    /// zero.
    ///
    /// # Panics
    ///
    /// See the [type](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use dbuf_hashmap::ConcurrentHashMap;
    ///
    /// fn put(map: &ConcurrentHashMap<u32, u32>, key: u32, value: u32) -> Result<(), String> {
    ///     match map.write_timeout(Duration::from_millis(50)) {
    ///         Some(mut batch) => {
    ///             batch.insert(key, value);
    ///             Ok(())
    ///         }
    ///         None => Err(format!(
    ///             "no write for 50 ms: {} readers block the map",
    ///             map.stragglers()
    ///         )),
    ///     }
    /// }
    ///
    /// let map = ConcurrentHashMap::new();
    /// let (taken, release) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         let _guard = map.read();
    ///         taken.wait();
    ///         release.wait();
    ///     });
    ///     taken.wait();
    ///     put(&map, 1, 1).unwrap(); // the first publish waits for no guard
    ///     let stuck = put(&map, 2, 2).unwrap_err();
    ///     assert_eq!(stuck, "no write for 50 ms: 1 readers block the map");
    ///     release.wait();
    /// });
    /// put(&map, 2, 2).unwrap();
    /// ```
    pub fn write_timeout(&self, timeout: Duration) -> Option<ConcurrentBatch<'_, K, V, H, S>> {
        self.writers.begin_timeout(timeout).map(Batch::new)
    }

    /// Publishes if `f` returns `Ok`. Undoes every change of `f` if it returns `Err` or panics.
    ///
    /// # Errors
    ///
    /// Returns the error of `f`.
    ///
    /// # Panics
    ///
    /// If `f` panics, and see the [type](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// let accounts = dbuf_hashmap::ConcurrentHashMap::from([("alice", 10_u32), ("bob", 0)]);
    /// let moved = accounts.transact(|batch| {
    ///     batch.update("bob", |n| *n += 20);
    ///     let left = batch.get("alice").unwrap().checked_sub(20).ok_or("overdrawn")?;
    ///     batch.insert("alice", left);
    ///     Ok(())
    /// });
    /// assert_eq!(moved, Err("overdrawn"));
    /// assert_eq!(accounts.get_cloned("bob"), Some(0));
    /// ```
    pub fn transact<R, E>(
        &self,
        f: impl FnOnce(&mut ConcurrentBatch<'_, K, V, H, S>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut batch = self.write();
        batch.inner.rollback_on_drop();
        let result = f(&mut batch)?;
        batch.publish();
        Ok(result)
    }

    /// Publishes pending changes: those that [`PublishPolicy::Every`](crate::PublishPolicy::Every)
    /// or `Within` keeps back, and those of a [deferred](Batch::defer) batch. Waits for an open
    /// batch, but for no reader: the thread may hold a guard.
    ///
    /// # Panics
    ///
    /// If this thread has a batch of this map open.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::new();
    /// let mut batch = map.write();
    /// batch.insert("a", 1);
    /// batch.defer();
    /// assert!(map.is_empty());
    /// assert!(map.publish().is_published());
    /// assert!(!map.publish().is_published());
    /// assert_eq!(map.len(), 1);
    /// ```
    #[doc(alias = "flush")]
    #[doc(alias = "refresh")]
    pub fn publish(&self) -> Published {
        self.writers.publish()
    }

    /// Makes a change in its own batch, and ends the batch as the policy says.
    // Always inlined: the change is the caller's closure.
    #[inline(always)]
    pub(crate) fn write_one<R>(
        &self,
        f: impl FnOnce(&mut ConcurrentBatch<'_, K, V, H, S>) -> R,
    ) -> R {
        let result;
        {
            let mut batch = Batch::new(self.writers.begin());
            result = f(&mut batch);
            if !self.writers.is_immediate() {
                self.end(batch);
            }
            // Otherwise the batch publishes when it is dropped: here, before the result is
            // returned, since a destructor that panics would leak the result.
        }
        result
    }

    /// Ends the batch of a single change as the policy says.
    #[cold]
    pub(super) fn end(&self, batch: ConcurrentBatch<'_, K, V, H, S>) {
        batch.end(|batch| self.writers.end(batch));
    }
}
