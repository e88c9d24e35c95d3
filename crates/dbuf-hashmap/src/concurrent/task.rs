//! Changes by tasks: the same batches, awaited.

use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use dbuf_core::BlockingStrategy;
use dbuf_core::writer_lock::InTask;
use dbuf_strategies::DefaultStrategy;
use equivalent::Equivalent;

use super::WriterGuard;
use crate::batch::Batch;
use crate::concurrent::{ConcurrentBatch, ConcurrentHashMap};

/// The batch of [`ConcurrentHashMap::write_async`]. It may be sent to other threads.
pub type TaskBatch<'m, K, V, H = RandomState, S = DefaultStrategy> =
    Batch<WriterGuard<'m, K, V, H, S, InTask>>;

/// With feature `async`. The futures run on any executor, and are `Send` where keys, values
/// and hasher are `Send` and `Sync`. They wait where the blocking calls do, for other
/// writers and for guards, and where those panic: **a task that awaits a write while it holds a guard of the map waits for
/// itself, forever.** (In a spawned task that does not compile: guards are not
/// `Send`.) A future that was polled and is neither polled again nor dropped holds up other
/// writers for a millisecond at most. A write that need not wait is ready at the first poll:
/// a loop of such writes gives no other task, and no timeout around it, a turn. Await
/// `tokio::task::yield_now` or its like every few hundred writes, or make one batch of them.
/// When a change is published, its
/// [`PublishPolicy`](crate::PublishPolicy) says.
impl<K, V, H, S> ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    /// Begins a batch, as [`write`](Self::write). Other writers, threads too, wait
    /// until it ends: do not hold it across an await that may take long, and never
    /// make another write to this map while it is open (the task, or the thread,
    /// would wait for itself).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing happened. A task that is cancelled while
    /// it holds the *batch* across an await drops it, and a dropped batch publishes
    /// what it has: use [`transact_async`](Self::transact_async) where that would be
    /// half a change.
    ///
    /// # Panics
    ///
    /// With user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let map = dbuf_hashmap::ConcurrentHashMap::new();
    /// let mut batch = map.write_async().await;
    /// batch.insert("a", 1);
    /// batch.insert("b", 2);
    /// batch.publish();
    /// assert_eq!(map.len(), 2);
    /// # });
    /// ```
    pub async fn write_async(&self) -> TaskBatch<'_, K, V, H, S> {
        Batch::new(self.writers.begin_async().await)
    }

    /// All or nothing, as [`transact`](Self::transact): publishes if `f` returns
    /// `Ok`, takes every change of `f` back if it returns `Err`, panics or is
    /// cancelled.
    ///
    /// A task that is *spawned* and has an await in `f` does not compile where a key or value
    /// type names a lifetime (`&'static str`) or a trait object: the compiler cannot prove
    /// that the future of `f` is `Send`. There, [`write_async`](Self::write_async) with
    /// [`Batch::rollback_on_drop`] does the same without a closure.
    ///
    /// # Errors
    ///
    /// What `f` returned.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it has changed nothing.
    ///
    /// # Panics
    ///
    /// With `f`, and with user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// # async fn approved(_: &str) -> bool { false }
    /// let accounts = dbuf_hashmap::ConcurrentHashMap::from([("alice", 10_u32)]);
    /// let moved = accounts
    ///     .transact_async(async |batch| {
    ///         batch.update("alice", |n| *n -= 5);
    ///         if approved("alice").await { Ok(()) } else { Err("refused") }
    ///     })
    ///     .await;
    /// assert_eq!(moved, Err("refused"));
    /// assert_eq!(accounts.get_cloned("alice"), Some(10));
    /// # });
    /// ```
    pub async fn transact_async<R, E>(
        &self,
        f: impl AsyncFnOnce(&mut TaskBatch<'_, K, V, H, S>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut batch = self.write_async().await;
        batch.inner.rollback_on_drop();
        let result = f(&mut batch).await?;
        batch.publish();
        Ok(result)
    }

    /// Inserts a value and returns the one that was there.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing was inserted, and key and value are
    /// dropped.
    ///
    /// # Panics
    ///
    /// With user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let map = dbuf_hashmap::ConcurrentHashMap::new();
    /// assert_eq!(map.insert_async("a", 1).await, None);
    /// assert_eq!(map.get_cloned("a"), Some(1));
    /// # });
    /// ```
    pub async fn insert_async(&self, key: K, value: V) -> Option<V> {
        self.write_one_async(|batch| batch.insert(key, value)).await
    }

    /// Removes a key and returns its value.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing was removed.
    ///
    /// # Panics
    ///
    /// With user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.remove_async("a").await, Some(1));
    /// assert!(map.is_empty());
    /// # });
    /// ```
    pub async fn remove_async<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.write_one_async(|batch| batch.remove(key)).await
    }

    /// Changes a value in place and returns what `f` returns, or `None` if the key
    /// is not there. `f` runs at most once.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, `f` has not run.
    ///
    /// # Panics
    ///
    /// With `f`, and with user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.update_async("a", |n| { *n += 1; *n }).await, Some(2));
    /// # });
    /// ```
    pub async fn update_async<Q, R>(&self, key: &Q, f: impl FnOnce(&mut V) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.write_one_async(|batch| batch.update(key, f)).await
    }

    /// Makes a change and publishes it, in the poll that is the last.
    pub(crate) async fn write_one_async<R>(
        &self,
        f: impl FnOnce(&mut ConcurrentBatch<'_, K, V, H, S>) -> R,
    ) -> R {
        // From here on there is no await: the batch stays on this thread.
        let result;
        {
            let mut batch = Batch::new(self.writers.begin_async().await);
            result = f(&mut batch);
            if !self.writers.is_immediate() {
                self.end(batch);
            }
            // Dropped here: see `write_one`.
        }
        result
    }
}
