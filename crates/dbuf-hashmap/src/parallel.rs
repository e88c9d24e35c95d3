//! Parallel iteration over a snapshot, and into a map.

use alloc::vec::Vec;
use core::fmt;
use core::hash::{BuildHasher, Hash};

use dbuf_core::{BlockingStrategy, Strategy};
use hashbrown::hash_table;
use rayon::iter::plumbing::UnindexedConsumer;
use rayon::iter::{FromParallelIterator, IntoParallelIterator, ParallelExtend, ParallelIterator};

use crate::concurrent::ConcurrentHashMap;
use crate::map_ref::MapRef;
use crate::set::ConcurrentHashSet;
use crate::snapshot::Snapshot;

/// All entries of a map, in parallel: `par_iter` of a [`Snapshot`] or a [`MapRef`]. Of a
/// [`ConcurrentHashMap`], it is `map.read().par_iter()`.
///
/// The guard stays with the thread that took it. If that is a worker of the pool, it may run
/// other tasks of the pool while it waits for the iteration: one of them that writes to *this*
/// map writes under the guard, so a [`ConcurrentHashMap`] panics, and the `Writer` of a pair
/// waits forever. Iterate from a thread outside the pool (`ThreadPool::install` moves the
/// iteration into it, and the guard with it), or collect what is to be written and write it
/// when the guard is gone.
///
/// # Examples
///
/// ```
/// use rayon::prelude::*;
///
/// let (mut writer, reader) = dbuf_hashmap::new();
/// writer.write().extend((0..100).map(|n| (n, 2 * n)));
/// let map = reader.read();
/// assert_eq!(map.par_iter().map(|(_, n)| n).sum::<u32>(), 9900);
/// ```
pub struct ParIter<'a, K, V>(hash_table::rayon::ParIter<'a, (K, V)>);

impl<'a, K: Sync, V: Sync> ParallelIterator for ParIter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn drive_unindexed<C: UnindexedConsumer<Self::Item>>(self, consumer: C) -> C::Result {
        self.0
            .map(|(key, value)| (key, value))
            .drive_unindexed(consumer)
    }
}

impl<K, V> Clone for ParIter<'_, K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> fmt::Debug for ParIter<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParIter").finish_non_exhaustive()
    }
}

impl<'a, K: Sync, V: Sync, H> IntoParallelIterator for MapRef<'a, K, V, H> {
    type Item = (&'a K, &'a V);
    type Iter = ParIter<'a, K, V>;

    fn into_par_iter(self) -> Self::Iter {
        ParIter(self.par_entries())
    }
}

impl<'g, K, V, H, S> IntoParallelIterator for &'g Snapshot<'_, K, V, H, S>
where
    K: Sync,
    V: Sync,
    S: Strategy,
{
    type Item = (&'g K, &'g V);
    type Iter = ParIter<'g, K, V>;

    fn into_par_iter(self) -> Self::Iter {
        self.as_map().into_par_iter()
    }
}

/// In one batch, which begins when all of the entries are there: until then nobody waits. A
/// later entry of a key replaces an earlier one.
impl<K, V, H, S> ParallelExtend<(K, V)> for &ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq + Clone + Send,
    V: Clone + Send,
    H: BuildHasher,
    S: BlockingStrategy,
{
    fn par_extend<I: IntoParallelIterator<Item = (K, V)>>(&mut self, entries: I) {
        let lists = entries.into_par_iter().collect_vec_list();
        let mut batch = self.write();
        batch.reserve(lists.iter().map(Vec::len).sum());
        batch.extend(lists.into_iter().flatten());
    }
}

/// As for a reference.
impl<K, V, H, S> ParallelExtend<(K, V)> for ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq + Clone + Send,
    V: Clone + Send,
    H: BuildHasher,
    S: BlockingStrategy,
{
    fn par_extend<I: IntoParallelIterator<Item = (K, V)>>(&mut self, entries: I) {
        (&*self).par_extend(entries);
    }
}

/// A later entry of a key replaces an earlier one.
impl<K, V, H, S> FromParallelIterator<(K, V)> for ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq + Clone + Send,
    V: Clone + Send,
    H: BuildHasher + Default,
    S: BlockingStrategy + Default,
{
    fn from_par_iter<I: IntoParallelIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::default();
        map.par_extend(entries);
        map
    }
}

/// In one batch, which begins when all of the elements are there.
impl<T, H, S> ParallelExtend<T> for &ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq + Clone + Send,
    H: BuildHasher,
    S: BlockingStrategy,
{
    fn par_extend<I: IntoParallelIterator<Item = T>>(&mut self, elements: I) {
        let lists = elements.into_par_iter().collect_vec_list();
        self.write().extend(lists.into_iter().flatten());
    }
}

/// As for a reference.
impl<T, H, S> ParallelExtend<T> for ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq + Clone + Send,
    H: BuildHasher,
    S: BlockingStrategy,
{
    fn par_extend<I: IntoParallelIterator<Item = T>>(&mut self, elements: I) {
        (&*self).par_extend(elements);
    }
}

impl<T, H, S> FromParallelIterator<T> for ConcurrentHashSet<T, H, S>
where
    T: Hash + Eq + Clone + Send,
    H: BuildHasher + Default,
    S: BlockingStrategy + Default,
{
    fn from_par_iter<I: IntoParallelIterator<Item = T>>(elements: I) -> Self {
        let mut set = Self::default();
        set.par_extend(elements);
        set
    }
}
