//! Batches and the most common single changes for tasks: the blocking calls, awaited.

use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use dbuf_core::BlockingStrategy;
use dbuf_core::writer_lock::InTask;
use dbuf_strategies::DefaultStrategy;

use super::WriterGuard;
use crate::batch::Batch;
use crate::concurrent::{ConcurrentBatch, ConcurrentHashMap};

/// The batch of [`ConcurrentHashMap::write_async`]. It may be sent to other threads.
pub type TaskBatch<'m, K, V, H = RandomState, S = DefaultStrategy> =
    Batch<WriterGuard<'m, K, V, H, S, InTask>>;

/// With feature `async`. The futures run on any executor, and are `Send` where keys, values
/// and hasher are `Send` and `Sync`. They await what the blocking calls wait for: other writers
/// and guards. **A task that awaits a write while it holds a guard of the map may wait for itself
/// forever**, where the blocking call clones the map or panics. (In a spawned task this does not
/// compile, since guards are not `Send`.)
///
/// A future that was polled, and is then neither polled again nor dropped, delays other writers
/// by a millisecond at most. A write that need not wait is ready at the first poll, so a loop of
/// such writes starves other tasks and a timeout around it: await `tokio::task::yield_now` or
/// similar every few hundred writes, or use one batch. The
/// [`PublishPolicy`](crate::PublishPolicy) applies as to blocking calls. All writes panic as
/// the [type](Self#panics) says, and if their closure panics.
impl<K, V, H, S> ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    /// Awaits a batch, like [`write`](Self::write). Other writers, also threads, wait until it
    /// ends: do not hold it across a long await, and never make another write to this map while it
    /// is open (the task or thread would wait for itself).
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has changed nothing. A task that is cancelled
    /// while it holds the *batch* across an await drops the batch, which publishes the changes so
    /// far: use [`transact_async`](Self::transact_async) where that would be half a change.
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

    /// Publishes if `f` returns `Ok`. Undoes every change of `f` if it returns `Err`, panics or is
    /// cancelled.
    ///
    /// A *spawned* task with an await in `f` does not compile if a key or value type has a lifetime
    /// (`&'static str`) or a trait object: the compiler cannot prove that the future of `f` is
    /// `Send`. There, use [`write_async`](Self::write_async) and [`Batch::rollback_on_drop`], which
    /// need no closure.
    ///
    /// # Errors
    ///
    /// Returns the error of `f`.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has changed nothing.
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

    /// Makes a change and publishes it, both in the last poll.
    pub(crate) async fn write_one_async<R>(
        &self,
        f: impl FnOnce(&mut ConcurrentBatch<'_, K, V, H, S>) -> R,
    ) -> R {
        // There is no await after this, so the batch stays on this thread.
        let result;
        {
            let mut batch = Batch::new(self.writers.begin_async().await);
            result = f(&mut batch);
            if !self.writers.is_immediate() {
                self.end(batch);
            }
            // The batch is dropped here for the reason given in `write_one`.
        }
        result
    }
}
