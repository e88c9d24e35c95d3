//! More methods for readers of a map of bags.

use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use dbuf_core::Strategy;
use dbuf_strategies::DefaultStrategy;
use equivalent::Equivalent;

use super::Bag;
use crate::entry_ref::Ref;
use crate::map_ref::MapRef;
use crate::mapped_ref::MappedRef;

/// A handle that reads a multi-map.
pub type Reader<K, V, H = RandomState, S = DefaultStrategy> = crate::Reader<K, Bag<V>, H, S>;

/// A guard on one published state of a multi-map.
pub type Snapshot<'r, K, V, H = RandomState, S = DefaultStrategy> =
    crate::Snapshot<'r, K, Bag<V>, H, S>;

/// One state of a multi-map, borrowed.
pub type MultiMapRef<'a, K, V, H = RandomState> = MapRef<'a, K, Bag<V>, H>;

/// Methods for a multi-map.
impl<K, V, H: BuildHasher, S: Strategy> crate::Reader<K, Bag<V>, H, S> {
    /// Returns a guard on one of a key's values.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::multimap::new();
    /// writer.write().insert("a", 1);
    /// assert_eq!(reader.get_one("a").as_deref(), Some(&1));
    /// assert!(reader.get_one("b").is_none());
    /// ```
    #[inline]
    pub fn get_one<Q>(&self, key: &Q) -> Option<MappedRef<'_, V, K, Bag<V>, H, S>>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        Ref::try_map(self.get(key)?, |bag| bag.first()).ok()
    }
}

/// Methods for a multi-map.
impl<K, V, H, S: Strategy> crate::Snapshot<'_, K, Bag<V>, H, S> {
    /// See [`MapRef::value_count`].
    pub fn value_count(&self) -> usize {
        self.as_map().value_count()
    }

    /// See [`MapRef::get_one`].
    pub fn get_one<Q>(&self, key: &Q) -> Option<&V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
        H: BuildHasher,
    {
        self.as_map().get_one(key)
    }

    /// See [`MapRef::contains_value`].
    pub fn contains_value<Q>(&self, key: &Q, value: &V) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
        V: PartialEq,
        H: BuildHasher,
    {
        self.as_map().contains_value(key, value)
    }
}

/// Methods for a multi-map.
impl<'a, K, V, H> MapRef<'a, K, Bag<V>, H> {
    /// Returns the number of values. Adds up all bags.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::multimap::new();
    /// writer.write().extend([("a", 1), ("a", 2)]);
    /// assert_eq!(writer.published().value_count(), 2);
    /// ```
    pub fn value_count(&self) -> usize {
        self.values().map(|bag| bag.len()).sum()
    }

    /// Returns one of a key's values.
    pub fn get_one<Q>(&self, key: &Q) -> Option<&'a V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
        H: BuildHasher,
    {
        self.get(key)?.first()
    }

    /// Returns whether a key has a value. Compares the values one by one.
    pub fn contains_value<Q>(&self, key: &Q, value: &V) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
        V: PartialEq,
        H: BuildHasher,
    {
        self.get(key).is_some_and(|bag| bag.contains(value))
    }
}
