//! Changes to a `ConcurrentHashSet` by tasks: the blocking calls, awaited.

use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use dbuf_core::BlockingStrategy;
use dbuf_core::writer_lock::InTask;
use dbuf_strategies::DefaultStrategy;
use equivalent::Equivalent;

use super::{Batch, ConcurrentHashSet};
use crate::concurrent::WriterGuard;

/// The batch of [`ConcurrentHashSet::write_async`]. It may be sent to other threads.
pub type TaskBatch<'m, T, H = RandomState, S = DefaultStrategy> =
    Batch<WriterGuard<'m, T, (), H, S, InTask>>;

/// With feature `async`. These methods wait and panic like those of a
/// [`ConcurrentHashMap`](crate::ConcurrentHashMap#method.write_async).
///
/// Each is cancel safe: a future that is dropped before it is ready has changed nothing, none of
/// its closures has run, and it drops its arguments.
impl<T, H, S> ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq + Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    /// See [`ConcurrentHashMap::write_async`](crate::ConcurrentHashMap::write_async). A batch that
    /// is dropped publishes.
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let set = dbuf_hashmap::ConcurrentHashSet::new();
    /// let mut batch = set.write_async().await;
    /// batch.extend([1, 2]);
    /// batch.publish();
    /// assert_eq!(set.len(), 2);
    /// # });
    /// ```
    pub async fn write_async(&self) -> TaskBatch<'_, T, H, S> {
        Batch::of(self.as_map().write_async().await)
    }

    /// See [`ConcurrentHashMap::transact_async`](crate::ConcurrentHashMap::transact_async).
    ///
    /// # Errors
    ///
    /// Returns the error of `f`.
    pub async fn transact_async<R, E>(
        &self,
        f: impl AsyncFnOnce(&mut TaskBatch<'_, T, H, S>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut batch = self.write_async().await;
        batch.rollback_on_drop();
        let result = f(&mut batch).await?;
        batch.publish();
        Ok(result)
    }

    /// See [`insert`](Self::insert).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let set = dbuf_hashmap::ConcurrentHashSet::new();
    /// assert!(set.insert_async(1).await);
    /// assert!(!set.insert_async(1).await);
    /// # });
    /// ```
    pub async fn insert_async(&self, element: T) -> bool {
        self.as_map()
            .write_one_async(|batch| super::batch::insert(batch, element))
            .await
    }

    /// See [`replace`](Self::replace).
    pub async fn replace_async(&self, element: T) -> Option<T> {
        self.as_map()
            .write_one_async(|batch| super::batch::replace(batch, element))
            .await
    }

    /// See [`remove`](Self::remove).
    pub async fn remove_async<Q>(&self, element: &Q) -> bool
    where
        Q: Hash + Equivalent<T> + ?Sized,
    {
        self.as_map().remove_async(element).await.is_some()
    }

    /// See [`take`](Self::take).
    pub async fn take_async<Q>(&self, element: &Q) -> Option<T>
    where
        Q: Hash + Equivalent<T> + ?Sized,
    {
        let entry = self.as_map().remove_entry_async(element).await;
        entry.map(|(element, ())| element)
    }

    /// See [`retain`](Self::retain).
    pub async fn retain_async(&self, mut keep: impl FnMut(&T) -> bool) {
        self.as_map()
            .retain_async(|element, ()| keep(element))
            .await;
    }

    /// See [`clear`](Self::clear).
    pub async fn clear_async(&self) {
        self.as_map().clear_async().await;
    }
}
