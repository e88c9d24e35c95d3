use alloc::vec::Vec;
use core::fmt;
use core::hash::Hash;

use equivalent::Equivalent;

use super::bag::BagChange;
use super::{Bag, MultiMapRef};
use crate::batch::Drain;
use crate::iter::Iter;
use crate::op::Op;
use crate::owner::Owner;

/// Changes to a multi-map that become visible together. Ends as the map's
/// [`Batch`](crate::Batch) does.
///
/// A change to one value costs the other copy one value, not the whole bag.
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::multimap::new();
/// let mut batch = writer.write();
/// batch.extend([("a", 1), ("a", 2), ("a", 3), ("b", 4)]);
/// assert!(batch.remove_value("a", &2));
/// batch.retain("a", |n| *n != 3);
/// assert_eq!(batch.remove("b").unwrap().into_iter().next(), Some(4));
/// batch.publish();
/// assert_eq!(**reader.get("a").unwrap(), [1]);
/// assert!(reader.get("b").is_none());
/// ```
#[must_use = "a batch that is dropped at once publishes nothing new"]
pub struct Batch<W: Owner> {
    pub(super) map: crate::Batch<W>,
}

impl<W, V> Batch<W>
where
    W: Owner<Value = Bag<V>, Change = BagChange<V>>,
    V: Clone,
{
    pub(super) fn new(inner: dbuf_core::Batch<W>) -> Self {
        Self {
            map: crate::Batch::new(inner),
        }
    }

    /// Adds a value to a key's. Clones the value, and the key if it is new.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::multimap::new();
    /// let mut batch = writer.write();
    /// batch.extend([("a", 1), ("a", 2)]);
    /// batch.insert("a", 2);
    /// assert_eq!(batch.get("a").unwrap().len(), 3);
    /// ```
    pub fn insert(&mut self, key: W::Key, value: V) {
        match self.map.find(&key) {
            (hash, Some(bucket)) => {
                let change = BagChange::Push(value.clone());
                self.map.inner.record(|table, _| {
                    table.at_mut(bucket).1.push(value);
                    ((), Some(Op::Change { hash, key, change }))
                });
            }
            (hash, None) => {
                self.map.insert_new(hash, key, Bag::of(value));
            }
        }
    }

    /// Removes one of a key's values that equals `value`. Whether there was one.
    /// Compares them one by one.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::multimap::new();
    /// let mut batch = writer.write();
    /// batch.extend([("a", 1), ("a", 2)]);
    /// assert!(batch.remove_value("a", &1));
    /// assert!(!batch.remove_value("a", &1));
    /// assert!(batch.remove_value("a", &2));
    /// assert!(!batch.contains_key("a")); // that was the last
    /// ```
    pub fn remove_value<Q>(&mut self, key: &Q, value: &V) -> bool
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
        V: PartialEq,
    {
        let (hash, Some(bucket)) = self.map.find(key) else {
            return false;
        };
        let (_, bag) = self.map.table().at(bucket);
        let Some(at) = bag.iter().position(|v| v == value) else {
            return false;
        };
        if bag.len() == 1 {
            self.map.remove_at(hash, bucket);
        } else {
            self.map.inner.record(|table, _| {
                let (key, bag) = table.at_mut(bucket);
                bag.take(at);
                let change = BagChange::Take(at);
                let key = key.clone();
                ((), Some(Op::Change { hash, key, change }))
            });
        }
        true
    }

    /// Removes every value of a key for which `keep` returns `false`. It runs once
    /// for each value.
    ///
    /// # Panics
    ///
    /// With `keep`, before anything changed.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::multimap::new();
    /// let mut batch = writer.write();
    /// batch.extend([("a", 1), ("a", 2)]);
    /// batch.retain("a", |n| *n > 1);
    /// assert_eq!(batch.get_one("a"), Some(&2));
    /// ```
    pub fn retain<Q>(&mut self, key: &Q, mut keep: impl FnMut(&V) -> bool)
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        let (hash, Some(bucket)) = self.map.find(key) else {
            return;
        };
        let (_, bag) = self.map.table().at(bucket);
        let removed: Vec<_> = (0..bag.len()).filter(|&at| !keep(&bag[at])).collect();
        if removed.len() == bag.len() {
            self.map.remove_at(hash, bucket);
        } else if !removed.is_empty() {
            self.map.inner.record(|table, _| {
                let (key, bag) = table.at_mut(bucket);
                bag.take_all(&removed);
                let change = BagChange::TakeAll(removed);
                let key = key.clone();
                ((), Some(Op::Change { hash, key, change }))
            });
        }
    }

    /// Removes a key and returns its values.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::multimap::new();
    /// let mut batch = writer.write();
    /// batch.extend([("a", 1), ("a", 2)]);
    /// assert_eq!(batch.remove("a").unwrap().len(), 2);
    /// ```
    pub fn remove<Q>(&mut self, key: &Q) -> Option<Bag<V>>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.map.remove(key)
    }

    /// Removes a key and returns it and its values. Clones the key.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::multimap::new();
    /// let mut batch = writer.write();
    /// batch.extend([("a", 1), ("a", 2)]);
    /// assert_eq!(batch.remove_entry("a").unwrap().0, "a");
    /// ```
    pub fn remove_entry<Q>(&mut self, key: &Q) -> Option<(W::Key, Bag<V>)>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.map.remove_entry(key)
    }

    /// Takes all entries out; as [`crate::Batch::drain`].
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::multimap::new();
    /// let mut batch = writer.write();
    /// batch.extend([("a", 1), ("a", 2)]);
    /// assert_eq!(batch.drain().next().unwrap().1.len(), 2);
    /// assert!(batch.is_empty());
    /// ```
    pub fn drain(&mut self) -> Drain<W::Key, Bag<V>> {
        self.map.drain()
    }

    /// See [`Batch::clear`](crate::Batch::clear).
    pub fn clear(&mut self) {
        self.map.clear();
    }

    /// See [`Batch::reserve`](crate::Batch::reserve).
    pub fn reserve(&mut self, additional: usize) {
        self.map.reserve(additional);
    }

    /// See [`Batch::shrink_to_fit`](crate::Batch::shrink_to_fit).
    pub fn shrink_to_fit(&mut self) {
        self.map.shrink_to_fit();
    }

    /// See [`Batch::publish`](crate::Batch::publish).
    pub fn publish(self) {
        self.map.publish();
    }

    /// See [`Batch::rollback`](crate::Batch::rollback).
    pub fn rollback(self) {
        self.map.rollback();
    }

    /// See [`Batch::rollback_on_drop`](crate::Batch::rollback_on_drop).
    pub fn rollback_on_drop(&mut self) {
        self.map.rollback_on_drop();
    }

    /// See [`Batch::defer_on_drop`](crate::Batch::defer_on_drop).
    pub fn defer_on_drop(&mut self) {
        self.map.defer_on_drop();
    }

    /// See [`Batch::defer`](crate::Batch::defer).
    pub fn defer(self) {
        self.map.defer();
    }

    /// The multi-map as this batch leaves it.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::multimap::new();
    /// let mut batch = writer.write();
    /// batch.extend([("a", 1), ("a", 2)]);
    /// assert!(batch.as_map().contains_value("a", &2));
    /// ```
    pub fn as_map(&self) -> MultiMapRef<'_, W::Key, V, W::Hasher> {
        self.map.as_map()
    }

    /// What readers see, without a guard.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::multimap::new();
    /// let mut batch = writer.write();
    /// batch.extend([("a", 1), ("a", 2)]);
    /// assert!(batch.published().is_empty());
    /// ```
    pub fn published(&self) -> MultiMapRef<'_, W::Key, V, W::Hasher> {
        self.map.published()
    }

    /// All values of a key.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::multimap::new();
    /// let mut batch = writer.write();
    /// batch.extend([("a", 1), ("a", 2)]);
    /// assert_eq!(batch.get("a").unwrap().len(), 2);
    /// ```
    pub fn get<Q>(&self, key: &Q) -> Option<&Bag<V>>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.map.get(key)
    }

    /// One of a key's values.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::multimap::new();
    /// let mut batch = writer.write();
    /// batch.extend([("a", 1), ("a", 2)]);
    /// assert!(batch.get_one("a").is_some());
    /// ```
    pub fn get_one<Q>(&self, key: &Q) -> Option<&V>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.as_map().get_one(key)
    }

    /// Whether a key is there.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::multimap::new();
    /// let mut batch = writer.write();
    /// batch.extend([("a", 1), ("a", 2)]);
    /// assert!(batch.contains_key("a") && !batch.contains_key("b"));
    /// ```
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.map.contains_key(key)
    }

    /// How many keys there are.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::multimap::new();
    /// let mut batch = writer.write();
    /// batch.extend([("a", 1), ("a", 2)]);
    /// assert_eq!(batch.len(), 1); // one key
    /// ```
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// How many values there are. Adds up all bags.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::multimap::new();
    /// let mut batch = writer.write();
    /// batch.extend([("a", 1), ("a", 2)]);
    /// assert_eq!((batch.len(), batch.value_count()), (1, 2));
    /// ```
    pub fn value_count(&self) -> usize {
        self.as_map().value_count()
    }

    /// Whether there are no keys.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::multimap::new();
    /// let mut batch = writer.write();
    /// batch.extend([("a", 1), ("a", 2)]);
    /// assert!(!batch.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// All keys with their values, in arbitrary order.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::multimap::new();
    /// let mut batch = writer.write();
    /// batch.extend([("a", 1), ("a", 2)]);
    /// assert_eq!(batch.iter().map(|(_, bag)| bag.len()).sum::<usize>(), 2);
    /// ```
    pub fn iter(&self) -> Iter<'_, W::Key, Bag<V>> {
        self.map.iter()
    }
}

/// Inserts all.
impl<W, V> Extend<(W::Key, V)> for Batch<W>
where
    W: Owner<Value = Bag<V>, Change = BagChange<V>>,
    V: Clone,
{
    fn extend<I: IntoIterator<Item = (W::Key, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<W: Owner> fmt::Debug for Batch<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.map.fmt(f)
    }
}
