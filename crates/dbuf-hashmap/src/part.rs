use core::fmt;
use core::ops::Deref;
use std::hash::RandomState;

use dbuf_core::{Lease, MappedGuard, ReaderLease, SharedLease, Version};

use crate::DefaultStrategy;
use crate::owner::Ptr;

/// A look at a part of a map: one value, or what that was narrowed to.
///
/// Holds up the writer as a [`Guard`](crate::Guard) does.
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::new();
/// writer.write().insert("a", String::from("one"));
/// let value = reader.get("a").unwrap();
/// writer.write().insert("a", String::from("two"));
/// assert_eq!(*value, "one");
/// ```
#[must_use = "a guard that is dropped at once has read nothing"]
pub struct PartGuard<U: ?Sized, L: Lease> {
    inner: MappedGuard<U, L>,
}

/// What [`Reader::get`](crate::Reader::get) returns.
pub type ValueGuard<'r, K, V, H = RandomState, S = DefaultStrategy, U = V> =
    PartGuard<U, ReaderLease<'r, Ptr<K, V, H, S>>>;

/// What [`SharedReader::get`](crate::SharedReader::get) returns.
pub type SharedValueGuard<'s, K, V, H = RandomState, S = DefaultStrategy, U = V> =
    PartGuard<U, SharedLease<'s, Ptr<K, V, H, S>>>;

impl<U: ?Sized, L: Lease> PartGuard<U, L> {
    #[inline]
    pub(crate) fn new(inner: MappedGuard<U, L>) -> Self {
        Self { inner }
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
    /// let value = reader.get("a").unwrap();
    /// assert_eq!(ValueGuard::version(&value), 1);
    /// ```
    pub fn version(guard: &Self) -> Version {
        MappedGuard::version(&guard.inner)
    }

    /// Narrows the guard further.
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
    pub fn map<W: ?Sized>(guard: Self, f: impl for<'a> FnOnce(&'a U) -> &'a W) -> PartGuard<W, L> {
        PartGuard::new(MappedGuard::map(guard.inner, |part, _| f(part)))
    }

    /// Narrows the guard further, to a part that may be missing.
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
        f: impl for<'a> FnOnce(&'a U) -> Option<&'a W>,
    ) -> Result<PartGuard<W, L>, Self> {
        MappedGuard::try_map(guard.inner, |part, _| f(part))
            .map(PartGuard::new)
            .map_err(Self::new)
    }
}

impl<U: ?Sized, L: Lease> Deref for PartGuard<U, L> {
    type Target = U;

    #[inline]
    fn deref(&self) -> &U {
        &self.inner
    }
}

impl<U: ?Sized + fmt::Debug, L: Lease> fmt::Debug for PartGuard<U, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<U: ?Sized + fmt::Display, L: Lease> fmt::Display for PartGuard<U, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
