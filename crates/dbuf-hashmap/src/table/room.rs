//! The capacity of a copy.

use core::hash::{BuildHasher, Hash};
use core::sync::atomic::Ordering;

use hashbrown::{HashTable, TryReserveError};

use super::{Extras, Table};

impl<K: Hash, V> Table<K, V> {
    /// Makes room. Returns the number of buckets if it changed.
    #[cold]
    pub(crate) fn reserve<H: BuildHasher>(
        &mut self,
        additional: usize,
        shared: &Extras<H>,
    ) -> Option<usize> {
        self.resize(shared, |table| {
            table.reserve(additional, |(k, _)| shared.hash(k));
        })
    }

    /// Makes room if there is memory for it. Returns how many buckets the other copy needs, if it
    /// has too few: `other` is its capacity and its number of buckets.
    pub(crate) fn try_reserve<H: BuildHasher>(
        &mut self,
        additional: usize,
        other: (usize, usize),
        shared: &Extras<H>,
    ) -> Result<Option<usize>, TryReserveError> {
        let mut result = Ok(());
        let changed = self.resize(shared, |table| {
            result = table.try_reserve(additional, |(k, _)| shared.hash(k));
        });
        result?;
        let short = other.0 < self.len().saturating_add(additional) && other.1 < self.buckets();
        Ok(changed.or_else(|| short.then(|| self.buckets())))
    }

    /// Frees room that is not needed. Returns the number of buckets if it changed.
    pub(crate) fn shrink<H: BuildHasher>(&mut self, shared: &Extras<H>) -> Option<usize> {
        self.resize(shared, |table| table.shrink_to_fit(|(k, _)| shared.hash(k)))
    }

    /// Frees room beyond `capacity` that is not needed.
    pub(crate) fn shrink_to<H: BuildHasher>(&mut self, capacity: usize, shared: &Extras<H>) {
        self.resize(shared, |table| {
            table.shrink_to(capacity, |(k, _)| shared.hash(k));
        });
    }

    fn resize<H>(
        &mut self,
        shared: &Extras<H>,
        f: impl FnOnce(&mut HashTable<(K, V)>),
    ) -> Option<usize> {
        let before = self.entries.num_buckets();
        f(&mut self.entries);
        let buckets = self.entries.num_buckets();
        shared.buckets.store(buckets, Ordering::Relaxed);
        (buckets != before).then_some(buckets)
    }

    /// Grows to at least `buckets` buckets, the number of the other copy, if there is memory for
    /// it: nothing needs the room yet.
    #[cold]
    pub(crate) fn grow_to<H: BuildHasher>(&mut self, buckets: usize, shared: &Extras<H>) {
        if self.entries.num_buckets() < buckets {
            // More entries than fit into half of that many buckets, and not more than fit.
            let entries = buckets - buckets / 4;
            let additional = entries.saturating_sub(self.len());
            _ = self
                .entries
                .try_reserve(additional, |(k, _)| shared.hash(k));
        }
    }
}

/// Returns how many entries fit into a number of buckets.
pub(super) fn room(buckets: usize) -> usize {
    match buckets {
        0..8 => buckets.saturating_sub(1),
        _ => buckets / 8 * 7,
    }
}
