//! Iteration over the map itself: each item is a guard, and all of them share one snapshot.

use alloc::rc::Rc;
use core::fmt;
use core::iter::FusedIterator;
use core::ops::Deref;
use std::hash::RandomState;

use dbuf_core::Strategy;
use dbuf_strategies::DefaultStrategy;

use crate::concurrent::ConcurrentHashMap;
use crate::snapshot::Snapshot;

impl<K, V, H, S> ConcurrentHashMap<K, V, H, S>
where
    S: Strategy,
{
    /// All entries as they are published now, in arbitrary order. The items share one
    /// snapshot and may outlive the iterator.
    ///
    /// The snapshot is a [guard](Self#guards-and-writes): it lives as long as the iterator or
    /// any of its items does, it holds writers up, and **a write to this map from within the
    /// loop panics**. Collect first, or change entries in a [batch](Self::write). Where
    /// references will do, [`read`](Self::read) is a little faster.
    ///
    /// Costs a [`read`](Self::read) and an allocation.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1), ("b", 2)]);
    /// for entry in &map {
    ///     assert!(*entry > 0); // the value
    ///     assert_eq!(entry.pair(), (entry.key(), entry.value()));
    /// }
    /// let best = map.iter().max_by_key(|entry| *entry.value()).unwrap();
    /// assert_eq!(*best.key(), "b");
    /// ```
    pub fn iter(&self) -> RefIter<'_, K, V, H, S> {
        RefIter::new(self.read(), |(_, value)| value)
    }

    /// All keys, as guards that share one snapshot; see [`iter`](Self::iter).
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// let keys: Vec<&str> = map.keys().map(|key| *key).collect();
    /// assert_eq!(keys, ["a"]);
    /// ```
    pub fn keys(&self) -> RefIter<'_, K, V, H, S, K> {
        RefIter::new(self.read(), |(key, _)| key)
    }

    /// All values, as guards that share one snapshot; see [`iter`](Self::iter).
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1), ("b", 2)]);
    /// assert_eq!(map.values().map(|n| *n).sum::<i32>(), 3);
    /// ```
    pub fn values(&self) -> RefIter<'_, K, V, H, S> {
        self.iter()
    }
}

/// As [`ConcurrentHashMap::iter`].
impl<'m, K, V, H, S> IntoIterator for &'m ConcurrentHashMap<K, V, H, S>
where
    S: Strategy,
{
    type Item = RefMulti<'m, K, V, H, S>;
    type IntoIter = RefIter<'m, K, V, H, S>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A snapshot whose items own it together: they may outlive the variable that held it.
impl<'m, K, V, H, S: Strategy> Snapshot<'m, K, V, H, S> {
    /// All keys, as guards that own the snapshot together.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// let key = map.read().into_keys().next().unwrap();
    /// assert_eq!(*key, "a");
    /// ```
    pub fn into_keys(self) -> RefIter<'m, K, V, H, S, K> {
        RefIter::new(self, |(key, _)| key)
    }

    /// All values, as guards that own the snapshot together.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// let value = map.read().into_values().next().unwrap();
    /// assert_eq!(*value, 1);
    /// ```
    pub fn into_values(self) -> RefIter<'m, K, V, H, S> {
        RefIter::new(self, |(_, value)| value)
    }
}

/// All entries, as guards that own the snapshot together; see [`RefMulti`].
impl<'m, K, V, H, S: Strategy> IntoIterator for Snapshot<'m, K, V, H, S> {
    type Item = RefMulti<'m, K, V, H, S>;
    type IntoIter = RefIter<'m, K, V, H, S>;

    fn into_iter(self) -> Self::IntoIter {
        self.into_values()
    }
}

/// Which part of an entry an item is.
type Pick<K, V, U> = fn(&(K, V)) -> &U;

/// One entry of a snapshot that it shares with others, from [`ConcurrentHashMap::iter`].
///
/// Dereferences to the value (those of [`keys`](ConcurrentHashMap::keys), to the key). Holds
/// up writers as a [guard](crate::Snapshot) does.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::{ConcurrentHashMap, RefMulti};
///
/// let map = ConcurrentHashMap::from([("a", 1), ("b", 2)]);
/// let mut entries: Vec<RefMulti<'_, &str, i32>> = map.iter().collect();
/// entries.sort_by_key(|entry| *entry.key());
/// assert_eq!(*entries[1], 2);
/// ```
#[must_use = "a guard that is dropped at once has read nothing"]
pub struct RefMulti<'m, K, V, H = RandomState, S: Strategy = DefaultStrategy, U: ?Sized = V> {
    snapshot: Rc<Snapshot<'m, K, V, H, S>>,
    /// Occupied: nothing changes under the guard, which is never refreshed.
    bucket: usize,
    pick: Pick<K, V, U>,
}

impl<K, V, H, S: Strategy, U: ?Sized> RefMulti<'_, K, V, H, S, U> {
    /// The key and the value.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.iter().next().unwrap().pair(), (&"a", &1));
    /// ```
    pub fn pair(&self) -> (&K, &V) {
        let (key, value) = self.entry();
        (key, value)
    }

    /// The key.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.iter().next().unwrap().key(), &"a");
    /// ```
    pub fn key(&self) -> &K {
        &self.entry().0
    }

    /// The value.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.iter().next().unwrap().value(), &1);
    /// ```
    pub fn value(&self) -> &V {
        &self.entry().1
    }

    fn entry(&self) -> &(K, V) {
        self.snapshot.as_map().table().at(self.bucket)
    }
}

impl<K, V, H, S: Strategy, U: ?Sized> Deref for RefMulti<'_, K, V, H, S, U> {
    type Target = U;

    fn deref(&self) -> &U {
        (self.pick)(self.entry())
    }
}

impl<K, V, H, S: Strategy, U: ?Sized + fmt::Debug> fmt::Debug for RefMulti<'_, K, V, H, S, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<K, V, H, S: Strategy, U: ?Sized + fmt::Display> fmt::Display for RefMulti<'_, K, V, H, S, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Compares what they dereference to.
impl<K, V, H, S: Strategy, U: ?Sized + PartialEq> PartialEq for RefMulti<'_, K, V, H, S, U> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<K, V, H, S: Strategy, U: ?Sized + Eq> Eq for RefMulti<'_, K, V, H, S, U> {}

/// All entries of a snapshot, in arbitrary order, as guards that share it: from
/// [`iter`](ConcurrentHashMap::iter) and [`keys`](ConcurrentHashMap::keys) of a map, and
/// `into_iter` of a [`Snapshot`].
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::{ConcurrentHashMap, RefIter};
///
/// let map = ConcurrentHashMap::from([("a", 1)]);
/// let entries: RefIter<'_, &str, i32> = map.iter();
/// assert_eq!(entries.len(), 1);
/// ```
#[must_use = "iterators do nothing unless they are asked for items"]
pub struct RefIter<'m, K, V, H = RandomState, S: Strategy = DefaultStrategy, U: ?Sized = V> {
    snapshot: Rc<Snapshot<'m, K, V, H, S>>,
    /// The bucket to look at next, and how many entries are there from it on.
    bucket: usize,
    left: usize,
    pick: Pick<K, V, U>,
}

impl<'m, K, V, H, S: Strategy, U: ?Sized> RefIter<'m, K, V, H, S, U> {
    fn new(snapshot: Snapshot<'m, K, V, H, S>, pick: Pick<K, V, U>) -> Self {
        Self {
            left: snapshot.len(),
            snapshot: Rc::new(snapshot),
            bucket: 0,
            pick,
        }
    }
}

impl<'m, K, V, H, S: Strategy, U: ?Sized> Iterator for RefIter<'m, K, V, H, S, U> {
    type Item = RefMulti<'m, K, V, H, S, U>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let table = self.snapshot.as_map().table();
        let bucket = (self.bucket..table.buckets()).find(|&at| table.get_at(at).is_some())?;
        self.bucket = bucket + 1;
        Some(RefMulti {
            snapshot: Rc::clone(&self.snapshot),
            bucket,
            pick: self.pick,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<K, V, H, S: Strategy, U: ?Sized> ExactSizeIterator for RefIter<'_, K, V, H, S, U> {}

impl<K, V, H, S: Strategy, U: ?Sized> FusedIterator for RefIter<'_, K, V, H, S, U> {}

impl<K, V, H, S: Strategy, U: ?Sized> fmt::Debug for RefIter<'_, K, V, H, S, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefIter")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}
