//! More of `ConcurrentHashSet`: by `&self`, and for tasks.

use core::hash::{BuildHasher, Hash};
use std::collections::HashSet;

use dbuf_core::BlockingStrategy;
#[cfg(feature = "async")]
use dbuf_core::writer_lock::InTask;
use equivalent::Equivalent;

#[cfg(feature = "async")]
use super::Batch;
use super::ConcurrentHashSet;
use crate::RefIter;
#[cfg(feature = "async")]
use crate::{DefaultStrategy, WriterGuard};

impl<T, H, S> ConcurrentHashSet<T, H, S>
where
    T: Send + Sync,
    H: Send + Sync,
    S: BlockingStrategy<ReaderToken: Send> + Send + Sync,
{
    /// All elements, as guards that share one snapshot; as [`ConcurrentHashMap::iter`].
    ///
    /// [`ConcurrentHashMap::iter`]: crate::ConcurrentHashMap::iter
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::from([1, 2]);
    /// assert_eq!(set.iter().map(|n| *n).sum::<i32>(), 3);
    /// ```
    pub fn iter(&self) -> RefIter<'_, T, (), H, S, T> {
        self.as_map().keys()
    }

    /// How many elements the published copy can hold before it grows.
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::<u32>::with_capacity(10);
    /// assert!(set.capacity() >= 10);
    /// ```
    pub fn capacity(&self) -> usize {
        self.as_map().capacity()
    }

    /// The hasher.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::hash::BuildHasher;
    ///
    /// let set = dbuf_hashmap::ConcurrentHashSet::from(["a"]);
    /// assert_eq!(set.hasher().hash_one("a"), set.clone().hasher().hash_one("a"));
    /// ```
    pub fn hasher(&self) -> &H {
        self.as_map().hasher()
    }
}

impl<T, H, S> ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq + Clone + Send + Sync,
    H: BuildHasher + Send + Sync,
    S: BlockingStrategy<ReaderToken: Send, WriterToken: Send> + Send + Sync,
{
    /// Adds an element in the place of an equal one, and returns that.
    ///
    /// # Panics
    ///
    /// As [`ConcurrentHashMap::write`](crate::ConcurrentHashMap::write).
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::new();
    /// assert_eq!(set.replace(vec![1]), None);
    /// assert_eq!(set.replace(Vec::with_capacity(10)), None);
    /// assert_eq!(set.replace(vec![1]), Some(vec![1]));
    /// ```
    pub fn replace(&self, element: T) -> Option<T> {
        self.as_map()
            .write_one(|batch| super::batch::replace(batch, element))
    }

    /// Takes all elements out; as [`ConcurrentHashMap::drain`](crate::ConcurrentHashMap::drain).
    ///
    /// # Panics
    ///
    /// As [`ConcurrentHashMap::write`](crate::ConcurrentHashMap::write).
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::from([1, 2]);
    /// assert_eq!(set.drain().sum::<i32>(), 3);
    /// assert!(set.is_empty());
    /// ```
    pub fn drain(&self) -> impl ExactSizeIterator<Item = T> + use<T, H, S> {
        self.as_map().drain().map(|(element, ())| element)
    }

    /// Gives back memory that the elements do not need, in both copies.
    ///
    /// # Panics
    ///
    /// As [`ConcurrentHashMap::write`](crate::ConcurrentHashMap::write).
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::<u32>::with_capacity(1000);
    /// set.shrink_to_fit();
    /// assert!(set.capacity() < 1000);
    /// ```
    pub fn shrink_to_fit(&self) {
        self.as_map().shrink_to_fit();
    }

    /// Does now what the next write would begin with; as
    /// [`ConcurrentHashMap::catch_up`](crate::ConcurrentHashMap::catch_up).
    ///
    /// # Panics
    ///
    /// As [`ConcurrentHashMap::write`](crate::ConcurrentHashMap::write).
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::from([1]);
    /// set.catch_up();
    /// assert_eq!(set.stragglers(), 0);
    /// ```
    pub fn catch_up(&self) {
        self.as_map().catch_up();
    }

    /// How many the last publish still waits for; as
    /// [`ConcurrentHashMap::stragglers`](crate::ConcurrentHashMap::stragglers).
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::from([1]);
    /// assert_eq!(set.stragglers(), 0);
    /// ```
    pub fn stragglers(&self) -> usize {
        self.as_map().stragglers()
    }

    /// How many writers wait to begin; as
    /// [`ConcurrentHashMap::queued_writers`](crate::ConcurrentHashMap::queued_writers).
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::from([1]);
    /// assert_eq!(set.queued_writers(), 0);
    /// ```
    pub fn queued_writers(&self) -> usize {
        self.as_map().queued_writers()
    }
}

/// The batch of [`ConcurrentHashSet::write_async`]. It may be sent to other threads.
#[cfg(feature = "async")]
pub type TaskBatch<'m, T, H = std::hash::RandomState, S = DefaultStrategy> =
    Batch<WriterGuard<'m, T, (), H, S, InTask>>;

/// With feature `async`. They wait, and panic, as those of a
/// [`ConcurrentHashMap`](crate::ConcurrentHashMap#method.write_async) do.
#[cfg(feature = "async")]
impl<T, H, S> ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq + Clone + Send + Sync,
    H: BuildHasher + Send + Sync,
    S: BlockingStrategy<ReaderToken: Send, WriterToken: Send> + Send + Sync,
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

/// As [`ConcurrentHashSet::iter`].
impl<'m, T, H, S> IntoIterator for &'m ConcurrentHashSet<T, H, S>
where
    T: Send + Sync,
    H: Send + Sync,
    S: BlockingStrategy<ReaderToken: Send> + Send + Sync,
{
    type Item = crate::RefMulti<'m, T, (), H, S, T>;
    type IntoIter = RefIter<'m, T, (), H, S, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// With the same hasher, and the default strategy.
impl<T, H> From<HashSet<T, H>> for ConcurrentHashSet<T, H>
where
    T: Hash + Eq + Clone + Send + Sync,
    H: BuildHasher + Clone + Send + Sync,
{
    fn from(elements: HashSet<T, H>) -> Self {
        let set = Self::with_hasher(elements.hasher().clone());
        set.write().extend(elements);
        set
    }
}

/// Adds copies of all, in one batch.
impl<'e, T, H, S> Extend<&'e T> for &ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq + Copy + Send + Sync,
    H: BuildHasher + Send + Sync,
    S: BlockingStrategy<ReaderToken: Send, WriterToken: Send> + Send + Sync,
{
    fn extend<I: IntoIterator<Item = &'e T>>(&mut self, elements: I) {
        self.write().extend(elements.into_iter().copied());
    }
}

/// As for a reference.
impl<'e, T, H, S> Extend<&'e T> for ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq + Copy + Send + Sync,
    H: BuildHasher + Send + Sync,
    S: BlockingStrategy<ReaderToken: Send, WriterToken: Send> + Send + Sync,
{
    fn extend<I: IntoIterator<Item = &'e T>>(&mut self, elements: I) {
        (&*self).extend(elements);
    }
}
