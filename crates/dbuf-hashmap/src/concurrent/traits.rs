//! What a map is expected to implement.

use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::panic::{RefUnwindSafe, UnwindSafe};
use std::collections::HashMap;

use dbuf_core::{BlockingStrategy, Strategy};

use crate::builder::Builder;
use crate::concurrent::ConcurrentHashMap;

/// A change that panicked is taken back before anybody sees it, so only cells in keys, values
/// and the hasher can be seen half-changed.
impl<K, V, H, S> UnwindSafe for ConcurrentHashMap<K, V, H, S>
where
    K: RefUnwindSafe,
    V: RefUnwindSafe,
    H: RefUnwindSafe,
    S: Strategy,
{
}

/// As for [`UnwindSafe`].
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

/// With the default hasher and strategy, as std's maps have it; `collect` makes any.
impl<K, V, const N: usize> From<[(K, V); N]> for ConcurrentHashMap<K, V>
where
    K: Hash + Eq + Clone,
    V: Clone,
{
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

/// With the same hasher, and the default strategy.
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

/// In one batch. Other writers wait until the iterator ends, so it must not write to
/// this map.
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

/// As for a reference.
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

/// Inserts copies of all, in one batch.
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

/// As for a reference.
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

/// Equal entries, in whatever order and by whatever hasher: compares what is published.
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

/// Shows what is published.
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
