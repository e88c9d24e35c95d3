use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::ops::Index;
use std::hash::RandomState;

use dbuf_core::{AnyReadGuard, Strategy, Version};
use dbuf_strategies::DefaultStrategy;
use equivalent::Equivalent;

use crate::entry_ref::Ref;
use crate::iter::{Iter, Keys, Values};
use crate::map_ref::MapRef;
use crate::mapped_ref::MappedRef;
use crate::owner::Ptr;

/// A guard on one published state of a map, from `read` of a map or a reader.
///
/// It has its own methods and does not dereference. A publish does not wait for a
/// snapshot. The write after it does, for at most 100 ms by default, and then
/// [clones the map](crate::Builder::on_straggler). A snapshot that is passed to
/// [`core::mem::forget`] keeps its copy until its reader is dropped.
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
pub struct Snapshot<'a, K, V, H = RandomState, S: Strategy = DefaultStrategy> {
    inner: Inner<'a, K, V, H, S>,
}

type Inner<'a, K, V, H, S> = AnyReadGuard<'a, Ptr<K, V, H, S>>;

impl<'a, K, V, H, S: Strategy> Snapshot<'a, K, V, H, S> {
    #[inline]
    pub(crate) fn new(inner: Inner<'a, K, V, H, S>) -> Self {
        Self { inner }
    }

    /// Narrows the guard to a part of the map that may be missing: a value, or something within.
    ///
    /// # Errors
    ///
    /// Returns the guard itself if `f` returns `None`.
    ///
    /// # Panics
    ///
    /// If `f` panics. The guard is released then.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::Snapshot;
    ///
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", (1, "one"));
    /// let name = Snapshot::try_map(reader.read(), |map| Some(&map.get("a")?.1)).unwrap();
    /// assert_eq!(*name, "one");
    /// let missing = Snapshot::try_map(reader.read(), |map| map.get("b"));
    /// assert_eq!(missing.unwrap_err().len(), 1);
    /// ```
    pub fn try_map<U: ?Sized>(
        guard: Self,
        f: impl for<'m> FnOnce(MapRef<'m, K, V, H>) -> Option<&'m U>,
    ) -> Result<MappedRef<'a, U, K, V, H, S>, Self> {
        AnyReadGuard::try_map(guard.inner, |table, shared| f(MapRef::new(table, shared)))
            .map(MappedRef::new)
            .map_err(Self::new)
    }

    /// Returns a guard on the value of a key, with a hash that was computed before the guard was
    /// taken.
    #[inline]
    pub(crate) fn value<Q>(
        inner: Inner<'a, K, V, H, S>,
        hash: u64,
        key: &Q,
    ) -> Option<Ref<'a, K, V, H, S>>
    where
        Q: Equivalent<K> + ?Sized,
    {
        AnyReadGuard::try_map(inner, |table, _| table.get(hash, key))
            .ok()
            .map(Ref::new)
    }

    /// Returns the map that the guard shows, as a plain reference.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// let guard = reader.read();
    /// let map = guard.as_map(); // copyable
    /// assert_eq!(map.get("a"), Some(&1));
    /// ```
    #[inline]
    pub fn as_map(&self) -> MapRef<'_, K, V, H> {
        MapRef::new(&self.inner, AnyReadGuard::extras(&self.inner))
    }

    /// Returns the number of the publish that the guard shows: 0 for the empty map that was built,
    /// one more for each publish. A plain load.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let before = reader.read().version();
    /// writer.write().insert("a", 1);
    /// assert_eq!(reader.read().version(), before + 1);
    /// ```
    #[inline]
    pub fn version(&self) -> Version {
        AnyReadGuard::version(&self.inner)
    }

    /// Returns the number that the last batch gave the map
    /// ([`Batch::set_revision`](crate::Batch::set_revision)); 0 before. A plain load.
    #[inline]
    pub fn revision(&self) -> u64 {
        self.as_map().revision()
    }

    /// Moves the guard to the newest publish, and returns whether that is newer than before. A
    /// thread that reads all the time keeps one guard and refreshes it instead of taking new ones.
    ///
    /// If nothing was published, it costs a load and a comparison. A writer that waits for this
    /// guard continues at its next refresh, so a reader that pauses must drop the guard. For writes
    /// of its own thread, see [`ConcurrentHashMap`](crate::ConcurrentHashMap#guards-and-writes).
    ///
    /// # Panics
    ///
    /// If the waker of a writer that waited for the guard panics. The guard is up to date then.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let mut guard = reader.read();
    /// writer.write().insert("a", 1);
    /// assert!(guard.is_empty());
    /// assert!(guard.refresh());
    /// assert_eq!(guard["a"], 1);
    /// assert!(!guard.refresh());
    /// ```
    #[inline]
    pub fn refresh(&mut self) -> bool {
        AnyReadGuard::refresh(&mut self.inner)
    }

    /// Returns the number of entries.
    #[inline]
    pub fn len(&self) -> usize {
        self.as_map().len()
    }

    /// Returns whether the map has no entries.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.as_map().is_empty()
    }

    /// Returns how many entries this copy can hold before it grows.
    pub fn capacity(&self) -> usize {
        self.as_map().capacity()
    }

    /// Returns the hasher.
    pub fn hasher(&self) -> &H {
        self.as_map().hasher()
    }

    /// Iterates over all entries, in arbitrary order, which may change with a publish even if the
    /// entries do not.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert_eq!(reader.read().iter().next(), Some((&"a", &1)));
    /// ```
    pub fn iter(&self) -> Iter<'_, K, V> {
        self.as_map().iter()
    }

    /// Iterates over all keys, in arbitrary order.
    pub fn keys(&self) -> Keys<'_, K, V> {
        self.as_map().keys()
    }

    /// Iterates over all values, in arbitrary order.
    pub fn values(&self) -> Values<'_, K, V> {
        self.as_map().values()
    }
}

impl<K, V, H, S> Snapshot<'_, K, V, H, S>
where
    H: BuildHasher,
    S: Strategy,
{
    /// Returns the value of a key.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert_eq!(reader.read().get("a"), Some(&1));
    /// ```
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.as_map().get(key)
    }

    /// Returns the stored key and its value.
    #[inline]
    pub fn get_key_value<Q>(&self, key: &Q) -> Option<(&K, &V)>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.as_map().get_key_value(key)
    }

    /// Returns whether the map contains a key.
    #[inline]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.as_map().contains_key(key)
    }
}

impl<K, V, H, S> fmt::Debug for Snapshot<'_, K, V, H, S>
where
    K: fmt::Debug,
    V: fmt::Debug,
    S: Strategy,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_map().fmt(f)
    }
}

/// Compares the entries, in any order.
impl<K, V, H, I, S, R> PartialEq<Snapshot<'_, K, V, I, R>> for Snapshot<'_, K, V, H, S>
where
    K: Hash + Eq,
    V: PartialEq,
    H: BuildHasher,
    I: BuildHasher,
    S: Strategy,
    R: Strategy,
{
    fn eq(&self, other: &Snapshot<'_, K, V, I, R>) -> bool {
        self.as_map() == other.as_map()
    }
}

impl<K, V, H, S> Eq for Snapshot<'_, K, V, H, S>
where
    K: Hash + Eq,
    V: Eq,
    H: BuildHasher,
    S: Strategy,
{
}

/// Returns the value of a key. Panics if the key is not there.
impl<K, V, H, S, Q> Index<&Q> for Snapshot<'_, K, V, H, S>
where
    H: BuildHasher,
    S: Strategy,
    Q: Hash + Equivalent<K> + ?Sized,
{
    type Output = V;

    #[track_caller]
    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("no entry for this key")
    }
}

impl<'g, K, V, H, S: Strategy> IntoIterator for &'g Snapshot<'_, K, V, H, S> {
    type Item = (&'g K, &'g V);
    type IntoIter = Iter<'g, K, V>;

    fn into_iter(self) -> Iter<'g, K, V> {
        self.iter()
    }
}
