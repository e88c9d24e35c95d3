//! More of `ConcurrentHashSet`: iteration, capacity, diagnosis and standard traits.

use core::hash::{BuildHasher, Hash};
use std::collections::HashSet;

use dbuf_core::{BlockingStrategy, Strategy};

use super::ConcurrentHashSet;
use crate::concurrent::RefIter;

impl<T, H, S> ConcurrentHashSet<T, H, S>
where
    S: Strategy,
{
    /// Iterates over all elements, as guards that share one snapshot; see
    /// [`ConcurrentHashMap::iter`](crate::ConcurrentHashMap::iter).
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

    /// Returns how many elements the published copy can hold before it grows.
    pub fn capacity(&self) -> usize {
        self.as_map().capacity()
    }

    /// Returns the hasher.
    pub fn hasher(&self) -> &H {
        self.as_map().hasher()
    }
}

impl<T, H, S> ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq + Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
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
        self.as_map()
            .write_one(|batch| super::batch::replace(batch, element))
    }

    /// See [`ConcurrentHashMap::drain`](crate::ConcurrentHashMap::drain).
    pub fn drain(&self) -> impl ExactSizeIterator<Item = T> + use<T, H, S> {
        self.as_map().drain().map(|(element, ())| element)
    }

    /// See [`ConcurrentHashMap::shrink_to_fit`](crate::ConcurrentHashMap::shrink_to_fit).
    pub fn shrink_to_fit(&self) {
        self.as_map().shrink_to_fit();
    }

    /// See [`ConcurrentHashMap::catch_up`](crate::ConcurrentHashMap::catch_up).
    pub fn catch_up(&self) {
        self.as_map().catch_up();
    }

    /// See [`ConcurrentHashMap::stragglers`](crate::ConcurrentHashMap::stragglers).
    pub fn stragglers(&self) -> usize {
        self.as_map().stragglers()
    }

    /// See [`ConcurrentHashMap::queued_writers`](crate::ConcurrentHashMap::queued_writers).
    pub fn queued_writers(&self) -> usize {
        self.as_map().queued_writers()
    }
}

/// See [`ConcurrentHashSet::iter`].
impl<'m, T, H, S> IntoIterator for &'m ConcurrentHashSet<T, H, S>
where
    S: Strategy,
{
    type Item = crate::RefMulti<'m, T, (), H, S, T>;
    type IntoIter = RefIter<'m, T, (), H, S, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Keeps the hasher, and uses the default strategy.
impl<T, H> From<HashSet<T, H>> for ConcurrentHashSet<T, H>
where
    T: Hash + Eq + Clone,
    H: BuildHasher + Clone,
{
    fn from(elements: HashSet<T, H>) -> Self {
        let set = Self::with_hasher(elements.hasher().clone());
        set.write().extend(elements);
        set
    }
}

/// Adds copies of all elements, in one batch.
impl<'e, T, H, S> Extend<&'e T> for &ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq + Copy,
    H: BuildHasher,
    S: BlockingStrategy,
{
    fn extend<I: IntoIterator<Item = &'e T>>(&mut self, elements: I) {
        self.write().extend(elements.into_iter().copied());
    }
}

/// See `Extend` of a reference to the set.
impl<'e, T, H, S> Extend<&'e T> for ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq + Copy,
    H: BuildHasher,
    S: BlockingStrategy,
{
    fn extend<I: IntoIterator<Item = &'e T>>(&mut self, elements: I) {
        (&*self).extend(elements);
    }
}
