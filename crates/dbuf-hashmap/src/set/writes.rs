//! More of `ConcurrentHashSet`: iteration, changes, diagnosis.

use core::hash::{BuildHasher, Hash};
use std::collections::HashSet;

use dbuf_core::{BlockingStrategy, Strategy};

use super::ConcurrentHashSet;
use crate::concurrent::RefIter;

impl<T, H, S> ConcurrentHashSet<T, H, S>
where
    S: Strategy,
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
    T: Hash + Eq + Clone,
    H: BuildHasher,
    S: BlockingStrategy,
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

/// As [`ConcurrentHashSet::iter`].
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

/// With the same hasher, and the default strategy.
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

/// Adds copies of all, in one batch.
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

/// As for a reference.
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
