use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::ops::Index;
use std::hash::RandomState;

use equivalent::Equivalent;

use crate::table::{Extras, Table};
use crate::{Iter, Keys, Values};

/// One state of a map, borrowed: from a [guard](crate::Snapshot::as_map), from a
/// [batch](crate::Batch::as_map) with its pending changes, or
/// [without a guard](crate::Batch::published) from the writer.
///
/// A copyable reference; what it returns lives as long as what it was borrowed
/// from.
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

    /// The number that the last batch gave it
    /// ([`Batch::set_revision`](crate::Batch::set_revision)); 0 before.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new::<u32, u32>();
    /// writer.write().set_revision(17);
    /// assert_eq!(writer.published().revision(), 17);
    /// ```
    #[inline]
    pub fn revision(&self) -> u64 {
        self.table.revision()
    }

    /// How many entries there are.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert_eq!(writer.published().len(), 1);
    /// ```
    #[inline]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert!(!writer.published().is_empty());
    /// ```
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many entries this copy can hold before it grows.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert!(writer.published().capacity() >= 1);
    /// ```
    pub fn capacity(&self) -> usize {
        self.table.capacity()
    }

    /// The hasher.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::hash::BuildHasher;
    ///
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// let map = writer.published();
    /// assert_eq!(map.hasher().hash_one("a"), map.hasher().hash_one("a"));
    /// ```
    pub fn hasher(&self) -> &'a H {
        self.shared.hasher()
    }

    /// All entries, in arbitrary order (which may differ from one publish to the
    /// next although nothing changed).
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert_eq!(writer.published().iter().next(), Some((&"a", &1)));
    /// ```
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

    /// All keys, in arbitrary order.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert_eq!(writer.published().keys().next(), Some(&"a"));
    /// ```
    pub fn keys(&self) -> Keys<'a, K, V> {
        Keys(self.iter())
    }

    /// All values, in arbitrary order.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert_eq!(writer.published().values().next(), Some(&1));
    /// ```
    pub fn values(&self) -> Values<'a, K, V> {
        Values(self.iter())
    }
}

impl<'a, K, V, H: BuildHasher> MapRef<'a, K, V, H> {
    /// The value of a key, for as long as what the reference was borrowed from.
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

    /// The key as it is stored, and its value.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert_eq!(writer.published().get_key_value("a"), Some((&"a", &1)));
    /// ```
    #[inline]
    pub fn get_key_value<Q>(&self, key: &Q) -> Option<(&'a K, &'a V)>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let hash = self.shared.hash(key);
        self.table.get(hash, key).map(|(key, value)| (key, value))
    }

    /// Whether a key is there.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert!(writer.published().contains_key("a"));
    /// ```
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

/// Equal entries, in whatever order and by whatever hasher.
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

/// The value of a key. Panics if it is not there.
impl<K, V, H: BuildHasher, Q: Hash + Equivalent<K> + ?Sized> Index<&Q> for MapRef<'_, K, V, H> {
    type Output = V;

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
