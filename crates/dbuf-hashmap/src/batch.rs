use alloc::vec::Vec;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::mem;
use std::hash::RandomState;

use dbuf_core::Strategy;
use equivalent::Equivalent;
use hashbrown::hash_table::Entry;

use crate::op::Op;
use crate::{DefaultStrategy, Iter, MapRef, Owner};

/// Changes to the map that become visible together.
///
/// **A batch publishes when it is dropped**, also by `?`;
/// [`Writer::transact`](crate::Writer::transact) is the form that publishes all
/// or nothing. It is rolled back instead if a closure, or `Hash`, `Eq`, `Clone`
/// or `Drop` of a key or value, panicked in one of its changes (also if the panic
/// was caught), or if the thread began to unwind after the batch was made. A
/// forgotten batch is rolled back by the next one.
///
/// Reads see the batch's own changes; [`published`](Self::published) is what
/// readers see.
///
/// There is no `get_mut` and no `&mut V`: a change that is not logged would reach
/// one copy only. [`update`](Self::update) changes a value in place.
///
/// # Panics
///
/// Every change panics if an earlier one of this batch panicked halfway and that
/// was caught: there is nothing left to do but to end the batch.
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::new::<&str, u32>();
/// let mut batch = writer.write();
/// batch.insert("apples", 3);
/// batch.update("apples", |n| *n += 1);
/// assert_eq!(batch.get("apples"), Some(&4));
/// assert_eq!(batch.published().get("apples"), None);
/// assert!(reader.read().is_empty());
/// batch.publish();
/// assert_eq!(reader.read().get("apples"), Some(&4));
/// ```
///
/// A function that takes the batch of any writer:
///
/// ```
/// use dbuf_hashmap::{Batch, Owner};
///
/// fn count(batch: &mut Batch<impl Owner<String, u32>, String, u32>, word: &str) {
///     if batch.update(word, |n| *n += 1).is_none() {
///         batch.insert(word.to_owned(), 1);
///     }
/// }
///
/// let (mut writer, reader) = dbuf_hashmap::new();
/// count(&mut writer.write(), "word");
/// count(&mut writer.write(), "word");
/// assert_eq!(reader.read().get("word"), Some(&2));
/// ```
#[must_use = "a batch that is dropped at once publishes nothing new"]
pub struct Batch<W, K, V, H = RandomState, S = DefaultStrategy>
where
    W: Owner<K, V, H, S>,
    S: Strategy,
{
    inner: dbuf_core::Batch<W::Lead>,
}

impl<W, K, V, H, S> Batch<W, K, V, H, S>
where
    W: Owner<K, V, H, S>,
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: Strategy,
{
    pub(crate) fn new(inner: dbuf_core::Batch<W::Lead>) -> Self {
        Self { inner }
    }

    /// Inserts a value and returns the one that was there. As with std's maps, a
    /// key that is there already is kept.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.inner.record(|table, hasher| {
            let hash = hasher.hash_one(&key);
            let logged = value.clone();
            let (old, key) = match table.entry(hash, &key, hasher) {
                Entry::Occupied(mut entry) => {
                    (Some(mem::replace(&mut entry.get_mut().1, value)), key)
                }
                Entry::Vacant(entry) => {
                    let logged = key.clone();
                    entry.insert((key, value));
                    (None, logged)
                }
            };
            let value = logged;
            (old, Some(Op::Insert { hash, key, value }))
        })
    }

    /// Removes a key and returns its value.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.inner.record(|table, hasher| {
            let hash = hasher.hash_one(key);
            table
                .remove(hash, key)
                .map_or((None, None), |(key, value)| {
                    (Some(value), Some(Op::Remove { hash, key }))
                })
        })
    }

    /// Changes a value in place and returns what `f` returns, or `None` if the
    /// key is not there.
    ///
    /// `f` runs once. The other copy gets a clone of the value that it left.
    ///
    /// # Panics
    ///
    /// With `f`; the batch is torn then and rolls back.
    pub fn update<Q, R>(&mut self, key: &Q, f: impl FnOnce(&mut V) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.inner.record(|table, hasher| {
            let hash = hasher.hash_one(key);
            let Some((key, value)) = table.get_mut(hash, key) else {
                return (None, None);
            };
            let result = f(value);
            let (key, value) = (key.clone(), value.clone());
            (Some(result), Some(Op::Replace { hash, key, value }))
        })
    }

    /// Removes every entry for which `keep` returns `false`.
    ///
    /// `keep` runs once for each entry, in arbitrary order: the other copy loses
    /// the same keys whatever it would say the second time.
    ///
    /// # Panics
    ///
    /// With `keep`; the batch is torn then and rolls back.
    pub fn retain(&mut self, keep: impl FnMut(&K, &V) -> bool) {
        self.inner.record(|table, hasher| {
            let removed: Vec<_> = table
                .extract(keep)
                .map(|(key, _)| (hasher.hash_one(&key), key))
                .collect();
            let op = match removed.len() {
                0 => None,
                _ if table.len() == 0 => Some(Op::Clear),
                _ => Some(Op::RemoveAll(removed)),
            };
            ((), op)
        });
    }

    /// Removes everything. Both copies keep their memory.
    pub fn clear(&mut self) {
        self.inner.record(|table, _| {
            let op = (table.len() > 0).then_some(Op::Clear);
            table.clear();
            ((), op)
        });
    }

    /// The map as this batch leaves it.
    pub fn as_map(&self) -> MapRef<'_, K, V, H> {
        MapRef::new(&self.inner, self.inner.extras())
    }

    /// What readers see, without a guard.
    pub fn published(&self) -> MapRef<'_, K, V, H> {
        MapRef::new(self.inner.published(), self.inner.extras())
    }

    /// The value of a key.
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.as_map().get(key)
    }

    /// The key as it is stored, and its value.
    pub fn get_key_value<Q>(&self, key: &Q) -> Option<(&K, &V)>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.as_map().get_key_value(key)
    }

    /// Whether a key is there.
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.as_map().contains_key(key)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.as_map().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.as_map().is_empty()
    }

    /// All entries, in arbitrary order.
    pub fn iter(&self) -> Iter<'_, K, V> {
        self.as_map().iter()
    }

    /// Makes the changes visible. Never waits. A batch without changes swaps
    /// nothing.
    ///
    /// # Panics
    ///
    /// If an earlier change panicked halfway and the panic was caught: nothing is
    /// published and the batch is rolled back.
    pub fn publish(self) {
        self.inner.publish();
    }

    /// Takes the changes back, and those of earlier batches that were
    /// [deferred](Self::defer). The next batch pays for it with a copy of the
    /// whole map.
    pub fn rollback(self) {
        self.inner.rollback();
    }

    /// Ends the batch without publishing. The changes become visible with the
    /// next publish, and are lost if the writer is dropped before that.
    pub fn defer(self) {
        self.inner.defer();
    }
}

impl<W, K, V, H, S> fmt::Debug for Batch<W, K, V, H, S>
where
    W: Owner<K, V, H, S>,
    S: Strategy,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("len", &self.inner.len())
            .finish_non_exhaustive()
    }
}

impl<'b, W, K, V, H, S> IntoIterator for &'b Batch<W, K, V, H, S>
where
    W: Owner<K, V, H, S>,
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: Strategy,
{
    type Item = (&'b K, &'b V);
    type IntoIter = Iter<'b, K, V>;

    fn into_iter(self) -> Iter<'b, K, V> {
        self.iter()
    }
}
