//! Conversions and other standard traits of a map.

use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::panic::{RefUnwindSafe, UnwindSafe};
use std::collections::HashMap;

use dbuf_core::{BlockingStrategy, Strategy};

use crate::builder::Builder;
use crate::concurrent::ConcurrentHashMap;

/// A change that panics is undone before any reader sees it. Only a cell in a key, a value or the
/// hasher can be seen half-changed.
impl<K, V, H, S> UnwindSafe for ConcurrentHashMap<K, V, H, S>
where
    K: RefUnwindSafe,
    V: RefUnwindSafe,
    H: RefUnwindSafe,
    S: Strategy,
{
}

/// See the implementation of [`UnwindSafe`].
impl<K, V, H, S> RefUnwindSafe for ConcurrentHashMap<K, V, H, S>
where
    K: RefUnwindSafe,
    V: RefUnwindSafe,
    H: RefUnwindSafe,
    S: Strategy,
{
}

impl<K, V, H, S> Default for ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher + Default,
    S: BlockingStrategy + Default,
{
    fn default() -> Self {
        Builder::default().build_concurrent()
    }
}

/// A later value of a key replaces an earlier one.
impl<K, V, H, S> FromIterator<(K, V)> for ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher + Default,
    S: BlockingStrategy + Default,
{
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let map = Self::default();
        map.write().extend(entries);
        map
    }
}

/// Uses the default hasher and strategy, like std's maps; `collect` can make a map with others.
impl<K, V, const N: usize> From<[(K, V); N]> for ConcurrentHashMap<K, V>
where
    K: Hash + Eq + Clone,
    V: Clone,
{
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

/// Keeps the hasher, and uses the default strategy.
impl<K, V, H> From<HashMap<K, V, H>> for ConcurrentHashMap<K, V, H>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher + Clone,
{
    fn from(entries: HashMap<K, V, H>) -> Self {
        let map = Self::with_hasher(entries.hasher().clone());
        map.write().extend(entries);
        map
    }
}

/// Inserts all entries in one batch. Other writers wait until the iterator ends, so it must not
/// write to this map.
impl<K, V, H, S> Extend<(K, V)> for &ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        self.write().extend(entries);
    }
}

/// See `Extend` of a reference to the map.
impl<K, V, H, S> Extend<(K, V)> for ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        (&*self).extend(entries);
    }
}

/// Inserts copies of all entries, in one batch.
impl<'e, K, V, H, S> Extend<(&'e K, &'e V)> for &ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq + Copy,
    V: Copy,
    H: BuildHasher,
    S: BlockingStrategy,
{
    fn extend<I: IntoIterator<Item = (&'e K, &'e V)>>(&mut self, entries: I) {
        self.write().extend(entries);
    }
}

/// See `Extend` of a reference to the map.
impl<'e, K, V, H, S> Extend<(&'e K, &'e V)> for ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq + Copy,
    V: Copy,
    H: BuildHasher,
    S: BlockingStrategy,
{
    fn extend<I: IntoIterator<Item = (&'e K, &'e V)>>(&mut self, entries: I) {
        (&*self).extend(entries);
    }
}

/// Compares the published entries, in any order and with any hashers.
impl<K, V, H, S, I, T> PartialEq<ConcurrentHashMap<K, V, I, T>> for ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq,
    V: PartialEq,
    H: BuildHasher,
    S: Strategy,
    I: BuildHasher,
    T: Strategy,
{
    fn eq(&self, other: &ConcurrentHashMap<K, V, I, T>) -> bool {
        self.read() == other.read()
    }
}

impl<K, V, H, S> Eq for ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq,
    V: Eq,
    H: BuildHasher,
    S: Strategy,
{
}

/// Shows the published entries.
impl<K, V, H, S> fmt::Debug for ConcurrentHashMap<K, V, H, S>
where
    K: fmt::Debug,
    V: fmt::Debug,
    S: Strategy,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read().fmt(f)
    }
}
