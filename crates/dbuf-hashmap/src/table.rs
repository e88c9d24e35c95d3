use core::fmt;
use core::hash::{BuildHasher, Hash};

use equivalent::Equivalent;
use hashbrown::HashTable;
use hashbrown::hash_table::{self, Entry};

/// One copy of the map. The hasher is not in it: both copies share one.
pub struct Table<K, V>(HashTable<(K, V)>);

impl<K, V> Table<K, V> {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(HashTable::with_capacity(capacity))
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.0.capacity()
    }

    pub(crate) fn iter(&self) -> hash_table::Iter<'_, (K, V)> {
        self.0.iter()
    }

    #[inline]
    pub(crate) fn get<Q>(&self, hash: u64, key: &Q) -> Option<&(K, V)>
    where
        Q: Equivalent<K> + ?Sized,
    {
        self.0.find(hash, |(k, _)| key.equivalent(k))
    }

    pub(crate) fn get_mut<Q>(&mut self, hash: u64, key: &Q) -> Option<&mut (K, V)>
    where
        Q: Equivalent<K> + ?Sized,
    {
        self.0.find_mut(hash, |(k, _)| key.equivalent(k))
    }

    pub(crate) fn remove<Q>(&mut self, hash: u64, key: &Q) -> Option<(K, V)>
    where
        Q: Equivalent<K> + ?Sized,
    {
        let entry = self.0.find_entry(hash, |(k, _)| key.equivalent(k)).ok()?;
        Some(entry.remove().0)
    }

    /// Removes what `keep` refuses and hands it over, one by one.
    pub(crate) fn extract(
        &mut self,
        mut keep: impl FnMut(&K, &V) -> bool,
    ) -> impl Iterator<Item = (K, V)> {
        self.0.extract_if(move |(k, v)| !keep(k, v))
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

impl<K: Hash + Eq, V> Table<K, V> {
    /// The place of a key. The hasher is asked only if the table has to grow.
    pub(crate) fn entry(
        &mut self,
        hash: u64,
        key: &K,
        hasher: &impl BuildHasher,
    ) -> Entry<'_, (K, V)> {
        self.0
            .entry(hash, |(k, _)| k == key, |(k, _)| hasher.hash_one(k))
    }
}

/// `clone_from`, which a resync uses, keeps the allocation where the sizes agree.
impl<K: Clone, V: Clone> Clone for Table<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }

    fn clone_from(&mut self, source: &Self) {
        self.0.clone_from(&source.0);
    }
}

impl<K, V> fmt::Debug for Table<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
