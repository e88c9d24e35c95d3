//! Changes to values in place, by `&mut`. The key is marked before its value is lent, and
//! the value is logged when the batch ends.

use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::iter::FusedIterator;

use equivalent::Equivalent;
use hashbrown::hash_table;

use super::{Batch, Entry};
use crate::Owner;
use crate::marks::Marks;
use crate::table::Extras;

impl<W: Owner> Batch<W> {
    /// Changes a value in place and returns what `f` returns, or `None` if the
    /// key is not there.
    ///
    /// `f` runs at most once. The other copy gets a clone of the value, whether it changed
    /// or not: one for each key and batch, made when the batch ends. To change a value that
    /// is too large to be cloned, see [`change`](Self::change).
    ///
    /// # Panics
    ///
    /// With `f`; the batch is torn then and rolls back.
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

    /// Changes the value in place if the key is there, and returns what `f` returns; inserts
    /// `value` if not, and returns `None`.
    ///
    /// # Panics
    ///
    /// With `f`; the batch is torn then and rolls back.
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

    /// As [`upsert`](Self::upsert), with a value that is made only if the key is not there.
    ///
    /// # Panics
    ///
    /// With `make`, before anything changed, and with `f`; the batch is torn then and rolls
    /// back.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// for n in [1, 2] {
    ///     batch.upsert_with("a", || vec![n], |list| list.push(n));
    /// }
    /// assert_eq!(batch.get("a"), Some(&vec![1, 2]));
    /// ```
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

    /// The value of a key, to be changed.
    ///
    /// The other copy gets a clone of it, whether it changed or not: one for each key and
    /// batch, made when the batch ends. A panic of code that changes it, if it is caught,
    /// tears nothing: the batch publishes the value as it was left. With
    /// [`update`](Self::update) it rolls back.
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

    /// The entry of a key, for reading and changing with one lookup; as std's.
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

    /// The entry of a key by a borrowed form of it. A key that is not there is made of it, by
    /// a `From` that keeps it equal, at once and whether a value is inserted or not.
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

    /// All entries, in arbitrary order, with values to be changed.
    ///
    /// The other copy gets a clone of each value that the iterator handed out, made when
    /// the batch ends. Hashes and clones each of those keys.
    ///
    /// # Panics
    ///
    /// The iterator, if `Hash` or `Clone` of a key panics, before it lends the value.
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

    /// All values, in arbitrary order, to be changed; see [`iter_mut`](Self::iter_mut).
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.extend([("a", 1), ("b", 2)]);
    /// batch.values_mut().for_each(|n| *n *= 10);
    /// batch.publish();
    /// assert_eq!((reader.read()["a"], reader.read()["b"]), (10, 20));
    /// ```
    pub fn values_mut(&mut self) -> ValuesMut<'_, W::Key, W::Value, W::Hasher> {
        ValuesMut(self.iter_mut())
    }

    /// Lends the value in a bucket. A key that is `owned` saves a clone of it.
    pub(super) fn lend_at(
        &mut self,
        hash: u64,
        bucket: usize,
        owned: Option<W::Key>,
    ) -> &mut W::Value {
        self.inner
            .lend(|table, _| table.lend(hash, bucket, owned), |value| value)
    }

    /// Changes the value in a bucket. A key that is `owned` saves a clone of it.
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

/// All entries with values to be changed, from [`Batch::iter_mut`].
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::IterMut;
///
/// let (mut writer, _reader) = dbuf_hashmap::new();
/// let mut batch = writer.write();
/// batch.insert("a", 1);
/// let mut entries: IterMut<'_, &str, i32> = batch.iter_mut();
/// assert_eq!(entries.next(), Some((&"a", &mut 1)));
/// assert_eq!(entries.len(), 0);
/// ```
pub struct IterMut<'b, K, V, H = std::hash::RandomState> {
    entries: hash_table::IterMut<'b, (K, V)>,
    marks: &'b mut Marks<K>,
    shared: &'b Extras<H>,
}

impl<'b, K: Hash + Eq + Clone, V, H: BuildHasher> Iterator for IterMut<'b, K, V, H> {
    type Item = (&'b K, &'b mut V);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, value) = self.entries.next()?;
        // Where it is, is not known: as good as a bucket that does not exist.
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

/// All values, to be changed, from [`Batch::values_mut`].
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::ValuesMut;
///
/// let (mut writer, _reader) = dbuf_hashmap::new();
/// let mut batch = writer.write();
/// batch.insert("a", 1);
/// let mut values: ValuesMut<'_, &str, i32> = batch.values_mut();
/// assert_eq!(values.next(), Some(&mut 1));
/// ```
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
