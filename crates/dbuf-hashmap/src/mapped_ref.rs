use core::fmt;
use core::ops::Deref;
use std::hash::RandomState;

use dbuf_core::{MappedAnyReadGuard, Strategy, Version};
use dbuf_strategies::DefaultStrategy;

use crate::owner::Ptr;

/// A guard on a part of a map: what a [`Ref`](crate::Ref) or a [`Snapshot`](crate::Snapshot) was
/// narrowed to (`U`), or an element of a set.
///
/// It may make the writer wait, as a [`Snapshot`](crate::Snapshot) does.
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
pub struct MappedRef<'a, U: ?Sized, K, V, H = RandomState, S: Strategy = DefaultStrategy> {
    inner: Inner<'a, U, K, V, H, S>,
}

type Inner<'a, U, K, V, H, S> = MappedAnyReadGuard<'a, U, Ptr<K, V, H, S>>;

impl<'a, U: ?Sized, K, V, H, S: Strategy> MappedRef<'a, U, K, V, H, S> {
    #[inline]
    pub(crate) fn new(inner: Inner<'a, U, K, V, H, S>) -> Self {
        Self { inner }
    }

    /// Returns the number of the publish that the guard shows; see
    /// [`Snapshot::version`](crate::Snapshot::version). A plain load.
    pub fn version(guard: &Self) -> Version {
        MappedAnyReadGuard::version(&guard.inner)
    }

    /// Narrows the guard further.
    ///
    /// # Panics
    ///
    /// If `f` panics. The guard is released then.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::MappedRef;
    ///
    /// let (mut writer, reader) = dbuf_hashmap::set::new();
    /// writer.write().insert((1, "one"));
    /// let name = MappedRef::map(reader.get(&(1, "one")).unwrap(), |pair| &pair.1);
    /// assert_eq!(*name, "one");
    /// ```
    pub fn map<W: ?Sized>(
        guard: Self,
        f: impl for<'u> FnOnce(&'u U) -> &'u W,
    ) -> MappedRef<'a, W, K, V, H, S> {
        MappedRef::new(MappedAnyReadGuard::map(guard.inner, |part, _| f(part)))
    }

    /// Narrows the guard further, to a part that may be missing.
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
    /// use dbuf_hashmap::MappedRef;
    ///
    /// let (mut writer, reader) = dbuf_hashmap::set::new();
    /// writer.write().insert(vec![1, 2]);
    /// let list = reader.get(&[1, 2][..]).unwrap();
    /// let last = MappedRef::try_map(list, |list| list.last()).unwrap();
    /// assert_eq!(*last, 2);
    /// ```
    pub fn try_map<W: ?Sized>(
        guard: Self,
        f: impl for<'u> FnOnce(&'u U) -> Option<&'u W>,
    ) -> Result<MappedRef<'a, W, K, V, H, S>, Self> {
        MappedAnyReadGuard::try_map(guard.inner, |part, _| f(part))
            .map(MappedRef::new)
            .map_err(Self::new)
    }
}

impl<U: ?Sized, K, V, H, S: Strategy> Deref for MappedRef<'_, U, K, V, H, S> {
    type Target = U;

    #[inline]
    fn deref(&self) -> &U {
        &self.inner
    }
}

impl<U: ?Sized, K, V, H, S: Strategy> AsRef<U> for MappedRef<'_, U, K, V, H, S> {
    fn as_ref(&self) -> &U {
        self
    }
}

impl<U: ?Sized + fmt::Debug, K, V, H, S: Strategy> fmt::Debug for MappedRef<'_, U, K, V, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<U: ?Sized + fmt::Display, K, V, H, S: Strategy> fmt::Display for MappedRef<'_, U, K, V, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Compares the parts, of any two handles.
impl<U, K, V, H, S, W, J, X, I, R> PartialEq<MappedRef<'_, W, J, X, I, R>>
    for MappedRef<'_, U, K, V, H, S>
where
    U: ?Sized + PartialEq<W>,
    W: ?Sized,
    S: Strategy,
    R: Strategy,
{
    fn eq(&self, other: &MappedRef<'_, W, J, X, I, R>) -> bool {
        **self == **other
    }
}

impl<U: ?Sized + Eq, K, V, H, S: Strategy> Eq for MappedRef<'_, U, K, V, H, S> {}
