//! One handle for any thread: `ConcurrentHashSet`, a map without values.

use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use std::hash::RandomState;

use dbuf_core::{BlockingStrategy, Published, Strategy};
use dbuf_strategies::DefaultStrategy;
use equivalent::Equivalent;

use super::{Batch, SharedReader, Snapshot};
use crate::builder::Builder;
use crate::concurrent::{ConcurrentHashMap, RefIter, WriterGuard};
use crate::mapped_ref::MappedRef;

/// A hash set that any thread reads and writes, through `&self`.
///
/// It is a [`ConcurrentHashMap`] without values and behaves the same: when writes become visible,
/// what happens when a thread writes while it holds a [guard](ConcurrentHashMap#guards-and-writes),
/// and when a method [panics](ConcurrentHashMap#panics).
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::ConcurrentHashSet;
///
/// let blocked = ConcurrentHashSet::new();
/// std::thread::scope(|scope| {
///     scope.spawn(|| blocked.insert("10.0.0.1"));
///     scope.spawn(|| blocked.insert("10.0.0.2"));
/// });
/// assert!(blocked.contains("10.0.0.1"));
/// assert_eq!(blocked.read().iter().count(), 2);
/// ```
pub struct ConcurrentHashSet<T, H = RandomState, S: Strategy = DefaultStrategy> {
    pub(super) map: ConcurrentHashMap<T, (), H, S>,
}

/// The batch of a [`ConcurrentHashSet`].
pub type ConcurrentBatch<'m, T, H = RandomState, S = DefaultStrategy> =
    Batch<WriterGuard<'m, T, (), H, S>>;

impl<H, S> Builder<H, S> {
    /// Makes a set, as one handle for any thread.
    ///
    /// # Panics
    ///
    /// If the strategy is not fresh: a writer of it is claimed.
    pub fn build_concurrent_set<T>(self) -> ConcurrentHashSet<T, H, S>
    where
        T: Hash + Eq + Clone,
        H: BuildHasher,
        S: BlockingStrategy,
    {
        ConcurrentHashSet {
            map: self.build_concurrent(),
        }
    }
}

impl<T: Hash + Eq + Clone> ConcurrentHashSet<T> {
    /// Makes an empty set with a [`RandomState`] and the default strategy.
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::new();
    /// assert!(set.insert(1));
    /// ```
    pub fn new() -> Self {
        Builder::new().build_concurrent_set()
    }

    /// Makes an empty set with room for `capacity` elements in each of its two copies.
    pub fn with_capacity(capacity: usize) -> Self {
        Builder::new().capacity(capacity).build_concurrent_set()
    }
}

impl<T, H> ConcurrentHashSet<T, H>
where
    T: Hash + Eq + Clone,
    H: BuildHasher,
{
    /// Makes an empty set with a hasher.
    pub fn with_hasher(hasher: H) -> Self {
        Self::with_capacity_and_hasher(0, hasher)
    }

    /// Makes an empty set with a hasher and room for `capacity` elements in each of its two copies.
    pub fn with_capacity_and_hasher(capacity: usize, hasher: H) -> Self {
        Builder::new()
            .capacity(capacity)
            .hasher(hasher)
            .build_concurrent_set()
    }
}

impl<T, H, S: Strategy> ConcurrentHashSet<T, H, S> {
    /// Returns a snapshot of the set; see [`ConcurrentHashMap::read`].
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::from([1, 2]);
    /// assert_eq!(set.read().iter().sum::<i32>(), 3);
    /// ```
    #[inline]
    pub fn read(&self) -> Snapshot<'_, T, H, S> {
        Snapshot::new(self.map.read())
    }

    /// Returns whether the set contains an element.
    #[inline]
    pub fn contains<Q>(&self, element: &Q) -> bool
    where
        Q: Hash + Equivalent<T> + ?Sized,
        H: BuildHasher,
    {
        self.map.contains_key(element)
    }

    /// Returns a guard on the stored element; see [`ConcurrentHashMap::get`].
    pub fn get<Q>(&self, element: &Q) -> Option<MappedRef<'_, T, T, (), H, S>>
    where
        Q: Hash + Equivalent<T> + ?Sized,
        H: BuildHasher,
    {
        crate::Snapshot::try_map(self.map.read(), |map| Some(map.get_key_value(element)?.0)).ok()
    }

    /// Returns the number of elements.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Returns whether the set has no elements.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// Iterates over all elements, as guards that share one snapshot; see
    /// [`ConcurrentHashMap::iter`](ConcurrentHashMap::iter).
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::from([1, 2]);
    /// assert_eq!(set.iter().map(|n| *n).sum::<i32>(), 3);
    /// ```
    pub fn iter(&self) -> RefIter<'_, T, (), H, S, T> {
        self.map.keys()
    }

    /// Returns how many elements the published copy can hold before it grows.
    pub fn capacity(&self) -> usize {
        self.map.capacity()
    }

    /// Returns the hasher.
    pub fn hasher(&self) -> &H {
        self.map.hasher()
    }

    /// Returns a handle that can only read.
    pub fn reader(&self) -> SharedReader<T, H, S> {
        SharedReader::new(self.map.reader())
    }

    /// Returns the map without values that the set is.
    pub fn as_map(&self) -> &ConcurrentHashMap<T, (), H, S> {
        &self.map
    }
}

impl<T, H, S> ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq + Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    /// Begins a batch; see [`ConcurrentHashMap::write`].
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::new();
    /// let mut batch = set.write();
    /// batch.extend([1, 2]);
    /// batch.publish();
    /// assert_eq!(set.len(), 2);
    /// ```
    pub fn write(&self) -> ConcurrentBatch<'_, T, H, S> {
        Batch::of(self.map.write())
    }

    /// See [`ConcurrentHashMap::try_write`].
    pub fn try_write(&self) -> Option<ConcurrentBatch<'_, T, H, S>> {
        self.map.try_write().map(Batch::of)
    }

    /// See [`ConcurrentHashMap::write_timeout`].
    pub fn write_timeout(&self, timeout: Duration) -> Option<ConcurrentBatch<'_, T, H, S>> {
        self.map.write_timeout(timeout).map(Batch::of)
    }

    /// See [`ConcurrentHashMap::transact`].
    ///
    /// # Errors
    ///
    /// Returns the error of `f`.
    pub fn transact<R, E>(
        &self,
        f: impl FnOnce(&mut ConcurrentBatch<'_, T, H, S>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut batch = self.write();
        batch.map.inner.rollback_on_drop();
        let result = f(&mut batch)?;
        batch.publish();
        Ok(result)
    }

    /// Adds an element and returns whether it is new. An equal element is kept.
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::new();
    /// assert!(set.insert(1));
    /// assert!(!set.insert(1));
    /// ```
    pub fn insert(&self, element: T) -> bool {
        self.map
            .write_one(|batch| super::batch::insert(batch, element))
    }

    /// Adds an element, and returns the equal one that it replaces.
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
        self.map
            .write_one(|batch| super::batch::replace(batch, element))
    }

    /// Removes an element and returns whether it was there.
    pub fn remove<Q>(&self, element: &Q) -> bool
    where
        Q: Hash + Equivalent<T> + ?Sized,
    {
        self.map.remove(element).is_some()
    }

    /// Removes an element and returns it as it was stored. Clones it.
    pub fn take<Q>(&self, element: &Q) -> Option<T>
    where
        Q: Hash + Equivalent<T> + ?Sized,
    {
        self.map
            .write_one(|batch| batch.remove_entry(element))
            .map(|(element, ())| element)
    }

    /// See [`ConcurrentHashMap::retain`].
    pub fn retain(&self, mut keep: impl FnMut(&T) -> bool) {
        self.map.retain(|element, ()| keep(element));
    }

    /// See [`ConcurrentHashMap::clear`].
    pub fn clear(&self) {
        self.map.clear();
    }

    /// See [`ConcurrentHashMap::reserve`].
    pub fn reserve(&self, additional: usize) {
        self.map.reserve(additional);
    }

    /// See [`ConcurrentHashMap::publish`].
    pub fn publish(&self) -> Published {
        self.map.publish()
    }

    /// See [`ConcurrentHashMap::drain`](ConcurrentHashMap::drain).
    pub fn drain(&self) -> impl ExactSizeIterator<Item = T> + use<T, H, S> {
        self.map.drain().map(|(element, ())| element)
    }

    /// See [`ConcurrentHashMap::shrink_to_fit`](ConcurrentHashMap::shrink_to_fit).
    pub fn shrink_to_fit(&self) {
        self.map.shrink_to_fit();
    }

    /// See [`ConcurrentHashMap::catch_up`](ConcurrentHashMap::catch_up).
    pub fn catch_up(&self) {
        self.map.catch_up();
    }

    /// See [`ConcurrentHashMap::stragglers`](ConcurrentHashMap::stragglers).
    pub fn stragglers(&self) -> usize {
        self.map.stragglers()
    }

    /// See [`ConcurrentHashMap::queued_writers`](ConcurrentHashMap::queued_writers).
    pub fn queued_writers(&self) -> usize {
        self.map.queued_writers()
    }
}
