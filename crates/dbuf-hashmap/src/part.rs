use core::fmt;
use core::ops::Deref;
use std::hash::RandomState;

use dbuf_core::{Lease, MappedGuard, ReaderLease, SharedLease, Version};

use crate::DefaultStrategy;
use crate::owner::Ptr;

/// A look at a part of a map: what a guard was narrowed to, or an element of a set.
///
/// Holds up the writer as a [`Guard`](crate::Guard) does.
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::set::new();
/// writer.write().insert(String::from("a"));
/// let element = reader.get("a").unwrap();
/// writer.write().remove("a");
/// assert_eq!(*element, "a");
/// ```
#[must_use = "a guard that is dropped at once has read nothing"]
pub struct PartGuard<U: ?Sized, L: Lease> {
    inner: MappedGuard<U, L>,
}

/// A part of a map, seen through a [`Reader`](crate::Reader).
pub type MappedValueGuard<'r, U, K, V, H = RandomState, S = DefaultStrategy> =
    PartGuard<U, ReaderLease<'r, Ptr<K, V, H, S>>>;

/// A part of a map, seen through a [`SharedReader`](crate::SharedReader).
pub type SharedMappedValueGuard<'s, U, K, V, H = RandomState, S = DefaultStrategy> =
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
    /// use dbuf_hashmap::PartGuard;
    ///
    /// let (mut writer, reader) = dbuf_hashmap::set::new();
    /// writer.write().insert("a");
    /// assert_eq!(PartGuard::version(&reader.get("a").unwrap()), 1);
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
    /// use dbuf_hashmap::PartGuard;
    ///
    /// let (mut writer, reader) = dbuf_hashmap::set::new();
    /// writer.write().insert((1, "one"));
    /// let name = PartGuard::map(reader.get(&(1, "one")).unwrap(), |pair| &pair.1);
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
    /// use dbuf_hashmap::PartGuard;
    ///
    /// let (mut writer, reader) = dbuf_hashmap::set::new();
    /// writer.write().insert(vec![1, 2]);
    /// let list = reader.get(&[1, 2][..]).unwrap();
    /// let last = PartGuard::try_map(list, |list| list.last()).unwrap();
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

/// Equal parts, of any two handles.
impl<U, L, W, M> PartialEq<PartGuard<W, M>> for PartGuard<U, L>
where
    U: ?Sized + PartialEq<W>,
    W: ?Sized,
    L: Lease,
    M: Lease,
{
    fn eq(&self, other: &PartGuard<W, M>) -> bool {
        **self == **other
    }
}

impl<U: ?Sized + Eq, L: Lease> Eq for PartGuard<U, L> {}
