use alloc::vec::Vec;
use core::fmt;
use core::hash::Hash;

use equivalent::Equivalent;

use super::bag::BagChange;
use super::{Bag, MultiMapRef};
use crate::batch::Drain;
use crate::forward::forward_batch;
use crate::iter::Iter;
use crate::op::Op;
use crate::owner::Owner;

/// Changes to a multi-map that become visible together. It ends as a map's [`Batch`](crate::Batch)
/// does.
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

    /// Adds a value to a key's values. Clones the value, and the key if it is new.
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

    /// Removes one of a key's values that equals `value`, and returns whether there was one.
    /// Compares the values one by one. A key without values is removed.
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
    /// assert!(!batch.contains_key("a")); // the last value is gone
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

    /// Removes every value of a key for which `keep` returns `false`. It runs once for each value.
    ///
    /// # Panics
    ///
    /// If `keep` panics, before anything is changed.
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
    pub fn remove<Q>(&mut self, key: &Q) -> Option<Bag<V>>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.map.remove(key)
    }

    /// Removes a key and returns it with its values. Clones the key.
    pub fn remove_entry<Q>(&mut self, key: &Q) -> Option<(W::Key, Bag<V>)>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.map.remove_entry(key)
    }

    /// See [`Batch::drain`](crate::Batch::drain).
    pub fn drain(&mut self) -> Drain<W::Key, Bag<V>> {
        self.map.drain()
    }

    forward_batch!();

    /// Returns the multi-map with the changes of this batch.
    pub fn as_map(&self) -> MultiMapRef<'_, W::Key, V, W::Hasher> {
        self.map.as_map()
    }

    /// Returns the multi-map that readers see, without a guard.
    pub fn published(&self) -> MultiMapRef<'_, W::Key, V, W::Hasher> {
        self.map.published()
    }

    /// Returns all values of a key.
    pub fn get<Q>(&self, key: &Q) -> Option<&Bag<V>>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.map.get(key)
    }

    /// Returns one of a key's values.
    pub fn get_one<Q>(&self, key: &Q) -> Option<&V>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.as_map().get_one(key)
    }

    /// Returns whether the multi-map contains a key.
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.map.contains_key(key)
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Returns the number of values. Adds up all bags.
    pub fn value_count(&self) -> usize {
        self.as_map().value_count()
    }

    /// Returns whether the multi-map has no keys.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// Iterates over all keys with their values, in arbitrary order.
    pub fn iter(&self) -> Iter<'_, W::Key, Bag<V>> {
        self.map.iter()
    }
}

/// Inserts all entries.
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
