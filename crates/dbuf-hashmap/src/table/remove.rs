//! The removal of entries.

use core::mem;

use hashbrown::HashTable;

use super::room::room;
use super::{OCCUPIED, Table, retire};

impl<K, V> Table<K, V> {
    pub(crate) fn remove_at(&mut self, bucket: usize) -> (K, V) {
        match self.entries.get_bucket_entry(bucket) {
            Ok(entry) => entry.remove().0,
            Err(_) => unreachable!("{OCCUPIED}"),
        }
    }

    pub(crate) fn remove(&mut self, hash: u64, key: &K)
    where
        K: Eq,
    {
        if let Ok(entry) = self.entries.find_entry(hash, |(k, _)| k == key) {
            let (key, value) = entry.remove().0;
            self.retire(Some(key), Some(value));
        }
    }

    /// Removes the entries for which `keep` returns `false`, and returns their keys, one by one.
    pub(crate) fn extract(
        &mut self,
        mut keep: impl FnMut(&K, &V) -> bool,
    ) -> impl Iterator<Item = K> {
        let Self {
            entries, garbage, ..
        } = self;
        entries
            .extract_if(move |(k, v)| !keep(k, v))
            .map(|(key, value)| {
                retire(garbage, None, Some(value));
                key
            })
    }

    pub(crate) fn retain_mut(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        match &mut self.garbage {
            None => self.entries.retain(|(k, v)| keep(k, v)),
            Some(garbage) => {
                for (key, value) in self.entries.extract_if(|(k, v)| !keep(k, v)) {
                    garbage.put(Some(key), Some(value));
                }
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        if !self.defers_drops() {
            self.entries.clear();
            return;
        }
        let entries = self.take();
        if let Some(garbage) = &mut self.garbage {
            garbage.put_table(entries);
        }
    }

    /// Returns all entries and leaves an empty table with the same number of buckets. (The capacity
    /// may have been less, where entries were removed.)
    pub(crate) fn take(&mut self) -> HashTable<(K, V)> {
        let empty = HashTable::with_capacity(room(self.entries.num_buckets()));
        mem::replace(&mut self.entries, empty)
    }
}
