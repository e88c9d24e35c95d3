//! Changes to a `ConcurrentHashSet` by tasks.

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

/// With feature `async`. They wait, and panic, as those of a
/// [`ConcurrentHashMap`](crate::ConcurrentHashMap#method.write_async) do.
impl<T, H, S> ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq + Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    /// Begins a batch, as [`write`](Self::write).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing happened. A batch that is dropped publishes.
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

    /// All or nothing, as [`transact`](Self::transact): publishes if `f` returns `Ok`, takes
    /// every change of `f` back if it returns `Err`, panics or is cancelled.
    ///
    /// # Errors
    ///
    /// What `f` returned.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it has changed nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let set = dbuf_hashmap::ConcurrentHashSet::new();
    /// let refused = set
    ///     .transact_async(async |batch| {
    ///         batch.insert(1);
    ///         Err::<(), _>("not today")
    ///     })
    ///     .await;
    /// assert_eq!((refused, set.len()), (Err("not today"), 0));
    /// # });
    /// ```
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

    /// Adds an element, as [`insert`](Self::insert).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing was added.
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

    /// Adds an element in the place of an equal one, as [`replace`](Self::replace).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing was replaced.
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let set = dbuf_hashmap::ConcurrentHashSet::from([1]);
    /// assert_eq!(set.replace_async(1).await, Some(1));
    /// # });
    /// ```
    pub async fn replace_async(&self, element: T) -> Option<T> {
        self.as_map()
            .write_one_async(|batch| super::batch::replace(batch, element))
            .await
    }

    /// Removes an element, as [`remove`](Self::remove).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing was removed.
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let set = dbuf_hashmap::ConcurrentHashSet::from([1]);
    /// assert!(set.remove_async(&1).await);
    /// # });
    /// ```
    pub async fn remove_async<Q>(&self, element: &Q) -> bool
    where
        Q: Hash + Equivalent<T> + ?Sized,
    {
        self.as_map().remove_async(element).await.is_some()
    }

    /// Removes an element and returns it, as [`take`](Self::take).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing was removed.
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let set = dbuf_hashmap::ConcurrentHashSet::from(["a".to_owned()]);
    /// assert_eq!(set.take_async("a").await, Some("a".to_owned()));
    /// # });
    /// ```
    pub async fn take_async<Q>(&self, element: &Q) -> Option<T>
    where
        Q: Hash + Equivalent<T> + ?Sized,
    {
        let entry = self.as_map().remove_entry_async(element).await;
        entry.map(|(element, ())| element)
    }

    /// Removes every element for which `keep` returns `false`, as [`retain`](Self::retain).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, `keep` has not run.
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let set = dbuf_hashmap::ConcurrentHashSet::from([1, 2]);
    /// set.retain_async(|n| *n > 1).await;
    /// assert_eq!(set.len(), 1);
    /// # });
    /// ```
    pub async fn retain_async(&self, mut keep: impl FnMut(&T) -> bool) {
        self.as_map()
            .retain_async(|element, ()| keep(element))
            .await;
    }

    /// Removes everything, as [`clear`](Self::clear).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing was removed.
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let set = dbuf_hashmap::ConcurrentHashSet::from([1, 2]);
    /// set.clear_async().await;
    /// assert!(set.is_empty());
    /// # });
    /// ```
    pub async fn clear_async(&self) {
        self.as_map().clear_async().await;
    }
}
