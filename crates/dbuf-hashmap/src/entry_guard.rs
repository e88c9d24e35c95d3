use core::fmt;
use core::ops::Deref;
use std::hash::RandomState;

use dbuf_core::{Lease, MappedGuard, ReaderLease, SharedLease, Version};

use crate::owner::Ptr;
use crate::{DefaultStrategy, PartGuard};

/// A look at one entry of a map. Dereferences to the value.
///
/// Holds up the writer as a [`Guard`](crate::Guard) does. [`key`](Self::key),
/// [`value`](Self::value) and [`pair`](Self::pair) hide methods of these names that the value
/// has: write `(*guard).key()` for those.
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::new();
/// writer.write().insert("a", String::from("one"));
/// let entry = reader.get("a").unwrap();
/// writer.write().insert("a", String::from("two"));
/// assert_eq!(*entry, "one");
/// assert_eq!(entry.key(), &"a");
/// ```
#[must_use = "a guard that is dropped at once has read nothing"]
pub struct EntryGuard<K, V, L: Lease> {
    inner: MappedGuard<(K, V), L>,
}

/// What [`Reader::get`](crate::Reader::get) returns.
pub type ValueGuard<'r, K, V, H = RandomState, S = DefaultStrategy> =
    EntryGuard<K, V, ReaderLease<'r, Ptr<K, V, H, S>>>;

/// What [`SharedReader::get`](crate::SharedReader::get) and
/// [`ConcurrentHashMap::get`](crate::ConcurrentHashMap::get) return.
pub type SharedValueGuard<'s, K, V, H = RandomState, S = DefaultStrategy> =
    EntryGuard<K, V, SharedLease<'s, Ptr<K, V, H, S>>>;

impl<K, V, L: Lease> EntryGuard<K, V, L> {
    #[inline]
    pub(crate) fn new(inner: MappedGuard<(K, V), L>) -> Self {
        Self { inner }
    }

    /// The key as it is stored.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.get("a").unwrap().key(), &"a");
    /// ```
    #[inline]
    pub fn key(&self) -> &K {
        &self.inner.0
    }

    /// The value.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.get("a").unwrap().value(), &1);
    /// ```
    #[inline]
    pub fn value(&self) -> &V {
        &self.inner.1
    }

    /// The key as it is stored, and the value.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.get("a").unwrap().pair(), (&"a", &1));
    /// ```
    #[inline]
    pub fn pair(&self) -> (&K, &V) {
        (self.key(), self.value())
    }

    /// The number of the publish that the guard looks at; see
    /// [`Guard::version`](crate::Guard::version). A plain load.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::ValueGuard;
    ///
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert_eq!(ValueGuard::version(&reader.get("a").unwrap()), 1);
    /// ```
    pub fn version(guard: &Self) -> Version {
        MappedGuard::version(&guard.inner)
    }

    /// Narrows the guard to a part of the value.
    ///
    /// # Panics
    ///
    /// With `f`. The guard is released then.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::ValueGuard;
    ///
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", (1, "one"));
    /// let name = ValueGuard::map(reader.get("a").unwrap(), |pair| &pair.1);
    /// assert_eq!(*name, "one");
    /// ```
    pub fn map<W: ?Sized>(guard: Self, f: impl for<'a> FnOnce(&'a V) -> &'a W) -> PartGuard<W, L> {
        PartGuard::new(MappedGuard::map(guard.inner, |(_, value), _| f(value)))
    }

    /// Narrows the guard to a part of the value that may be missing.
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
    /// use dbuf_hashmap::ValueGuard;
    ///
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", vec![1, 2]);
    /// let last = ValueGuard::try_map(reader.get("a").unwrap(), |list| list.last()).unwrap();
    /// assert_eq!(*last, 2);
    /// ```
    pub fn try_map<W: ?Sized>(
        guard: Self,
        f: impl for<'a> FnOnce(&'a V) -> Option<&'a W>,
    ) -> Result<PartGuard<W, L>, Self> {
        MappedGuard::try_map(guard.inner, |(_, value), _| f(value))
            .map(PartGuard::new)
            .map_err(Self::new)
    }
}

impl<K, V, L: Lease> Deref for EntryGuard<K, V, L> {
    type Target = V;

    #[inline]
    fn deref(&self) -> &V {
        self.value()
    }
}

impl<K, V: fmt::Debug, L: Lease> fmt::Debug for EntryGuard<K, V, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<K, V: fmt::Display, L: Lease> fmt::Display for EntryGuard<K, V, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Equal values, of any two handles.
impl<K, V, L, J, W, M> PartialEq<EntryGuard<J, W, M>> for EntryGuard<K, V, L>
where
    V: PartialEq<W>,
    L: Lease,
    M: Lease,
{
    fn eq(&self, other: &EntryGuard<J, W, M>) -> bool {
        **self == **other
    }
}

impl<K, V: Eq, L: Lease> Eq for EntryGuard<K, V, L> {}
