use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::ops::{Deref, Index};
use std::hash::RandomState;

use dbuf_core::{MappedReadGuard, ReadGuard, Strategy, Version};
use equivalent::Equivalent;

use crate::owner::Ptr;
use crate::{DefaultStrategy, Iter, Keys, MapRef, Values};

/// A look at a map, as it stood when the guard was taken.
///
/// Its methods are its own, so it does not dereference to anything. The writer
/// publishes without waiting for it, but can only write again once it is gone. A
/// guard that is passed to [`core::mem::forget`] holds the writer up until its
/// reader is dropped.
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::new();
/// writer.write().insert(1, "one");
/// let guard = reader.read();
/// writer.write().insert(2, "two");
/// assert_eq!(guard.len(), 1);
/// assert_eq!(reader.read().len(), 2);
/// ```
#[must_use = "a guard that is dropped at once has read nothing"]
pub struct MapGuard<'r, K, V, H = RandomState, S: Strategy = DefaultStrategy> {
    inner: ReadGuard<'r, Ptr<K, V, H, S>>,
}

impl<'r, K, V, H, S: Strategy> MapGuard<'r, K, V, H, S> {
    #[inline]
    pub(crate) fn new(inner: ReadGuard<'r, Ptr<K, V, H, S>>) -> Self {
        Self { inner }
    }

    /// The map that the guard shows, as a plain reference.
    #[inline]
    pub fn as_map(&self) -> MapRef<'_, K, V, H> {
        MapRef::new(&self.inner, ReadGuard::extras(&self.inner))
    }

    /// The number of the publish that the guard looks at: 0 for the empty map
    /// that was built, one more for each publish. A plain load.
    #[inline]
    pub fn version(&self) -> Version {
        ReadGuard::version(&self.inner)
    }

    /// How many entries there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.as_map().len()
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.as_map().is_empty()
    }

    /// How many entries this copy can hold before it grows.
    pub fn capacity(&self) -> usize {
        self.as_map().capacity()
    }

    /// The hasher.
    pub fn hasher(&self) -> &H {
        self.as_map().hasher()
    }

    /// All entries, in arbitrary order (which may differ from one publish to the
    /// next although nothing changed).
    pub fn iter(&self) -> Iter<'_, K, V> {
        self.as_map().iter()
    }

    /// All keys, in arbitrary order.
    pub fn keys(&self) -> Keys<'_, K, V> {
        self.as_map().keys()
    }

    /// All values, in arbitrary order.
    pub fn values(&self) -> Values<'_, K, V> {
        self.as_map().values()
    }
}

impl<K, V, H: BuildHasher, S: Strategy> MapGuard<'_, K, V, H, S> {
    /// The value of a key.
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.as_map().get(key)
    }

    /// The key as it is stored, and its value.
    #[inline]
    pub fn get_key_value<Q>(&self, key: &Q) -> Option<(&K, &V)>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.as_map().get_key_value(key)
    }

    /// Whether a key is there.
    #[inline]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.as_map().contains_key(key)
    }
}

impl<K: fmt::Debug, V: fmt::Debug, H, S: Strategy> fmt::Debug for MapGuard<'_, K, V, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_map().fmt(f)
    }
}

/// Equal entries, in whatever order.
impl<K: Hash + Eq, V: PartialEq, H: BuildHasher, S: Strategy> PartialEq
    for MapGuard<'_, K, V, H, S>
{
    fn eq(&self, other: &Self) -> bool {
        self.as_map() == other.as_map()
    }
}

impl<K: Hash + Eq, V: Eq, H: BuildHasher, S: Strategy> Eq for MapGuard<'_, K, V, H, S> {}

/// The value of a key. Panics if it is not there.
impl<K, V, H, S, Q> Index<&Q> for MapGuard<'_, K, V, H, S>
where
    H: BuildHasher,
    S: Strategy,
    Q: Hash + Equivalent<K> + ?Sized,
{
    type Output = V;

    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("no entry for this key")
    }
}

impl<'g, K, V, H, S: Strategy> IntoIterator for &'g MapGuard<'_, K, V, H, S> {
    type Item = (&'g K, &'g V);
    type IntoIter = Iter<'g, K, V>;

    fn into_iter(self) -> Iter<'g, K, V> {
        self.iter()
    }
}

/// A look at a part of a map: one value (`U = V`), or what that was narrowed to.
///
/// Holds up the writer as a [`MapGuard`] does.
#[must_use = "a guard that is dropped at once has read nothing"]
pub struct ValueGuard<'r, K, V, H = RandomState, S: Strategy = DefaultStrategy, U: ?Sized = V> {
    inner: MappedReadGuard<'r, U, Ptr<K, V, H, S>>,
}

impl<'r, K, V, H, S: Strategy, U: ?Sized> ValueGuard<'r, K, V, H, S, U> {
    #[inline]
    pub(crate) fn new(inner: MappedReadGuard<'r, U, Ptr<K, V, H, S>>) -> Self {
        Self { inner }
    }
}

impl<K, V, H, S: Strategy, U: ?Sized> Deref for ValueGuard<'_, K, V, H, S, U> {
    type Target = U;

    #[inline]
    fn deref(&self) -> &U {
        &self.inner
    }
}

impl<K, V, H, S: Strategy, U: ?Sized + fmt::Debug> fmt::Debug for ValueGuard<'_, K, V, H, S, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<K, V, H, S: Strategy, U: ?Sized + fmt::Display> fmt::Display
    for ValueGuard<'_, K, V, H, S, U>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
