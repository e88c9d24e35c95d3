use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::marker::PhantomData;
use core::ops::Index;
use std::hash::RandomState;

use dbuf_core::{Lease, ReaderLease, SharedLease, Version};
use equivalent::Equivalent;

use crate::owner::Ptr;
use crate::table::{Shared, Table};
use crate::{DefaultStrategy, EntryGuard, Iter, Keys, MapRef, PartGuard, Values};

/// A look at a map, as it stood when the guard was taken: a [`MapGuard`] or a
/// [`SharedMapGuard`].
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
pub struct Guard<K, V, H, L: Lease> {
    inner: dbuf_core::Guard<L>,
    /// What the lease leads to. Named, so that they outlive every borrow of this.
    map: PhantomData<(K, V, H)>,
}

/// The guard of a [`Reader`](crate::Reader).
pub type MapGuard<'r, K, V, H = RandomState, S = DefaultStrategy> =
    Guard<K, V, H, ReaderLease<'r, Ptr<K, V, H, S>>>;

/// The guard of a [`SharedReader`](crate::SharedReader).
pub type SharedMapGuard<'s, K, V, H = RandomState, S = DefaultStrategy> =
    Guard<K, V, H, SharedLease<'s, Ptr<K, V, H, S>>>;

impl<K, V, H, L: Lease<T = Table<K, V>, X = Shared<H>>> Guard<K, V, H, L> {
    #[inline]
    pub(crate) fn new(inner: dbuf_core::Guard<L>) -> Self {
        Self {
            inner,
            map: PhantomData,
        }
    }

    /// Narrows the guard to a part of the map that may be missing: a value, or
    /// something within.
    ///
    /// # Errors
    ///
    /// The guard itself, if `f` returns `None`.
    ///
    /// # Panics
    ///
    /// With `f`. The guard is released then.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::MapGuard;
    ///
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", (1, "one"));
    /// let name = MapGuard::try_map(reader.read(), |map| Some(&map.get("a")?.1)).unwrap();
    /// assert_eq!(*name, "one");
    /// let missing = MapGuard::try_map(reader.read(), |map| map.get("b"));
    /// assert_eq!(missing.unwrap_err().len(), 1);
    /// ```
    pub fn try_map<U: ?Sized>(
        guard: Self,
        f: impl for<'a> FnOnce(MapRef<'a, K, V, H>) -> Option<&'a U>,
    ) -> Result<PartGuard<U, L>, Self> {
        dbuf_core::Guard::try_map(guard.inner, |table, shared| f(MapRef::new(table, shared)))
            .map(PartGuard::new)
            .map_err(Self::new)
    }

    /// The entry of a key, with a hash that was computed before the guard was
    /// taken.
    #[inline]
    pub(crate) fn value<Q>(
        inner: dbuf_core::Guard<L>,
        hash: u64,
        key: &Q,
    ) -> Option<EntryGuard<K, V, L>>
    where
        Q: Equivalent<K> + ?Sized,
    {
        dbuf_core::Guard::try_map(inner, |table, _| table.get(hash, key))
            .ok()
            .map(EntryGuard::new)
    }

    /// The map that the guard shows, as a plain reference.
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
        MapRef::new(&self.inner, dbuf_core::Guard::extras(&self.inner))
    }

    /// The number of the publish that the guard looks at: 0 for the empty map
    /// that was built, one more for each publish. A plain load.
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
        dbuf_core::Guard::version(&self.inner)
    }

    /// Brings the guard up to date, and returns whether it shows a newer publish than
    /// before. For a thread that reads all the time: it keeps one guard, and refreshes it
    /// where it would take a new one.
    ///
    /// While nothing was published, that is a load or two. A writer that waits for this
    /// guard is freed by its next refresh, so a reader that has nothing to do for a while
    /// must drop it. While it is kept, its thread cannot write to a
    /// [`ConcurrentHashMap`](crate::ConcurrentHashMap).
    ///
    /// # Panics
    ///
    /// With the waker of a writer that waited for the guard. The guard is up to date
    /// then.
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
        dbuf_core::Guard::refresh(&mut self.inner)
    }

    /// How many entries there are.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert_eq!(reader.read().len(), 1);
    /// ```
    #[inline]
    pub fn len(&self) -> usize {
        self.as_map().len()
    }

    /// Whether there are none.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert!(!reader.read().is_empty());
    /// ```
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.as_map().is_empty()
    }

    /// How many entries this copy can hold before it grows.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert!(reader.read().capacity() >= 1);
    /// ```
    pub fn capacity(&self) -> usize {
        self.as_map().capacity()
    }

    /// The hasher.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// use std::hash::BuildHasher;
    /// assert_eq!(reader.read().hasher().hash_one("a"), reader.hasher().hash_one("a"));
    /// ```
    pub fn hasher(&self) -> &H {
        self.as_map().hasher()
    }

    /// All entries, in arbitrary order (which may differ from one publish to the
    /// next although nothing changed).
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

    /// All keys, in arbitrary order.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert_eq!(reader.read().keys().next(), Some(&"a"));
    /// ```
    pub fn keys(&self) -> Keys<'_, K, V> {
        self.as_map().keys()
    }

    /// All values, in arbitrary order.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert_eq!(reader.read().values().sum::<i32>(), 1);
    /// ```
    pub fn values(&self) -> Values<'_, K, V> {
        self.as_map().values()
    }
}

impl<K, V, H, L> Guard<K, V, H, L>
where
    H: BuildHasher,
    L: Lease<T = Table<K, V>, X = Shared<H>>,
{
    /// The value of a key.
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

    /// The key as it is stored, and its value.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert_eq!(reader.read().get_key_value("a"), Some((&"a", &1)));
    /// ```
    #[inline]
    pub fn get_key_value<Q>(&self, key: &Q) -> Option<(&K, &V)>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.as_map().get_key_value(key)
    }

    /// Whether a key is there.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert!(reader.read().contains_key("a"));
    /// ```
    #[inline]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.as_map().contains_key(key)
    }
}

impl<K, V, H, L> fmt::Debug for Guard<K, V, H, L>
where
    K: fmt::Debug,
    V: fmt::Debug,
    L: Lease<T = Table<K, V>, X = Shared<H>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_map().fmt(f)
    }
}

/// Equal entries, in whatever order.
impl<K, V, H, I, L, M> PartialEq<Guard<K, V, I, M>> for Guard<K, V, H, L>
where
    K: Hash + Eq,
    V: PartialEq,
    H: BuildHasher,
    I: BuildHasher,
    L: Lease<T = Table<K, V>, X = Shared<H>>,
    M: Lease<T = Table<K, V>, X = Shared<I>>,
{
    fn eq(&self, other: &Guard<K, V, I, M>) -> bool {
        self.as_map() == other.as_map()
    }
}

impl<K, V, H, L> Eq for Guard<K, V, H, L>
where
    K: Hash + Eq,
    V: Eq,
    H: BuildHasher,
    L: Lease<T = Table<K, V>, X = Shared<H>>,
{
}

/// The value of a key. Panics if it is not there.
impl<K, V, H, L, Q> Index<&Q> for Guard<K, V, H, L>
where
    H: BuildHasher,
    L: Lease<T = Table<K, V>, X = Shared<H>>,
    Q: Hash + Equivalent<K> + ?Sized,
{
    type Output = V;

    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("no entry for this key")
    }
}

impl<'g, K, V, H, L> IntoIterator for &'g Guard<K, V, H, L>
where
    L: Lease<T = Table<K, V>, X = Shared<H>>,
{
    type Item = (&'g K, &'g V);
    type IntoIter = Iter<'g, K, V>;

    fn into_iter(self) -> Iter<'g, K, V> {
        self.iter()
    }
}
