//! Conversions and other standard traits of a concurrent set.

use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::collections::HashSet;

use dbuf_core::{BlockingStrategy, Strategy};

use super::ConcurrentHashSet;
use crate::builder::Builder;
use crate::concurrent::{RefIter, RefMulti};

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

/// Uses the default hasher and strategy; `collect` can make a set with others.
impl<T: Hash + Eq + Clone, const N: usize> From<[T; N]> for ConcurrentHashSet<T> {
    fn from(elements: [T; N]) -> Self {
        elements.into_iter().collect()
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

/// See [`ConcurrentHashSet::iter`].
impl<'m, T, H, S> IntoIterator for &'m ConcurrentHashSet<T, H, S>
where
    S: Strategy,
{
    type Item = RefMulti<'m, T, (), H, S, T>;
    type IntoIter = RefIter<'m, T, (), H, S, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Adds all elements in one batch. Other writers wait until the iterator ends, so it must not write
/// to this set.
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

/// See `Extend` of a reference to the set.
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

/// Shows the published elements.
impl<T: fmt::Debug, H, S: Strategy> fmt::Debug for ConcurrentHashSet<T, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read().fmt(f)
    }
}
