use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::ops::Index;
use std::hash::RandomState;

use equivalent::Equivalent;

use crate::iter::{Iter, Keys, Values};
use crate::table::{Extras, Table};

/// One state of a map, borrowed from a [guard](crate::Snapshot::as_map), from a
/// [batch](crate::Batch::as_map) with its pending changes, or from the writer [without a
/// guard](crate::Batch::published).
///
/// A copyable reference; its results live as long as what it was borrowed from.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::MapRef;
///
/// // Takes any state of a map, published or pending.
/// fn total(map: MapRef<'_, &str, u32>) -> u32 {
///     map.values().sum()
/// }
///
/// let (mut writer, reader) = dbuf_hashmap::new();
/// let mut batch = writer.write();
/// batch.extend([("a", 1), ("b", 2)]);
/// assert_eq!((total(batch.as_map()), total(batch.published())), (3, 0));
/// batch.publish();
/// assert_eq!(total(reader.read().as_map()), 3);
/// ```
pub struct MapRef<'a, K, V, H = RandomState> {
    table: &'a Table<K, V>,
    shared: &'a Extras<H>,
}

impl<'a, K, V, H> MapRef<'a, K, V, H> {
    #[inline]
    pub(crate) fn new(table: &'a Table<K, V>, shared: &'a Extras<H>) -> Self {
        Self { table, shared }
    }

    #[inline]
    pub(crate) fn table(&self) -> &'a Table<K, V> {
        self.table
    }

    /// See [`Snapshot::revision`](crate::Snapshot::revision).
    #[inline]
    pub fn revision(&self) -> u64 {
        self.table.revision()
    }

    /// Returns the number of entries.
    #[inline]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Returns whether the map has no entries.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many entries this copy can hold before it grows.
    pub fn capacity(&self) -> usize {
        self.table.capacity()
    }

    /// Returns the hasher.
    pub fn hasher(&self) -> &'a H {
        self.shared.hasher()
    }

    /// Iterates over all entries, in arbitrary order; see
    /// [`Snapshot::iter`](crate::Snapshot::iter).
    pub fn iter(&self) -> Iter<'a, K, V> {
        Iter(self.table.iter())
    }

    #[cfg(feature = "rayon")]
    pub(crate) fn par_entries(&self) -> hashbrown::hash_table::rayon::ParIter<'a, (K, V)>
    where
        K: Sync,
        V: Sync,
    {
        self.table.par_iter()
    }

    /// Iterates over all keys, in arbitrary order.
    pub fn keys(&self) -> Keys<'a, K, V> {
        Keys(self.iter())
    }

    /// Iterates over all values, in arbitrary order.
    pub fn values(&self) -> Values<'a, K, V> {
        Values(self.iter())
    }
}

impl<'a, K, V, H: BuildHasher> MapRef<'a, K, V, H> {
    /// Returns the value of a key, for as long as the borrow lasts.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert_eq!(writer.published().get("a"), Some(&1));
    /// ```
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Option<&'a V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let hash = self.shared.hash(key);
        self.table.get(hash, key).map(|(_, value)| value)
    }

    /// Returns the stored key and its value.
    #[inline]
    pub fn get_key_value<Q>(&self, key: &Q) -> Option<(&'a K, &'a V)>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let hash = self.shared.hash(key);
        self.table.get(hash, key).map(|(key, value)| (key, value))
    }

    /// Returns whether the map contains a key.
    #[inline]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.get(key).is_some()
    }
}

impl<K, V, H> Copy for MapRef<'_, K, V, H> {}

impl<K, V, H> Clone for MapRef<'_, K, V, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: fmt::Debug, V: fmt::Debug, H> fmt::Debug for MapRef<'_, K, V, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Compares the entries, in any order and with any hashers.
impl<K: Hash + Eq, V: PartialEq, H: BuildHasher, I: BuildHasher> PartialEq<MapRef<'_, K, V, I>>
    for MapRef<'_, K, V, H>
{
    fn eq(&self, other: &MapRef<'_, K, V, I>) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .all(|(key, value)| other.get(key).is_some_and(|v| value == v))
    }
}

impl<K: Hash + Eq, V: Eq, H: BuildHasher> Eq for MapRef<'_, K, V, H> {}

/// Returns the value of a key. Panics if the key is not there.
impl<K, V, H: BuildHasher, Q: Hash + Equivalent<K> + ?Sized> Index<&Q> for MapRef<'_, K, V, H> {
    type Output = V;

    #[track_caller]
    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("no entry for this key")
    }
}

impl<'a, K, V, H> IntoIterator for MapRef<'a, K, V, H> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}
