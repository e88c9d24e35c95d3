use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::mem;
use core::sync::atomic::{AtomicUsize, Ordering};

use equivalent::Equivalent;
use hashbrown::HashTable;
use hashbrown::hash_table::{self, Entry};

/// What both copies share.
pub struct Shared<H> {
    hasher: H,
    /// How many buckets the copy that changed last has, so that the other one
    /// grows once where it grew step by step. Written and read by the writer
    /// alone; atomic because readers hold a reference to all of this.
    buckets: AtomicUsize,
}

impl<H> Shared<H> {
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

/// One copy of the map. A place is where an entry stands, until the next change.
pub struct Table<K, V> {
    entries: HashTable<(K, V)>,
    /// Where what leaves the copy goes, if it must not be dropped on the spot.
    dead: Option<Dead<K, V>>,
}

impl<K, V> Table<K, V> {
    /// `keep_dead`: whether somebody will come for what leaves the table.
    pub(crate) fn new(capacity: usize, keep_dead: bool) -> Self {
        Self {
            entries: HashTable::with_capacity(capacity),
            dead: (keep_dead && Self::DROPS).then(Dead::default),
        }
    }

    /// Whether there is anything to drop at all.
    const DROPS: bool = mem::needs_drop::<(K, V)>();

    /// What left the table since the last time.
    pub(crate) fn take_dead(&mut self) -> Dead<K, V> {
        self.dead.as_mut().map(mem::take).unwrap_or_default()
    }

    /// Whether what leaves the table waits for somebody to come.
    #[inline]
    pub(crate) fn keeps_dead(&self) -> bool {
        Self::DROPS && self.dead.is_some()
    }

    /// Takes what is of no use any more.
    pub(crate) fn bury(&mut self, key: Option<K>, value: Option<V>) {
        Dead::bury(&mut self.dead, key, value);
    }

    /// Whether something did.
    #[inline]
    pub(crate) fn has_dead(&self) -> bool {
        Self::DROPS && self.dead.as_ref().is_some_and(|dead| dead.0.is_some())
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

    /// The place of a key.
    pub(crate) fn find<Q>(&self, hash: u64, key: &Q) -> Option<usize>
    where
        Q: Equivalent<K> + ?Sized,
    {
        self.entries
            .find_bucket_index(hash, |(k, _)| key.equivalent(k))
    }

    pub(crate) fn at(&self, place: usize) -> &(K, V) {
        self.entries.get_bucket(place).expect(OCCUPIED)
    }

    pub(crate) fn at_mut(&mut self, place: usize) -> &mut (K, V) {
        self.entries.get_bucket_mut(place).expect(OCCUPIED)
    }

    /// Replaces the value of a key that was at this place of the other copy: it is
    /// at the same one, unless the two have grown differently.
    #[inline]
    pub(crate) fn follow_replace(&mut self, place: usize, hash: u64, key: K, value: V)
    where
        K: Eq,
    {
        match self.entries.get_bucket_entry(place) {
            Ok(mut entry) if entry.get().0 == key => {
                let old = mem::replace(&mut entry.get_mut().1, value);
                Dead::bury(&mut self.dead, Some(key), Some(old));
            }
            _ => {
                if let Some((_, old)) = self.entries.find_mut(hash, |(k, _)| *k == key) {
                    let old = mem::replace(old, value);
                    Dead::bury(&mut self.dead, Some(key), Some(old));
                }
            }
        }
    }

    pub(crate) fn remove_at(&mut self, place: usize) -> (K, V) {
        match self.entries.get_bucket_entry(place) {
            Ok(entry) => entry.remove().0,
            Err(_) => unreachable!("{OCCUPIED}"),
        }
    }

    pub(crate) fn remove(&mut self, hash: u64, key: K)
    where
        K: Eq,
    {
        if let Ok(entry) = self.entries.find_entry(hash, |(k, _)| *k == key) {
            let (old, value) = entry.remove().0;
            Dead::bury(&mut self.dead, Some(old), Some(value));
            Dead::bury(&mut self.dead, Some(key), None);
        }
    }

    /// Removes what `keep` refuses, and hands the keys over, one by one.
    pub(crate) fn extract(
        &mut self,
        mut keep: impl FnMut(&K, &V) -> bool,
    ) -> impl Iterator<Item = K> {
        let Self { entries, dead } = self;
        entries
            .extract_if(move |(k, v)| !keep(k, v))
            .map(|(key, value)| {
                Dead::bury(dead, None, Some(value));
                key
            })
    }

    pub(crate) fn retain_mut(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        match &mut self.dead {
            None => self.entries.retain(|(k, v)| keep(k, v)),
            Some(dead) => {
                for (key, value) in self.entries.extract_if(|(k, v)| !keep(k, v)) {
                    let buried = dead.buried();
                    buried.keys.push(key);
                    buried.values.push(value);
                }
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        if self.dead.is_none() {
            self.entries.clear();
            return;
        }
        let entries = self.take();
        if let Some(dead) = &mut self.dead {
            dead.buried().tables.push(entries);
        }
    }

    /// Gives all entries away, and keeps as much room as there was.
    pub(crate) fn take(&mut self) -> HashTable<(K, V)> {
        let empty = HashTable::with_capacity(self.entries.capacity());
        mem::replace(&mut self.entries, empty)
    }
}

const OCCUPIED: &str = "a place that was just found is occupied";

impl<K: Hash, V> Table<K, V> {
    /// The place of a key, for the copy that changes first. The hasher is asked
    /// only if the table has to grow.
    #[inline]
    pub(crate) fn entry<H: BuildHasher>(
        &mut self,
        hash: u64,
        key: &K,
        shared: &Shared<H>,
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

    /// Adds a key that is not there, and returns its place.
    pub(crate) fn insert_new<H: BuildHasher>(
        &mut self,
        hash: u64,
        key: K,
        value: V,
        shared: &Shared<H>,
    ) -> usize {
        if self.is_full() {
            self.reserve(1, shared);
        }
        self.entries
            .insert_unique(hash, (key, value), |(k, _)| shared.hash(k))
            .bucket_index()
    }

    /// Adds a key that is not there, on the copy that follows.
    #[inline]
    pub(crate) fn follow_insert<H: BuildHasher>(
        &mut self,
        hash: u64,
        key: K,
        value: V,
        shared: &Shared<H>,
    ) {
        if self.is_full() {
            self.follow(shared.buckets.load(Ordering::Relaxed), shared);
        }
        self.entries
            .insert_unique(hash, (key, value), |(k, _)| shared.hash(k));
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
        shared: &Shared<H>,
    ) -> Option<usize> {
        self.resize(shared, |table| {
            table.reserve(additional, |(k, _)| shared.hash(k));
        })
    }

    /// Gives back what room is not needed. The number of buckets, if it changed.
    pub(crate) fn shrink<H: BuildHasher>(&mut self, shared: &Shared<H>) -> Option<usize> {
        self.resize(shared, |table| table.shrink_to_fit(|(k, _)| shared.hash(k)))
    }

    fn resize<H>(
        &mut self,
        shared: &Shared<H>,
        f: impl FnOnce(&mut HashTable<(K, V)>),
    ) -> Option<usize> {
        let before = self.entries.num_buckets();
        f(&mut self.entries);
        let buckets = self.entries.num_buckets();
        shared.buckets.store(buckets, Ordering::Relaxed);
        (buckets != before).then_some(buckets)
    }

    /// Grows to as many buckets as the other copy has.
    #[cold]
    pub(crate) fn follow<H: BuildHasher>(&mut self, buckets: usize, shared: &Shared<H>) {
        if self.entries.num_buckets() < buckets {
            // So many entries fit into that many buckets and not into half.
            let entries = buckets - buckets / 4;
            let additional = entries.saturating_sub(self.len());
            self.entries.reserve(additional, |(k, _)| shared.hash(k));
        }
    }
}

/// `clone_from`, which a resync uses, keeps the allocation where the sizes agree
/// and what it replaces may be dropped on the spot.
impl<K: Clone, V: Clone> Clone for Table<K, V> {
    fn clone(&self) -> Self {
        Self {
            entries: self.entries.clone(),
            dead: self.dead.as_ref().map(|_| Dead::default()),
        }
    }

    fn clone_from(&mut self, source: &Self) {
        match &mut self.dead {
            None => self.entries.clone_from(&source.entries),
            Some(dead) => {
                let entries = source.entries.clone();
                dead.buried()
                    .tables
                    .push(mem::replace(&mut self.entries, entries));
            }
        }
    }
}

/// Keys and values that left a copy, to be dropped when no lock is held: their
/// destructors may use the map.
pub(crate) struct Dead<K, V>(Option<Box<Buried<K, V>>>);

struct Buried<K, V> {
    keys: Vec<K>,
    values: Vec<V>,
    tables: Vec<HashTable<(K, V)>>,
}

impl<K, V> Default for Dead<K, V> {
    fn default() -> Self {
        Self(None)
    }
}

impl<K, V> Dead<K, V> {
    fn buried(&mut self) -> &mut Buried<K, V> {
        self.0.get_or_insert_with(|| {
            Box::new(Buried {
                keys: Vec::new(),
                values: Vec::new(),
                tables: Vec::new(),
            })
        })
    }

    /// Moves a key and a value there, or drops them.
    #[inline]
    fn bury(this: &mut Option<Self>, key: Option<K>, value: Option<V>) {
        if let Some(dead) = this.as_mut().filter(|_| Table::<K, V>::DROPS) {
            dead.push(key, value);
        }
    }

    /// Takes what is of no use any more.
    pub(crate) fn push(&mut self, key: Option<K>, value: Option<V>) {
        let buried = self.buried();
        buried.keys.extend(key);
        buried.values.extend(value);
    }

    /// Moves the other's here.
    pub(crate) fn append(&mut self, other: Self) {
        match (&mut self.0, other.0) {
            (_, None) => {}
            (mine @ None, theirs) => *mine = theirs,
            (Some(mine), Some(mut theirs)) => {
                mine.keys.append(&mut theirs.keys);
                mine.values.append(&mut theirs.values);
                mine.tables.append(&mut theirs.tables);
            }
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

impl<H> fmt::Debug for Shared<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
