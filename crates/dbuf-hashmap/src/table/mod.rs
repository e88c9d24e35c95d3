//! One copy of the map. Removals are in `remove`, lent values in `lend` and `marks`, replay and
//! rollback in `replay`, the capacity in `room`.

mod lend;
mod marks;
mod remove;
mod replay;
mod room;

use core::hash::{BuildHasher, Hash};
use core::panic::RefUnwindSafe;
use core::sync::atomic::AtomicUsize;
use core::{fmt, mem};

use equivalent::Equivalent;
use hashbrown::HashTable;
use hashbrown::hash_table::{self, Entry};

use crate::garbage::{Drops, Garbage};
use crate::patch::Patch;

pub(crate) use marks::Marks;

/// The data that both copies share.
pub struct Extras<H> {
    hasher: H,
    /// The number of buckets of the copy that changed last, so that the other one grows in one
    /// step where the first one needed several. Only the writer reads and writes it; it is atomic
    /// because readers hold a reference to this struct.
    buckets: AtomicUsize,
}

impl<H> Extras<H> {
    pub(crate) fn new(hasher: H) -> Self {
        Self {
            hasher,
            buckets: AtomicUsize::new(0),
        }
    }

    #[inline]
    pub(crate) fn hasher(&self) -> &H {
        &self.hasher
    }

    #[inline]
    pub(crate) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u64
    where
        H: BuildHasher,
    {
        self.hasher.hash_one(key)
    }
}

/// One copy of the map. A bucket index names an entry until the next change.
pub struct Table<K, V> {
    entries: HashTable<(K, V)>,
    /// A number of the caller's choice for this state.
    revision: u64,
    /// The marks of the open batch: none in the copy that readers see.
    marks: Marks<K>,
    /// Collects what is removed from this copy, if it must not be dropped at once.
    garbage: Option<Garbage<K, V>>,
}

/// Runs every destructor, even if some of them panic.
impl<K, V> Drop for Table<K, V> {
    fn drop(&mut self) {
        if Self::DROPS {
            let mut drops = Drops::default();
            drops.each(mem::take(&mut self.entries));
            drops.each(self.marks.take());
            drops.end();
        }
    }
}

// A reference gives access to keys and values only; the rest belongs to the writer.
impl<K: RefUnwindSafe, V: RefUnwindSafe> RefUnwindSafe for Table<K, V> {}

impl<K, V> Table<K, V> {
    /// `defers_drops` says whether the caller takes the garbage, to drop it later.
    pub(crate) fn new(capacity: usize, defers_drops: bool) -> Self {
        Self {
            entries: HashTable::with_capacity(capacity),
            revision: 0,
            marks: Marks::default(),
            garbage: defers_drops.then(Garbage::default),
        }
    }

    /// Says whether keys or values have destructors.
    const DROPS: bool = mem::needs_drop::<(K, V)>();

    /// Returns what was removed from the table since the last call.
    pub(crate) fn take_garbage(&mut self) -> Garbage<K, V> {
        self.garbage.as_mut().map(Garbage::take).unwrap_or_default()
    }

    /// Returns whether removed keys and values are dropped later.
    #[inline]
    pub(crate) fn defers_drops(&self) -> bool {
        Self::DROPS && self.garbage.is_some()
    }

    /// Returns whether any drops are queued.
    #[inline]
    pub(crate) fn has_garbage(&self) -> bool {
        self.garbage
            .as_ref()
            .is_some_and(|garbage| !garbage.is_empty())
    }

    /// Drops a key and a value: at once, or later if drops are deferred.
    #[inline]
    pub(crate) fn retire(&mut self, key: Option<K>, value: Option<V>) {
        retire(&mut self.garbage, key, value);
    }

    /// Drops a user's change: at once, or later if drops are deferred.
    pub(crate) fn retire_patch(&mut self, patch: Patch<V>) {
        if let Some(garbage) = &mut self.garbage {
            garbage.put_patch(patch);
        }
    }

    /// Drops a whole copy that readers had, with its garbage: at once, or later if drops are
    /// deferred.
    pub(crate) fn retire_copy(&mut self, mut copy: Self) {
        if let Some(garbage) = &mut self.garbage {
            garbage.append(copy.take_garbage());
            garbage.put_table(mem::take(&mut copy.entries));
        }
    }

    #[inline]
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn set_revision(&mut self, revision: u64) {
        self.revision = revision;
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.entries.capacity()
    }

    pub(crate) fn iter(&self) -> hash_table::Iter<'_, (K, V)> {
        self.entries.iter()
    }

    #[cfg(feature = "rayon")]
    pub(crate) fn par_iter(&self) -> hash_table::rayon::ParIter<'_, (K, V)>
    where
        K: Sync,
        V: Sync,
    {
        rayon::iter::IntoParallelIterator::into_par_iter(&self.entries)
    }

    #[inline]
    pub(crate) fn get<Q>(&self, hash: u64, key: &Q) -> Option<&(K, V)>
    where
        Q: Equivalent<K> + ?Sized,
    {
        self.entries.find(hash, |(k, _)| key.equivalent(k))
    }

    pub(crate) fn get_mut(&mut self, hash: u64, key: &K) -> Option<&mut V>
    where
        K: Eq,
    {
        self.entries
            .find_mut(hash, |(k, _)| k == key)
            .map(|(_, value)| value)
    }

    /// Returns the bucket of a key.
    pub(crate) fn find<Q>(&self, hash: u64, key: &Q) -> Option<usize>
    where
        Q: Equivalent<K> + ?Sized,
    {
        self.entries
            .find_bucket_index(hash, |(k, _)| key.equivalent(k))
    }

    /// Returns the number of buckets, occupied or not.
    pub(crate) fn buckets(&self) -> usize {
        self.entries.num_buckets()
    }

    /// Returns the entry in a bucket, if the bucket is occupied.
    pub(crate) fn get_at(&self, bucket: usize) -> Option<&(K, V)> {
        self.entries.get_bucket(bucket)
    }

    pub(crate) fn at(&self, bucket: usize) -> &(K, V) {
        self.entries.get_bucket(bucket).expect(OCCUPIED)
    }

    pub(crate) fn at_mut(&mut self, bucket: usize) -> &mut (K, V) {
        self.entries.get_bucket_mut(bucket).expect(OCCUPIED)
    }
}

#[inline]
fn retire<K, V>(garbage: &mut Option<Garbage<K, V>>, key: Option<K>, value: Option<V>) {
    if let Some(garbage) = garbage.as_mut().filter(|_| Table::<K, V>::DROPS) {
        garbage.put(key, value);
    }
}

const OCCUPIED: &str = "a bucket that was just found is occupied";

impl<K: Hash, V> Table<K, V> {
    /// Returns the entry of a key, for the copy that changes first. The hasher runs only if the
    /// table has to grow.
    #[inline]
    pub(crate) fn entry<H: BuildHasher>(
        &mut self,
        hash: u64,
        key: &K,
        shared: &Extras<H>,
    ) -> Entry<'_, (K, V)>
    where
        K: Eq,
    {
        if self.is_full() {
            self.reserve(1, shared);
        }
        self.entries
            .entry(hash, |(k, _)| k == key, |(k, _)| shared.hash(k))
    }

    /// Adds a key that is not there, and returns its bucket.
    #[inline]
    pub(crate) fn insert_new<H: BuildHasher>(
        &mut self,
        hash: u64,
        key: K,
        value: V,
        shared: &Extras<H>,
    ) -> usize {
        if self.is_full() {
            self.reserve(1, shared);
        }
        self.entries
            .insert_unique(hash, (key, value), |(k, _)| shared.hash(k))
            .bucket_index()
    }

    /// Sets the value of a key, whether the key is there or not.
    #[cold]
    pub(crate) fn put<H: BuildHasher>(&mut self, hash: u64, key: K, value: V, shared: &Extras<H>)
    where
        K: Eq,
    {
        match self.get_mut(hash, &key) {
            Some(old) => {
                let old = mem::replace(old, value);
                self.retire(Some(key), Some(old));
            }
            None => _ = self.insert_new(hash, key, value, shared),
        }
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.entries.len() == self.entries.capacity()
    }
}

/// `clone_from`, which a resync uses, keeps the allocation if the sizes agree and the old entries
/// may be dropped at once. It leaves no marks.
impl<K: Clone, V: Clone> Clone for Table<K, V> {
    fn clone(&self) -> Self {
        Self {
            entries: self.entries.clone(),
            revision: self.revision,
            marks: Marks::default(),
            garbage: self.garbage.as_ref().map(|_| Garbage::default()),
        }
    }

    fn clone_from(&mut self, source: &Self) {
        self.forget_marks();
        self.revision = source.revision;
        match &mut self.garbage {
            Some(garbage) if Self::DROPS => {
                let entries = source.entries.clone();
                garbage.put_table(mem::replace(&mut self.entries, entries));
            }
            _ => self.entries.clone_from(&source.entries),
        }
    }
}

impl<K, V> fmt::Debug for Table<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl<H> fmt::Debug for Extras<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extras").finish_non_exhaustive()
    }
}
