//! Parallel iteration over maps and sets, and parallel collection into them.

use alloc::vec::Vec;
use core::fmt;
use core::hash::{BuildHasher, Hash};

use dbuf_core::{BlockingStrategy, Strategy};
use hashbrown::hash_table;
use rayon::iter::plumbing::UnindexedConsumer;
use rayon::iter::{
    FromParallelIterator, IntoParallelIterator, Map, ParallelExtend, ParallelIterator,
};

use crate::concurrent::ConcurrentHashMap;
use crate::map_ref::MapRef;
use crate::set::{self, ConcurrentHashSet, SetRef};
use crate::snapshot::Snapshot;

/// All entries of a map, in parallel: `par_iter` of a [`Snapshot`] or a [`MapRef`].
///
/// # Writes while it runs
///
/// The thread that took the guard holds it during the iteration. A worker of the pool may run
/// other jobs of the pool while it waits for the iteration, so a job that writes to *this* map
/// may write under that guard. The write then clones the map into the spare copy, or **panics**
/// if the spare copy is in use ([guards and writes](ConcurrentHashMap#guards-and-writes)). A
/// [`Writer`](crate::Writer) may wait forever instead. So collect the changes and write them after
/// the guard is released, or iterate from a thread outside the pool.
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

/// Clones of all entries, in parallel: `par_iter` of a [`ConcurrentHashMap`].
///
/// Shows the map as it is published when the iteration starts. The items are clones, since they
/// may outlive the guard, which lives until the iteration ends. To clone nothing, iterate over
/// references: `map.read().par_iter()`. For jobs that write, see
/// [`ParIter`](ParIter#writes-while-it-runs).
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::ConcurrentHashMap;
/// use rayon::prelude::*;
///
/// let map: ConcurrentHashMap<u32, u32> = (0..100).into_par_iter().map(|n| (n, 2 * n)).collect();
/// assert_eq!(map.par_iter().map(|(_, n)| n).sum::<u32>(), 9900);
/// ```
pub struct ParEntries<'m, K, V, H, S: Strategy>(&'m ConcurrentHashMap<K, V, H, S>);

impl<K, V, H, S> ParallelIterator for ParEntries<'_, K, V, H, S>
where
    K: Clone + Send + Sync,
    V: Clone + Send + Sync,
    H: Send + Sync,
    S: BlockingStrategy,
{
    type Item = (K, V);

    fn drive_unindexed<C: UnindexedConsumer<Self::Item>>(self, consumer: C) -> C::Result {
        let snapshot = self.0.read();
        let entries = snapshot.as_map().into_par_iter();
        entries
            .map(|(key, value)| (key.clone(), value.clone()))
            .drive_unindexed(consumer)
    }
}

impl<K, V, H, S: Strategy> Clone for ParEntries<'_, K, V, H, S> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<K, V, H, S: Strategy> fmt::Debug for ParEntries<'_, K, V, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParEntries").finish_non_exhaustive()
    }
}

impl<'m, K, V, H, S> IntoParallelIterator for &'m ConcurrentHashMap<K, V, H, S>
where
    K: Clone + Send + Sync,
    V: Clone + Send + Sync,
    H: Send + Sync,
    S: BlockingStrategy,
{
    type Item = (K, V);
    type Iter = ParEntries<'m, K, V, H, S>;

    fn into_par_iter(self) -> Self::Iter {
        ParEntries(self)
    }
}

/// A function that takes the key of an entry: an element of a set.
type Element<E, T> = fn(E) -> T;

impl<'a, T: Sync, H> IntoParallelIterator for SetRef<'a, T, H> {
    type Item = &'a T;
    type Iter = Map<ParIter<'a, T, ()>, Element<(&'a T, &'a ()), &'a T>>;

    fn into_par_iter(self) -> Self::Iter {
        self.as_map().into_par_iter().map(|(element, ())| element)
    }
}

impl<'g, T: Sync, H, S: Strategy> IntoParallelIterator for &'g set::Snapshot<'_, T, H, S> {
    type Item = &'g T;
    type Iter = <SetRef<'g, T, H> as IntoParallelIterator>::Iter;

    fn into_par_iter(self) -> Self::Iter {
        self.as_set().into_par_iter()
    }
}

/// Iterates over clones of all elements; see [`ParEntries`].
impl<'m, T, H, S> IntoParallelIterator for &'m ConcurrentHashSet<T, H, S>
where
    T: Clone + Send + Sync,
    H: Send + Sync,
    S: BlockingStrategy,
{
    type Item = T;
    type Iter = Map<ParEntries<'m, T, (), H, S>, Element<(T, ()), T>>;

    fn into_par_iter(self) -> Self::Iter {
        self.as_map().into_par_iter().map(|(element, ())| element)
    }
}

/// Inserts all entries in one batch, which begins when they are collected, so other writers do not
/// wait before that. A later entry of a key replaces an earlier one.
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

/// See `ParallelExtend` of a reference to the map.
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

/// Adds all elements in one batch, which begins when they are collected.
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

/// See `ParallelExtend` of a reference to the set.
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
