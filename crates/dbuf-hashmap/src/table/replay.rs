//! What a replay or a rollback does to the copy that is behind.

use core::hash::{BuildHasher, Hash};
use core::mem;
use core::sync::atomic::Ordering;

use super::{Extras, Table};

impl<K: Hash, V> Table<K, V> {
    /// Makes a key's entry equal to the front's: sets it, or removes it.
    pub(crate) fn restore<H: BuildHasher>(
        &mut self,
        hash: u64,
        key: &K,
        front: &Self,
        shared: &Extras<H>,
    ) where
        K: Eq + Clone,
        V: Clone,
    {
        let Some((k, v)) = front.get(hash, key) else {
            return self.remove(hash, key);
        };
        let entry = (k.clone(), v.clone());
        match self.entries.find_mut(hash, |(k, _)| k == key) {
            Some(there) => {
                let (key, value) = mem::replace(there, entry);
                self.retire(Some(key), Some(value));
            }
            None => _ = self.insert_new(hash, entry.0, entry.1, shared),
        }
    }

    /// Adds a key that is not there, in the copy that is behind.
    #[inline]
    pub(crate) fn replay_insert<H: BuildHasher>(
        &mut self,
        hash: u64,
        key: K,
        value: V,
        shared: &Extras<H>,
    ) {
        if self.is_full() {
            self.grow_to(shared.buckets.load(Ordering::Relaxed), shared);
        }
        self.entries
            .insert_unique(hash, (key, value), |(k, _)| shared.hash(k));
    }

    /// Sets the value of a key, in the copy that is behind. The key is in the same bucket as in the
    /// other copy, unless it is new or the two copies have grown differently.
    #[inline]
    pub(crate) fn replay_replace<H: BuildHasher>(
        &mut self,
        bucket: usize,
        hash: u64,
        key: K,
        value: V,
        shared: &Extras<H>,
    ) where
        K: Eq,
    {
        match self.entries.get_bucket_mut(bucket) {
            Some(entry) if entry.0 == key => {
                let old = mem::replace(&mut entry.1, value);
                self.retire(Some(key), Some(old));
            }
            _ => self.put(hash, key, value, shared),
        }
    }
}
