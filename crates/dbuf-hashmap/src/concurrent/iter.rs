//! Iteration over the map itself: each item is a guard, and all items share one snapshot.

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
    /// Iterates over all entries as they are published now, in arbitrary order. The items share one
    /// snapshot and may outlive the iterator.
    ///
    /// The snapshot is a [guard](Self#guards-and-writes) that lives as long as the iterator or any
    /// of its items: it may make writers wait, and **a write to this map within the loop clones the
    /// map or panics**. Collect first, or change entries in a [batch](Self::write).
    /// [`read`](Self::read) is a little faster where references are enough.
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

    /// Iterates over all keys, as guards that share one snapshot; see [`iter`](Self::iter).
    pub fn keys(&self) -> RefIter<'_, K, V, H, S, K> {
        RefIter::new(self.read(), |(key, _)| key)
    }

    /// Iterates over all values, as guards that share one snapshot; see [`iter`](Self::iter).
    pub fn values(&self) -> RefIter<'_, K, V, H, S> {
        self.iter()
    }
}

/// See [`ConcurrentHashMap::iter`].
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

/// Iterators whose items own the snapshot together, so they may outlive the variable that held it.
impl<'m, K, V, H, S: Strategy> Snapshot<'m, K, V, H, S> {
    /// Iterates over all keys, as guards that own the snapshot together.
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

    /// Iterates over all values, as guards that own the snapshot together.
    pub fn into_values(self) -> RefIter<'m, K, V, H, S> {
        RefIter::new(self, |(_, value)| value)
    }
}

/// Iterates over all entries, as guards that own the snapshot together; see [`RefMulti`].
impl<'m, K, V, H, S: Strategy> IntoIterator for Snapshot<'m, K, V, H, S> {
    type Item = RefMulti<'m, K, V, H, S>;
    type IntoIter = RefIter<'m, K, V, H, S>;

    fn into_iter(self) -> Self::IntoIter {
        self.into_values()
    }
}

/// Selects the part of an entry that an item dereferences to.
type Pick<K, V, U> = fn(&(K, V)) -> &U;

/// One entry of a snapshot that several items share, from [`ConcurrentHashMap::iter`].
///
/// Dereferences to the value (an item of [`keys`](ConcurrentHashMap::keys), to the key). It may
/// make writers wait, as any [guard](crate::Snapshot).
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
    /// Always occupied: nothing changes under the guard, which is never refreshed.
    bucket: usize,
    pick: Pick<K, V, U>,
}

impl<K, V, H, S: Strategy, U: ?Sized> RefMulti<'_, K, V, H, S, U> {
    /// Returns the key and the value.
    pub fn pair(&self) -> (&K, &V) {
        let (key, value) = self.entry();
        (key, value)
    }

    /// Returns the key.
    pub fn key(&self) -> &K {
        &self.entry().0
    }

    /// Returns the value.
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

/// Compares the parts that the items dereference to.
impl<K, V, H, S: Strategy, U: ?Sized + PartialEq> PartialEq for RefMulti<'_, K, V, H, S, U> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<K, V, H, S: Strategy, U: ?Sized + Eq> Eq for RefMulti<'_, K, V, H, S, U> {}

/// Iterates over all entries of a snapshot, in arbitrary order, as guards that share it: from
/// [`iter`](ConcurrentHashMap::iter) and [`keys`](ConcurrentHashMap::keys) of a map, and
/// `into_iter` of a [`Snapshot`].
#[must_use = "an iterator does nothing until it is consumed"]
pub struct RefIter<'m, K, V, H = RandomState, S: Strategy = DefaultStrategy, U: ?Sized = V> {
    snapshot: Rc<Snapshot<'m, K, V, H, S>>,
    /// The next bucket to read, and the number of entries in it and after it.
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
