use core::hash::Hash;
use core::{fmt, mem};

use equivalent::Equivalent;

use crate::batch::Batch;
use crate::op::Op;
use crate::owner::Owner;

/// A key of a [`Batch`] that may or may not be in the map, from [`Batch::entry`].
///
/// Hashed and looked up once. A lent value is logged when the batch ends, so an entry, or a
/// reference from it, may be forgotten at any time.
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::new::<&str, u32>();
/// let mut batch = writer.write();
/// for word in ["a", "b", "a"] {
///     batch.entry(word).and_modify(|n| *n += 1).or_insert(1);
/// }
/// batch.publish();
/// assert_eq!(reader.read()["a"], 2);
/// ```
#[must_use = "an entry by itself changes nothing"]
pub enum Entry<'b, W: Owner> {
    /// The key is there.
    Occupied(OccupiedEntry<'b, W>),
    /// The key is not there.
    Vacant(VacantEntry<'b, W>),
}

impl<'b, W: Owner> Entry<'b, W> {
    pub(super) fn new(batch: &'b mut Batch<W>, key: W::Key) -> Self {
        match batch.find(&key) {
            (hash, Some(bucket)) => Self::Occupied(OccupiedEntry {
                batch,
                key: Some(key),
                hash,
                bucket,
            }),
            (hash, None) => Self::Vacant(VacantEntry { batch, key, hash }),
        }
    }

    pub(super) fn by_ref<'q, Q>(batch: &'b mut Batch<W>, key: &'q Q) -> Self
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
        W::Key: From<&'q Q>,
    {
        match batch.find(key) {
            (hash, Some(bucket)) => Self::Occupied(OccupiedEntry {
                batch,
                key: None,
                hash,
                bucket,
            }),
            (hash, None) => Self::Vacant(VacantEntry {
                batch,
                key: key.into(),
                hash,
            }),
        }
    }

    /// Returns the stored key, or the given one if it is not there.
    pub fn key(&self) -> &W::Key {
        match self {
            Self::Occupied(entry) => entry.key(),
            Self::Vacant(entry) => entry.key(),
        }
    }

    /// Returns the value for changes in place. Inserts `value` if there was none.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// *batch.entry("a").or_insert(1) += 1;
    /// *batch.entry("a").or_insert(7) += 1;
    /// assert_eq!(batch.get("a"), Some(&3));
    /// ```
    pub fn or_insert(self, value: W::Value) -> &'b mut W::Value {
        match self {
            Self::Occupied(entry) => {
                entry.batch.retire(None, Some(value));
                entry.into_mut()
            }
            Self::Vacant(entry) => entry.insert(value),
        }
    }

    /// Returns the value for changes in place. Inserts the result of `f` if there was none.
    ///
    /// # Panics
    ///
    /// If `f` panics, before anything is changed.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// assert_eq!(batch.entry("a").or_insert_with(|| 1), &1);
    /// assert_eq!(batch.entry("a").or_insert_with(|| unreachable!()), &1);
    /// ```
    pub fn or_insert_with(self, f: impl FnOnce() -> W::Value) -> &'b mut W::Value {
        match self {
            Self::Occupied(entry) => entry.into_mut(),
            Self::Vacant(entry) => entry.insert(f()),
        }
    }

    /// Returns the value for changes in place. Inserts what `f` makes of the key if there was none.
    ///
    /// # Panics
    ///
    /// If `f` panics, before anything is changed.
    pub fn or_insert_with_key(self, f: impl FnOnce(&W::Key) -> W::Value) -> &'b mut W::Value {
        match self {
            Self::Occupied(entry) => entry.into_mut(),
            Self::Vacant(entry) => {
                let value = f(entry.key());
                entry.insert(value)
            }
        }
    }

    /// Returns the value for changes in place. Inserts the default if there was none.
    pub fn or_default(self) -> &'b mut W::Value
    where
        W::Value: Default,
    {
        self.or_insert_with(W::Value::default)
    }

    /// Changes the value in place if it is there. `f` runs at most once.
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
    /// batch.insert("a", 1);
    /// assert_eq!(batch.entry("a").and_modify(|n| *n += 1).or_insert(0), &2);
    /// ```
    pub fn and_modify(mut self, f: impl FnOnce(&mut W::Value)) -> Self {
        if let Self::Occupied(entry) = &mut self {
            let owned = entry.key.take();
            entry.batch.update_at(entry.hash, entry.bucket, owned, f);
        }
        self
    }
}

/// A key of a [`Batch`] that is in the map.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::Entry;
///
/// let (mut writer, _reader) = dbuf_hashmap::new();
/// let mut batch = writer.write();
/// batch.insert("a", 1);
/// if let Entry::Occupied(entry) = batch.entry("a") {
///     assert_eq!(entry.remove(), 1);
/// }
/// assert!(batch.is_empty());
/// ```
pub struct OccupiedEntry<'b, W: Owner> {
    batch: &'b mut Batch<W>,
    /// The given key, until it is used.
    key: Option<W::Key>,
    hash: u64,
    bucket: usize,
}

impl<'b, W: Owner> OccupiedEntry<'b, W> {
    /// Returns the stored key.
    pub fn key(&self) -> &W::Key {
        &self.batch.table().at(self.bucket).0
    }

    /// Returns the value.
    pub fn get(&self) -> &W::Value {
        &self.batch.table().at(self.bucket).1
    }

    /// Returns the value for changes in place.
    pub fn get_mut(&mut self) -> &mut W::Value {
        let owned = self.key.take();
        self.batch.lend_at(self.hash, self.bucket, owned)
    }

    /// Returns the value for changes in place, for as long as the batch is borrowed.
    pub fn into_mut(self) -> &'b mut W::Value {
        self.batch.lend_at(self.hash, self.bucket, self.key)
    }

    /// Sets the value and returns the previous one.
    pub fn insert(&mut self, value: W::Value) -> W::Value {
        let (hash, bucket, owned) = (self.hash, self.bucket, self.key.take());
        self.batch.inner.record(|table, _| {
            let (key, there) = table.at_mut(bucket);
            let key = owned.unwrap_or_else(|| key.clone());
            let op = Op::replace(bucket, hash, key, value.clone());
            (mem::replace(there, value), Some(op))
        })
    }

    /// Drops the given key when the batch has ended.
    pub(super) fn retire_key(self) {
        self.batch.retire(self.key, None);
    }

    /// Removes the key and returns its value.
    pub fn remove(self) -> W::Value {
        self.batch.retire(self.key, None);
        self.batch.remove_at(self.hash, self.bucket)
    }

    /// Removes the key and returns the stored key and its value.
    pub fn remove_entry(self) -> (W::Key, W::Value) {
        self.batch.remove_entry_at(self.hash, self.bucket, self.key)
    }
}

/// A key of a [`Batch`] that is not in the map.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::Entry;
///
/// let (mut writer, _reader) = dbuf_hashmap::new();
/// let mut batch = writer.write();
/// if let Entry::Vacant(entry) = batch.entry("a") {
///     *entry.insert(1) += 1;
/// }
/// assert_eq!(batch.get("a"), Some(&2));
/// ```
pub struct VacantEntry<'b, W: Owner> {
    batch: &'b mut Batch<W>,
    key: W::Key,
    hash: u64,
}

impl<'b, W: Owner> VacantEntry<'b, W> {
    /// Returns the given key.
    pub fn key(&self) -> &W::Key {
        &self.key
    }

    /// Drops the key when the batch has ended.
    pub(super) fn retire_key(self) {
        self.batch.retire(Some(self.key), None);
    }

    /// Returns ownership of the key.
    pub fn into_key(self) -> W::Key {
        self.key
    }

    /// Inserts a value and returns it for changes in place. Clones the key now and the value when
    /// the batch ends.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::Entry;
    ///
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// let Entry::Vacant(entry) = batch.entry("a") else { unreachable!() };
    /// *entry.insert(1) += 1;
    /// batch.publish();
    /// assert_eq!(reader.read()["a"], 2);
    /// ```
    pub fn insert(self, value: W::Value) -> &'b mut W::Value {
        self.batch.lend_new(self.hash, self.key, value)
    }

    /// Inserts a value that is not lent, and logs it at once.
    pub(super) fn put(self, value: W::Value) {
        self.batch.insert_new(self.hash, self.key, value);
    }
}

impl<W: Owner<Key: fmt::Debug>> fmt::Debug for Entry<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Occupied(entry) => entry.fmt(f),
            Self::Vacant(entry) => entry.fmt(f),
        }
    }
}

impl<W: Owner<Key: fmt::Debug>> fmt::Debug for OccupiedEntry<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OccupiedEntry")
            .field("key", self.key())
            .finish_non_exhaustive()
    }
}

impl<W: Owner<Key: fmt::Debug>> fmt::Debug for VacantEntry<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VacantEntry")
            .field("key", self.key())
            .finish_non_exhaustive()
    }
}
