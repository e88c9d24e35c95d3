use core::fmt;
use core::mem;

use crate::op::Op;
use crate::{Batch, Owner};

/// A key of a [`Batch`], which may be there or not, from
/// [`Batch::entry`].
///
/// Hashed and looked up once. It hands out `&V` only; what changes the value is
/// logged before it returns, so an entry may be forgotten at any time.
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
pub struct Entry<'b, W: Owner> {
    batch: &'b mut Batch<W>,
    key: W::Key,
    hash: u64,
    place: Option<usize>,
}

impl<'b, W: Owner> Entry<'b, W> {
    pub(super) fn new(batch: &'b mut Batch<W>, key: W::Key) -> Self {
        let (hash, place) = batch.find(&key);
        Self {
            batch,
            key,
            hash,
            place,
        }
    }

    /// The key that was asked for.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new::<&str, u32>();
    /// assert_eq!(writer.write().entry("a").key(), &"a");
    /// ```
    pub fn key(&self) -> &W::Key {
        &self.key
    }

    /// Its value, if it is there.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new::<&str, u32>();
    /// assert_eq!(writer.write().entry("a").get(), None);
    /// ```
    pub fn get(&self) -> Option<&W::Value> {
        let place = self.place?;
        Some(&self.batch.table().at(place).1)
    }

    /// Sets the value and returns the one that was there.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// assert_eq!(batch.entry("a").insert(1), None);
    /// assert_eq!(batch.entry("a").insert(2), Some(1));
    /// ```
    pub fn insert(self, value: W::Value) -> Option<W::Value> {
        let (hash, key) = (self.hash, self.key);
        let Some(place) = self.place else {
            self.batch.insert_new(hash, key, value);
            return None;
        };
        let old = self.batch.inner.record(|table, _| {
            let op = Op::replace(place, hash, key, value.clone());
            (mem::replace(&mut table.at_mut(place).1, value), Some(op))
        });
        Some(old)
    }

    /// Inserts a value unless there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// assert_eq!(batch.entry("a").or_insert(1), &1);
    /// assert_eq!(batch.entry("a").or_insert(2), &1);
    /// ```
    pub fn or_insert(self, value: W::Value) -> &'b W::Value {
        self.or_insert_with(|| value)
    }

    /// Inserts what `f` returns, unless there is a value.
    ///
    /// # Panics
    ///
    /// With `f`, before anything changed.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// assert_eq!(batch.entry("a").or_insert_with(|| 1), &1);
    /// assert_eq!(batch.entry("a").or_insert_with(|| unreachable!()), &1);
    /// ```
    pub fn or_insert_with(self, f: impl FnOnce() -> W::Value) -> &'b W::Value {
        let place = match self.place {
            Some(place) => {
                self.batch.bury(Some(self.key), None);
                place
            }
            None => self.batch.insert_new(self.hash, self.key, f()),
        };
        &self.batch.table().at(place).1
    }

    /// Inserts the default, unless there is a value.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new::<&str, u32>();
    /// assert_eq!(writer.write().entry("a").or_default(), &0);
    /// ```
    pub fn or_default(self) -> &'b W::Value
    where
        W::Value: Default,
    {
        self.or_insert_with(W::Value::default)
    }

    /// Changes the value in place, if it is there. `f` runs at most once; the
    /// other copy gets a clone of what it left.
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
    /// batch.insert("a", 1);
    /// assert_eq!(batch.entry("a").and_modify(|n| *n += 1).or_insert(0), &2);
    /// ```
    pub fn and_modify(self, f: impl FnOnce(&mut W::Value)) -> Self {
        if let Some(place) = self.place {
            self.batch.change_at(self.hash, place, f);
        }
        self
    }

    /// Removes the key and returns its value.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// assert_eq!(batch.entry("a").remove(), Some(1));
    /// assert_eq!(batch.entry("a").remove(), None);
    /// ```
    pub fn remove(self) -> Option<W::Value> {
        let place = self.place?;
        self.batch.bury(Some(self.key), None);
        Some(self.batch.remove_at(self.hash, place))
    }
}

impl<W: Owner<Key: fmt::Debug>> fmt::Debug for Entry<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key)
            .field("occupied", &self.place.is_some())
            .finish_non_exhaustive()
    }
}
