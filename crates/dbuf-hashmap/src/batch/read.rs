//! Reads of a batch: with its own changes, or as published.

use core::hash::Hash;
use core::ops::Index;

use equivalent::Equivalent;

use crate::batch::Batch;
use crate::iter::{Iter, Keys, Values};
use crate::map_ref::MapRef;
use crate::owner::Owner;

impl<W: Owner> Batch<W> {
    /// Returns the map with the changes of this batch.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// assert_eq!(batch.as_map().values().sum::<i32>(), 1);
    /// ```
    pub fn as_map(&self) -> MapRef<'_, W::Key, W::Value, W::Hasher> {
        MapRef::new(self.table(), self.inner.extras())
    }

    /// Returns the map that readers see, without a guard.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// assert!(batch.published().is_empty());
    /// ```
    pub fn published(&self) -> MapRef<'_, W::Key, W::Value, W::Hasher> {
        MapRef::new(self.inner.published(), self.inner.extras())
    }

    /// Returns the value of a key.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new::<String, u32>();
    /// let mut batch = writer.write();
    /// batch.insert("a".to_owned(), 1);
    /// assert_eq!(batch.get("a"), Some(&1));
    /// ```
    pub fn get<Q>(&self, key: &Q) -> Option<&W::Value>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.as_map().get(key)
    }

    /// Returns the stored key and its value.
    pub fn get_key_value<Q>(&self, key: &Q) -> Option<(&W::Key, &W::Value)>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.as_map().get_key_value(key)
    }

    /// Returns whether the map contains a key.
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.as_map().contains_key(key)
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.as_map().len()
    }

    /// Returns whether the map has no entries.
    pub fn is_empty(&self) -> bool {
        self.as_map().is_empty()
    }

    /// Iterates over all entries, in arbitrary order.
    pub fn iter(&self) -> Iter<'_, W::Key, W::Value> {
        self.as_map().iter()
    }

    /// Iterates over all keys, in arbitrary order.
    pub fn keys(&self) -> Keys<'_, W::Key, W::Value> {
        self.as_map().keys()
    }

    /// Iterates over all values, in arbitrary order.
    pub fn values(&self) -> Values<'_, W::Key, W::Value> {
        self.as_map().values()
    }

    /// Returns how many entries this copy can hold before it grows.
    pub fn capacity(&self) -> usize {
        self.as_map().capacity()
    }
}

/// Returns the value of a key. Panics if the key is not there.
impl<W: Owner, Q: Hash + Equivalent<W::Key> + ?Sized> Index<&Q> for Batch<W> {
    type Output = W::Value;

    #[track_caller]
    fn index(&self, key: &Q) -> &W::Value {
        self.get(key).expect("no entry for this key")
    }
}

impl<'b, W: Owner> IntoIterator for &'b Batch<W> {
    type Item = (&'b W::Key, &'b W::Value);
    type IntoIter = Iter<'b, W::Key, W::Value>;

    fn into_iter(self) -> Iter<'b, W::Key, W::Value> {
        self.iter()
    }
}
