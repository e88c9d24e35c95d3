//! Changes to values in place, by `&mut`. A batch marks the key before it lends the value, and
//! logs the value when it ends.

use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::iter::FusedIterator;

use equivalent::Equivalent;
use hashbrown::hash_table;

use super::{Batch, Entry};
use crate::owner::Owner;
use crate::table::Extras;
use crate::table::Marks;

impl<W: Owner> Batch<W> {
    /// Changes a value in place and returns the result of `f`, or `None` if the key is not there.
    ///
    /// `f` runs at most once. The other copy gets a clone of the value, even if it is unchanged:
    /// one for each key and batch, made when the batch ends. To change a value that is too large to
    /// clone, see [`change`](Self::change).
    ///
    /// # Panics
    ///
    /// If `f` panics; the batch is torn then and rolls back.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", vec![1]);
    /// let len = batch.update("a", |list| {
    ///     list.push(2);
    ///     list.len()
    /// });
    /// assert_eq!(len, Some(2));
    /// batch.publish();
    /// assert_eq!(reader.read()["a"], [1, 2]);
    /// ```
    pub fn update<Q, R>(&mut self, key: &Q, f: impl FnOnce(&mut W::Value) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        let (hash, bucket) = self.find(key);
        Some(self.update_at(hash, bucket?, None, f))
    }

    /// Changes the value in place and returns the result of `f` if the key is there; otherwise
    /// inserts `value` and returns `None`.
    ///
    /// # Panics
    ///
    /// If `f` panics; the batch is torn then and rolls back.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// for word in ["a", "b", "a"] {
    ///     batch.upsert(word, 1, |n| *n += 1);
    /// }
    /// assert_eq!((batch.get("a"), batch.get("b")), (Some(&2), Some(&1)));
    /// ```
    pub fn upsert<R>(
        &mut self,
        key: W::Key,
        value: W::Value,
        f: impl FnOnce(&mut W::Value) -> R,
    ) -> Option<R> {
        match self.find(&key) {
            (hash, Some(bucket)) => {
                self.retire(None, Some(value));
                Some(self.update_at(hash, bucket, Some(key), f))
            }
            (hash, None) => {
                self.insert_new(hash, key, value);
                None
            }
        }
    }

    /// Like [`upsert`](Self::upsert), but makes the value only if the key is not there.
    ///
    /// # Panics
    ///
    /// If `make` panics, before anything is changed, and if `f` panics; the batch is torn then and
    /// rolls back.
    pub fn upsert_with<R>(
        &mut self,
        key: W::Key,
        make: impl FnOnce() -> W::Value,
        f: impl FnOnce(&mut W::Value) -> R,
    ) -> Option<R> {
        match self.find(&key) {
            (hash, Some(bucket)) => Some(self.update_at(hash, bucket, Some(key), f)),
            (hash, None) => {
                self.insert_new(hash, key, make());
                None
            }
        }
    }

    /// Returns the value of a key for changes in place.
    ///
    /// The other copy gets a clone of it, even if it is unchanged: one for each key and batch, made
    /// when the batch ends. A caught panic in code that changes the value does not tear the batch,
    /// which then publishes the value as it is. [`update`](Self::update) rolls back instead.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// if let Some(n) = batch.get_mut("a") {
    ///     *n += 1;
    /// }
    /// batch.publish();
    /// assert_eq!(reader.read()["a"], 2);
    /// ```
    pub fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut W::Value>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        let (hash, bucket) = self.find(key);
        Some(self.lend_at(hash, bucket?, None))
    }

    /// Returns the entry of a key, for reading and changing it with one lookup, as in std's maps.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new::<&str, u32>();
    /// let mut batch = writer.write();
    /// for word in ["a", "b", "a"] {
    ///     *batch.entry(word).or_insert(0) += 1;
    /// }
    /// batch.publish();
    /// assert_eq!((reader.read()["a"], reader.read()["b"]), (2, 1));
    /// ```
    pub fn entry(&mut self, key: W::Key) -> Entry<'_, W> {
        Entry::new(self, key)
    }

    /// Returns the entry of a key by a borrowed form of it. If the key is not there, it is made at
    /// once by `From`, which must keep it equal, even if no value is inserted.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new::<String, u32>();
    /// let mut batch = writer.write();
    /// for word in ["a", "b", "a"] {
    ///     *batch.entry_ref(word).or_insert(0) += 1; // allocates two keys
    /// }
    /// batch.publish();
    /// assert_eq!((reader.read()["a"], reader.read()["b"]), (2, 1));
    /// ```
    pub fn entry_ref<'q, Q>(&mut self, key: &'q Q) -> Entry<'_, W>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
        W::Key: From<&'q Q>,
    {
        Entry::by_ref(self, key)
    }

    /// Iterates over all entries, in arbitrary order, with values for changes in place.
    ///
    /// The other copy gets a clone of each value that the iterator returned, made when the batch
    /// ends. Hashes and clones each of those keys.
    ///
    /// # Panics
    ///
    /// The iterator panics if `Hash` or `Clone` of a key does, before it lends the value.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.extend([("a", 1), ("b", 2)]);
    /// for (_, n) in batch.iter_mut() {
    ///     *n *= 10;
    /// }
    /// batch.publish();
    /// assert_eq!((reader.read()["a"], reader.read()["b"]), (10, 20));
    /// ```
    pub fn iter_mut(&mut self) -> IterMut<'_, W::Key, W::Value, W::Hasher> {
        self.inner.lend(
            |table, shared| {
                let (entries, marks) = table.lend_all();
                IterMut {
                    entries,
                    marks,
                    shared,
                }
            },
            |iter| iter,
        )
    }

    /// Iterates over all values, in arbitrary order, for changes in place; see
    /// [`iter_mut`](Self::iter_mut).
    pub fn values_mut(&mut self) -> ValuesMut<'_, W::Key, W::Value, W::Hasher> {
        ValuesMut(self.iter_mut())
    }

    /// Lends the value in a bucket. An `owned` key saves a clone.
    pub(super) fn lend_at(
        &mut self,
        hash: u64,
        bucket: usize,
        owned: Option<W::Key>,
    ) -> &mut W::Value {
        self.inner
            .lend(|table, _| table.lend(hash, bucket, owned), |value| value)
    }

    /// Changes the value in a bucket. An `owned` key saves a clone.
    pub(super) fn update_at<R>(
        &mut self,
        hash: u64,
        bucket: usize,
        owned: Option<W::Key>,
        f: impl FnOnce(&mut W::Value) -> R,
    ) -> R {
        self.inner
            .lend(|table, _| table.lend(hash, bucket, owned), f)
    }

    /// Adds a key that is not there, and lends its value.
    pub(super) fn lend_new(&mut self, hash: u64, key: W::Key, value: W::Value) -> &mut W::Value {
        self.inner.lend(
            |table, shared| {
                let logged = key.clone();
                let bucket = table.insert_new(hash, key, value, shared);
                table.lend(hash, bucket, Some(logged))
            },
            |value| value,
        )
    }
}

/// Iterates over all entries with values for changes in place, from [`Batch::iter_mut`].
pub struct IterMut<'b, K, V, H = std::hash::RandomState> {
    entries: hash_table::IterMut<'b, (K, V)>,
    marks: &'b mut Marks<K>,
    shared: &'b Extras<H>,
}

impl<'b, K: Hash + Eq + Clone, V, H: BuildHasher> Iterator for IterMut<'b, K, V, H> {
    type Item = (&'b K, &'b mut V);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, value) = self.entries.next()?;
        // The iterator does not return the bucket, so the mark names one that does not exist.
        let hash = self.shared.hash(key);
        self.marks.mark(hash, usize::MAX, key, None);
        Some((key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl<K: Hash + Eq + Clone, V, H: BuildHasher> ExactSizeIterator for IterMut<'_, K, V, H> {}

impl<K: Hash + Eq + Clone, V, H: BuildHasher> FusedIterator for IterMut<'_, K, V, H> {}

impl<K, V, H> fmt::Debug for IterMut<'_, K, V, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterMut")
            .field("left", &self.entries.len())
            .finish_non_exhaustive()
    }
}

/// Iterates over all values for changes in place, from [`Batch::values_mut`].
#[derive(Debug)]
pub struct ValuesMut<'b, K, V, H = std::hash::RandomState>(IterMut<'b, K, V, H>);

impl<'b, K: Hash + Eq + Clone, V, H: BuildHasher> Iterator for ValuesMut<'b, K, V, H> {
    type Item = &'b mut V;

    fn next(&mut self) -> Option<&'b mut V> {
        self.0.next().map(|(_, value)| value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<K: Hash + Eq + Clone, V, H: BuildHasher> ExactSizeIterator for ValuesMut<'_, K, V, H> {}

impl<K: Hash + Eq + Clone, V, H: BuildHasher> FusedIterator for ValuesMut<'_, K, V, H> {}
