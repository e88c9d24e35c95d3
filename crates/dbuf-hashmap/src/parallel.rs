//! Parallel iteration over a snapshot.

use core::fmt;

use dbuf_core::Strategy;
use hashbrown::hash_table;
use rayon::iter::plumbing::UnindexedConsumer;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::{MapRef, Snapshot};

/// All entries of a map, in parallel: `par_iter` of a [`Snapshot`] or a [`MapRef`].
///
/// The guard stays with the thread that took it. While that thread waits for the
/// others it may run other tasks of the pool: one of them that waits for *this*
/// map's writer waits for itself.
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
