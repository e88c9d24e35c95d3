//! Batches of a `Writer`, awaited.

use core::future::poll_fn;
use core::hash::{BuildHasher, Hash};

use dbuf_core::Strategy;

use super::Writer;
use crate::batch::{Batch, WriterBatch};
use crate::owner::WriterMut;

/// With feature `async`: for every strategy, also [`LocalStrategy`](crate::LocalStrategy).
impl<K, V, H, S> Writer<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: Strategy,
{
    /// Awaits a batch, like [`write`](Self::write), without blocking the thread.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has changed nothing. A task that is cancelled
    /// while it holds the *batch* across an await drops the batch, which publishes the changes so
    /// far: use [`transact_async`](Self::transact_async) where that would be half a change.
    ///
    /// # Panics
    ///
    /// Like [`write`](Self::write).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write_async().await.insert("a", 1);
    /// assert_eq!(reader.read()["a"], 1);
    /// # });
    /// ```
    pub async fn write_async(&mut self) -> WriterBatch<'_, K, V, H, S> {
        poll_fn(|cx| self.inner.poll_finish(cx)).await;
        match WriterMut::try_begin(&mut self.inner) {
            Some(batch) => Batch::new(batch),
            None => unreachable!("a finished swap stays finished"),
        }
    }

    /// Publishes if `f` returns `Ok`. Undoes every change if `f` returns `Err`, panics or is
    /// cancelled. See
    /// [`ConcurrentHashMap::transact_async`](crate::ConcurrentHashMap::transact_async) for spawned
    /// tasks that do not compile.
    ///
    /// # Errors
    ///
    /// Returns the error of `f`.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has published nothing.
    ///
    /// # Panics
    ///
    /// Like [`write`](Self::write), and if `f` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let (mut writer, reader) = dbuf_hashmap::new::<&str, u32>();
    /// let refused = writer
    ///     .transact_async(async |batch| {
    ///         batch.insert("a", 1);
    ///         Err::<(), _>("not today")
    ///     })
    ///     .await;
    /// assert_eq!(refused, Err("not today"));
    /// assert!(reader.read().is_empty());
    /// # });
    /// ```
    pub async fn transact_async<R, E>(
        &mut self,
        f: impl AsyncFnOnce(&mut WriterBatch<'_, K, V, H, S>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut batch = self.write_async().await;
        batch.inner.rollback_on_drop();
        let result = f(&mut batch).await?;
        batch.publish();
        Ok(result)
    }
}
