use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::mem;
use std::hash::RandomState;

use dbuf_core::Strategy;

use crate::op::Op;
use crate::{Batch, DefaultStrategy, Owner};

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
pub struct Entry<'b, W, K, V, H = RandomState, S = DefaultStrategy>
where
    W: Owner<K, V, H, S>,
    S: Strategy,
{
    batch: &'b mut Batch<W, K, V, H, S>,
    key: K,
    hash: u64,
    place: Option<usize>,
}

impl<'b, W, K, V, H, S> Entry<'b, W, K, V, H, S>
where
    W: Owner<K, V, H, S>,
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: Strategy,
{
    pub(super) fn new(batch: &'b mut Batch<W, K, V, H, S>, key: K) -> Self {
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
    pub fn key(&self) -> &K {
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
    pub fn get(&self) -> Option<&V> {
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
    pub fn insert(self, value: V) -> Option<V> {
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
    pub fn or_insert(self, value: V) -> &'b V {
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
    pub fn or_insert_with(self, f: impl FnOnce() -> V) -> &'b V {
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
    pub fn or_default(self) -> &'b V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
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
    pub fn and_modify(self, f: impl FnOnce(&mut V)) -> Self {
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
    pub fn remove(self) -> Option<V> {
        let place = self.place?;
        self.batch.bury(Some(self.key), None);
        Some(self.batch.remove_at(self.hash, place))
    }
}

impl<W, K, V, H, S> fmt::Debug for Entry<'_, W, K, V, H, S>
where
    W: Owner<K, V, H, S>,
    K: fmt::Debug,
    S: Strategy,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key)
            .field("occupied", &self.place.is_some())
            .finish_non_exhaustive()
    }
}
