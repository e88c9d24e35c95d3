use alloc::vec::Vec;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::mem;
use core::panic::RefUnwindSafe;
use core::sync::atomic::{AtomicUsize, Ordering};

use equivalent::Equivalent;
use hashbrown::hash_table::{self, Entry};
use hashbrown::{HashTable, TryReserveError};

use crate::garbage::{Drops, Garbage};
use crate::marks::{Mark, Marks};
use crate::op::Patch;

/// What both copies share.
pub struct Extras<H> {
    hasher: H,
    /// How many buckets the copy that changed last has, so that the other one
    /// grows once where it grew step by step. Written and read by the writer
    /// alone; atomic because readers hold a reference to all of this.
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

/// One copy of the map. A bucket is where an entry is, until the next change.
pub struct Table<K, V> {
    entries: HashTable<(K, V)>,
    /// The caller's own number for this state.
    revision: u64,
    /// Of the open batch; empty in the copy that readers see.
    marks: Marks<K>,
    /// Where what leaves the copy goes, if it must not be dropped on the spot.
    garbage: Option<Garbage<K, V>>,
}

/// Every destructor runs, whichever panics.
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

// Through a reference one gets at keys and values only; the rest is the writer's.
impl<K: RefUnwindSafe, V: RefUnwindSafe> RefUnwindSafe for Table<K, V> {}

impl<K, V> Table<K, V> {
    /// `defers_drops`: whether somebody takes what leaves the table, to drop it later.
    pub(crate) fn new(capacity: usize, defers_drops: bool) -> Self {
        Self {
            entries: HashTable::with_capacity(capacity),
            revision: 0,
            marks: Marks::default(),
            garbage: defers_drops.then(Garbage::default),
        }
    }

    /// Whether there is anything to drop at all.
    const DROPS: bool = mem::needs_drop::<(K, V)>();

    /// Returns what left the table since the last time.
    pub(crate) fn take_garbage(&mut self) -> Garbage<K, V> {
        self.garbage.as_mut().map(Garbage::take).unwrap_or_default()
    }

    /// Returns whether keys and values that leave the table are dropped later.
    #[inline]
    pub(crate) fn defers_drops(&self) -> bool {
        Self::DROPS && self.garbage.is_some()
    }

    /// Returns whether anything waits to be dropped.
    #[inline]
    pub(crate) fn has_garbage(&self) -> bool {
        self.garbage
            .as_ref()
            .is_some_and(|garbage| !garbage.is_empty())
    }

    /// Drops a key and a value, now or later.
    #[inline]
    pub(crate) fn retire(&mut self, key: Option<K>, value: Option<V>) {
        retire(&mut self.garbage, key, value);
    }

    /// Drops what a user's change owns, now or later.
    pub(crate) fn retire_patch(&mut self, patch: Patch<V>) {
        if let Some(garbage) = &mut self.garbage {
            garbage.put_patch(patch);
        }
    }

    /// Drops a whole copy that readers had, and what had left it before, now or later.
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

    /// The bucket of a key.
    pub(crate) fn find<Q>(&self, hash: u64, key: &Q) -> Option<usize>
    where
        Q: Equivalent<K> + ?Sized,
    {
        self.entries
            .find_bucket_index(hash, |(k, _)| key.equivalent(k))
    }

    /// How many buckets there are, occupied or not.
    pub(crate) fn buckets(&self) -> usize {
        self.entries.num_buckets()
    }

    /// The entry in a bucket, if it is occupied.
    pub(crate) fn get_at(&self, bucket: usize) -> Option<&(K, V)> {
        self.entries.get_bucket(bucket)
    }

    pub(crate) fn at(&self, bucket: usize) -> &(K, V) {
        self.entries.get_bucket(bucket).expect(OCCUPIED)
    }

    pub(crate) fn at_mut(&mut self, bucket: usize) -> &mut (K, V) {
        self.entries.get_bucket_mut(bucket).expect(OCCUPIED)
    }

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

    /// Removes what `keep` refuses, and hands the keys over, one by one.
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

    /// Gives all entries away, and keeps as much room as there was: as many buckets. (The
    /// capacity is less where entries were removed.)
    pub(crate) fn take(&mut self) -> HashTable<(K, V)> {
        let empty = HashTable::with_capacity(room(self.entries.num_buckets()));
        mem::replace(&mut self.entries, empty)
    }
}

/// How many entries fit into that many buckets.
fn room(buckets: usize) -> usize {
    match buckets {
        0..8 => buckets.saturating_sub(1),
        _ => buckets / 8 * 7,
    }
}

#[inline]
fn retire<K, V>(garbage: &mut Option<Garbage<K, V>>, key: Option<K>, value: Option<V>) {
    if let Some(garbage) = garbage.as_mut().filter(|_| Table::<K, V>::DROPS) {
        garbage.put(key, value);
    }
}

/// What was lent.
impl<K: Eq, V> Table<K, V> {
    /// Marks the key in a bucket, and lends its value. A key that is `owned` saves a
    /// clone.
    pub(crate) fn lend(&mut self, hash: u64, bucket: usize, owned: Option<K>) -> &mut V
    where
        K: Clone,
    {
        let (key, value) = self.entries.get_bucket_mut(bucket).expect(OCCUPIED);
        let owned = self.marks.mark(hash, bucket, key, owned);
        retire(&mut self.garbage, owned, None);
        value
    }

    /// All entries, and what to mark those with that are lent.
    pub(crate) fn lend_all(&mut self) -> (hash_table::IterMut<'_, (K, V)>, &mut Marks<K>) {
        (self.entries.iter_mut(), &mut self.marks)
    }

    #[inline]
    pub(crate) fn is_marked(&self, hash: u64, key: &K) -> bool {
        self.marks.contains(hash, key)
    }

    /// How many keys are marked.
    #[inline]
    pub(crate) fn marks(&self) -> usize {
        self.marks.len()
    }

    /// The bucket and the value of the last key that was marked, if the key is there.
    #[inline]
    pub(crate) fn last_mark(&self) -> Option<(usize, &V)> {
        let mark = self.marks.last()?;
        let is = |entry: &&(K, V)| entry.0 == mark.key;
        if let Some(entry) = self.entries.get_bucket(mark.bucket).filter(is) {
            return Some((mark.bucket, &entry.1));
        }
        let bucket = self.find(mark.hash, &mark.key)?;
        Some((bucket, &self.at(bucket).1))
    }
}

impl<K, V> Table<K, V> {
    pub(crate) fn pop_mark(&mut self) -> Option<Mark<K>> {
        self.marks.pop()
    }

    pub(crate) fn take_marks(&mut self) -> Vec<Mark<K>> {
        self.marks.take()
    }

    pub(crate) fn reset_marks(&mut self) {
        self.marks.reset();
    }

    /// Lets no key be marked. The log need not learn of what was lent so far.
    pub(crate) fn forget_marks(&mut self) {
        while let Some(mark) = self.marks.pop() {
            self.retire(Some(mark.key), None);
        }
        self.marks.reset();
    }
}

const OCCUPIED: &str = "a bucket that was just found is occupied";

impl<K: Hash, V> Table<K, V> {
    /// The entry of a key, for the copy that changes first. The hasher is asked
    /// only if the table has to grow.
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

    /// Gives a key a value, whether it is there or not.
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

    /// Makes a key what it is in the front.
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

    /// Adds a key that is not there, on the copy that is behind.
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

    /// Gives a key a value, on the copy that is behind. The key is in the same bucket
    /// as in the other copy, unless it is new or the two have grown differently.
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

    #[inline]
    fn is_full(&self) -> bool {
        self.entries.len() == self.entries.capacity()
    }

    /// Makes room. The number of buckets, if it changed.
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

    /// Makes room if there is memory for it. Returns how many buckets the other copy needs, if
    /// it has too few: `other` is its capacity and its number of buckets.
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

    /// Gives back what room is not needed. The number of buckets, if it changed.
    pub(crate) fn shrink<H: BuildHasher>(&mut self, shared: &Extras<H>) -> Option<usize> {
        self.resize(shared, |table| table.shrink_to_fit(|(k, _)| shared.hash(k)))
    }

    /// Gives back the room beyond `capacity` that is not needed.
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

    /// Grows to as many buckets as the other copy has, if there is memory for it: nothing
    /// needs the room yet.
    #[cold]
    pub(crate) fn grow_to<H: BuildHasher>(&mut self, buckets: usize, shared: &Extras<H>) {
        if self.entries.num_buckets() < buckets {
            // As many entries as fit into that many buckets and not into half.
            let entries = buckets - buckets / 4;
            let additional = entries.saturating_sub(self.len());
            _ = self
                .entries
                .try_reserve(additional, |(k, _)| shared.hash(k));
        }
    }
}

/// `clone_from`, which a resync uses, keeps the allocation where the sizes agree
/// and what it replaces may be dropped on the spot. Nothing is marked then.
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
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
