//! One handle for any thread: `ConcurrentHashSet`, the map with nothing for values.

use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use std::hash::RandomState;

use dbuf_core::{BlockingStrategy, Published, Strategy};
use dbuf_strategies::DefaultStrategy;
use equivalent::Equivalent;

use super::{Batch, SharedReader, Snapshot};
use crate::builder::Builder;
use crate::concurrent::{ConcurrentHashMap, WriterGuard};
use crate::mapped_ref::MappedRef;

/// A hash set that any thread reads and writes, through `&self`.
///
/// As [`ConcurrentHashMap`] in everything: what a write promises, who may write
/// while holding a guard (nobody: it panics), when it panics.
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
    map: ConcurrentHashMap<T, (), H, S>,
}

/// The batch of a [`ConcurrentHashSet`].
pub type ConcurrentBatch<'m, T, H = RandomState, S = DefaultStrategy> =
    Batch<WriterGuard<'m, T, (), H, S>>;

impl<H, S> Builder<H, S> {
    /// Makes a set, as one handle for any thread.
    ///
    /// # Panics
    ///
    /// If a writer of the strategy is claimed: it was not fresh.
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::Builder::new().capacity(10).build_concurrent_set();
    /// assert!(set.insert("a"));
    /// ```
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
    /// An empty set with a [`RandomState`] and the default strategy.
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

    /// An empty set with room for so many elements, in each of its two copies.
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::<u32>::with_capacity(10);
    /// assert!(set.capacity() >= 10);
    /// ```
    pub fn with_capacity(capacity: usize) -> Self {
        Builder::new().capacity(capacity).build_concurrent_set()
    }
}

impl<T, H> ConcurrentHashSet<T, H>
where
    T: Hash + Eq + Clone,
    H: BuildHasher,
{
    /// An empty set with this hasher.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::hash::RandomState;
    ///
    /// let set = dbuf_hashmap::ConcurrentHashSet::with_hasher(RandomState::new());
    /// assert!(set.insert(1));
    /// ```
    pub fn with_hasher(hasher: H) -> Self {
        Self::with_capacity_and_hasher(0, hasher)
    }

    /// An empty set with this hasher, and room for so many elements in each of its two copies.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::hash::RandomState;
    ///
    /// use dbuf_hashmap::ConcurrentHashSet;
    ///
    /// let set = ConcurrentHashSet::with_capacity_and_hasher(10, RandomState::new());
    /// assert!(set.insert(1) && set.capacity() >= 10);
    /// ```
    pub fn with_capacity_and_hasher(capacity: usize, hasher: H) -> Self {
        Builder::new()
            .capacity(capacity)
            .hasher(hasher)
            .build_concurrent_set()
    }
}

impl<T, H, S: Strategy> ConcurrentHashSet<T, H, S> {
    /// Looks at the set as it is published now; as [`ConcurrentHashMap::read`].
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

    /// Whether an element is there.
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::from(["a".to_owned()]);
    /// assert!(set.contains("a"));
    /// ```
    #[inline]
    pub fn contains<Q>(&self, element: &Q) -> bool
    where
        Q: Hash + Equivalent<T> + ?Sized,
        H: BuildHasher,
    {
        self.map.contains_key(element)
    }

    /// Looks at the element as it is stored; as [`ConcurrentHashMap::get`].
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::from(["a".to_owned()]);
    /// assert_eq!(*set.get("a").unwrap(), "a");
    /// ```
    pub fn get<Q>(&self, element: &Q) -> Option<MappedRef<'_, T, T, (), H, S>>
    where
        Q: Hash + Equivalent<T> + ?Sized,
        H: BuildHasher,
    {
        crate::Snapshot::try_map(self.map.read(), |map| Some(map.get_key_value(element)?.0)).ok()
    }

    /// How many elements there are.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(dbuf_hashmap::ConcurrentHashSet::from([1, 2]).len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there are none.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(dbuf_hashmap::ConcurrentHashSet::<u32>::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// A handle that can only read.
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::from([1]);
    /// assert!(set.reader().contains(&1));
    /// ```
    pub fn reader(&self) -> SharedReader<T, H, S> {
        SharedReader::new(self.map.reader())
    }

    /// The map that the set is.
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::from([1]);
    /// assert_eq!(set.as_map().stragglers(), 0);
    /// ```
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
    /// Begins a batch; as [`ConcurrentHashMap::write`].
    ///
    /// # Panics
    ///
    /// As there.
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

    /// Begins a batch if that needs no waiting; as [`ConcurrentHashMap::try_write`].
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::from([1]);
    /// let _guard = set.read();
    /// assert!(set.try_write().is_none());
    /// ```
    pub fn try_write(&self) -> Option<ConcurrentBatch<'_, T, H, S>> {
        self.map.try_write().map(Batch::of)
    }

    /// Begins a batch, or gives up after about `timeout`; as
    /// [`ConcurrentHashMap::write_timeout`].
    ///
    /// # Panics
    ///
    /// As [`ConcurrentHashMap::write`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let set = dbuf_hashmap::ConcurrentHashSet::from([1]);
    /// assert!(set.write_timeout(Duration::from_secs(1)).is_some());
    /// ```
    pub fn write_timeout(&self, timeout: Duration) -> Option<ConcurrentBatch<'_, T, H, S>> {
        self.map.write_timeout(timeout).map(Batch::of)
    }

    /// All or nothing: publishes if `f` returns `Ok`, takes every change of `f` back
    /// if it returns `Err` or panics.
    ///
    /// # Errors
    ///
    /// What `f` returned.
    ///
    /// # Panics
    ///
    /// With `f`, and as [`ConcurrentHashMap::write`].
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::from([1]);
    /// let moved = set.transact(|batch| {
    ///     batch.remove(&1);
    ///     if batch.remove(&2) { Ok(()) } else { Err("not there") }
    /// });
    /// assert_eq!(moved, Err("not there"));
    /// assert!(set.contains(&1));
    /// ```
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

    /// Adds an element. Whether it is new; one that is there already is kept.
    ///
    /// # Panics
    ///
    /// As [`ConcurrentHashMap::write`].
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

    /// Removes an element. Whether it was there.
    ///
    /// # Panics
    ///
    /// As [`ConcurrentHashMap::write`].
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::from([1]);
    /// assert!(set.remove(&1));
    /// assert!(!set.remove(&1));
    /// ```
    pub fn remove<Q>(&self, element: &Q) -> bool
    where
        Q: Hash + Equivalent<T> + ?Sized,
    {
        self.map.remove(element).is_some()
    }

    /// Removes an element and returns it as it was stored. Clones it.
    ///
    /// # Panics
    ///
    /// As [`ConcurrentHashMap::write`].
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::from(["a".to_owned()]);
    /// assert_eq!(set.take("a"), Some("a".to_owned()));
    /// ```
    pub fn take<Q>(&self, element: &Q) -> Option<T>
    where
        Q: Hash + Equivalent<T> + ?Sized,
    {
        self.map
            .write_one(|batch| batch.remove_entry(element))
            .map(|(element, ())| element)
    }

    /// Removes every element for which `keep` returns `false`; as
    /// [`ConcurrentHashMap::retain`].
    ///
    /// # Panics
    ///
    /// With `keep`, and as [`ConcurrentHashMap::write`].
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::from([1, 2, 3]);
    /// set.retain(|n| n % 2 == 1);
    /// assert_eq!(set.len(), 2);
    /// ```
    pub fn retain(&self, mut keep: impl FnMut(&T) -> bool) {
        self.map.retain(|element, ()| keep(element));
    }

    /// Removes everything. Both copies keep their room.
    ///
    /// # Panics
    ///
    /// As [`ConcurrentHashMap::write`].
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::from([1]);
    /// set.clear();
    /// assert!(set.is_empty());
    /// ```
    pub fn clear(&self) {
        self.map.clear();
    }

    /// Makes room for so many more elements, in both copies.
    ///
    /// # Panics
    ///
    /// If the capacity overflows, and as [`ConcurrentHashMap::write`].
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::<u32>::new();
    /// set.reserve(1000);
    /// ```
    pub fn reserve(&self, additional: usize) {
        self.map.reserve(additional);
    }

    /// Publishes what is pending; as [`ConcurrentHashMap::publish`].
    ///
    /// # Panics
    ///
    /// If this thread has a batch of this set open.
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::ConcurrentHashSet::<u32>::new();
    /// assert!(!set.publish().is_published());
    /// ```
    pub fn publish(&self) -> Published {
        self.map.publish()
    }
}

impl<T, H, S: Strategy> Clone for ConcurrentHashSet<T, H, S> {
    fn clone(&self) -> Self {
        Self {
            map: self.map.clone(),
        }
    }
}

impl<T, H, S> Default for ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq + Clone,
    H: BuildHasher + Default,
    S: BlockingStrategy + Default,
{
    fn default() -> Self {
        Builder::default().build_concurrent_set()
    }
}

impl<T, H, S> FromIterator<T> for ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq + Clone,
    H: BuildHasher + Default,
    S: BlockingStrategy + Default,
{
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let set = Self::default();
        set.write().extend(elements);
        set
    }
}

/// With the default hasher and strategy; `collect` makes any.
impl<T: Hash + Eq + Clone, const N: usize> From<[T; N]> for ConcurrentHashSet<T> {
    fn from(elements: [T; N]) -> Self {
        elements.into_iter().collect()
    }
}

/// In one batch. Other writers wait until the iterator ends, so it must not write to
/// this set.
impl<T, H, S> Extend<T> for &ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq + Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    fn extend<I: IntoIterator<Item = T>>(&mut self, elements: I) {
        self.write().extend(elements);
    }
}

/// As for a reference.
impl<T, H, S> Extend<T> for ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq + Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    fn extend<I: IntoIterator<Item = T>>(&mut self, elements: I) {
        (&*self).extend(elements);
    }
}

/// Shows what is published.
impl<T: fmt::Debug, H, S: Strategy> fmt::Debug for ConcurrentHashSet<T, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read().fmt(f)
    }
}
