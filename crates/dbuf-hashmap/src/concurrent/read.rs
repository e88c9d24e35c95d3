//! Snapshots and lookups.

use core::hash::{BuildHasher, Hash};

use dbuf_core::Strategy;
use equivalent::Equivalent;

use crate::concurrent::ConcurrentHashMap;
use crate::entry_ref::Ref;
use crate::shared::SharedReader;
use crate::snapshot::Snapshot;

impl<K, V, H, S: Strategy> ConcurrentHashMap<K, V, H, S> {
    /// Returns a snapshot of the map as it is published now.
    ///
    /// A snapshot does not change while it lives, so several lookups and an iteration under it see
    /// one state. Hold it briefly: see [guards and writes](Self#guards-and-writes).
    ///
    /// Never waits for a writer. Costs a thread-local lookup more than
    /// [`Reader::read`](crate::Reader::read). Allocates on the first read of a thread, and while
    /// another guard of that thread lives.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1), ("b", 2)]);
    /// let snapshot = map.read();
    /// assert_eq!(snapshot.values().sum::<i32>(), 3);
    /// assert_eq!(snapshot["a"], 1);
    /// ```
    #[doc(alias = "pin")]
    #[doc(alias = "guard")]
    #[inline]
    pub fn read(&self) -> Snapshot<'_, K, V, H, S> {
        Snapshot::new(self.reader.read_any())
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.read().len()
    }

    /// Returns whether the map has no entries.
    pub fn is_empty(&self) -> bool {
        self.read().is_empty()
    }

    /// Returns how many entries the published copy can hold before it grows.
    pub fn capacity(&self) -> usize {
        self.read().capacity()
    }

    /// Returns the hasher.
    pub fn hasher(&self) -> &H {
        self.reader.extras().hasher()
    }

    /// Returns a handle that can only read. It keeps the entries alive, but not the writer. Costs two
    /// reference counts.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// let reader = map.reader();
    /// map.insert("b", 2);
    /// assert_eq!(reader.get("b").as_deref(), Some(&2));
    /// ```
    pub fn reader(&self) -> SharedReader<K, V, H, S> {
        SharedReader::new(self.reader.clone())
    }
}

impl<K, V, H: BuildHasher, S: Strategy> ConcurrentHashMap<K, V, H, S> {
    /// Returns a guard on one value, or `None`. Costs a [`read`](Self::read), a hash and a lookup.
    ///
    /// The guard dereferences to the value, and also has the [key](crate::Ref::key). It [may make
    /// writers wait](Self#guards-and-writes); [`get_cloned`](Self::get_cloned) and
    /// [`get_with`](Self::get_with) return no guard.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::<String, u32>::new();
    /// map.insert("a".to_owned(), 1);
    /// assert_eq!(map.get("a").as_deref(), Some(&1));
    /// assert!(map.get("b").is_none());
    /// ```
    #[doc(alias = "get_key_value")]
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Option<Ref<'_, K, V, H, S>>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        // Hash before taking the guard, so that no writer waits while this hashes.
        let hash = self.reader.extras().hash(key);
        Snapshot::value(self.reader.read_any(), hash, key)
    }

    /// Calls `f` with the value of a key and returns its result.
    ///
    /// This is the fastest lookup. It holds a guard while `f` runs.
    ///
    /// # Panics
    ///
    /// If `f` panics. The guard is released then.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", vec![1, 2])]);
    /// assert_eq!(map.get_with("a", |list| list.len()), Some(2));
    /// ```
    #[doc(alias = "view")]
    #[doc(alias = "read")]
    #[inline]
    pub fn get_with<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let hash = self.reader.extras().hash(key);
        self.reader
            .with(|table, _| table.get(hash, key).map(|(_, value)| f(value)))
    }

    /// Returns a clone of a value. Costs [`get_with`](Self::get_with) and the clone, which writers
    /// wait for.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.get_cloned("a"), Some(1));
    /// ```
    #[inline]
    pub fn get_cloned<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
        V: Clone,
    {
        self.get_with(key, V::clone)
    }

    /// Returns whether the map contains a key. Costs [`get_with`](Self::get_with).
    #[inline]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.get_with(key, |_| ()).is_some()
    }
}
