use core::fmt;
use core::ops::Deref;
use std::hash::RandomState;

use dbuf_core::{AnyLease, MappedGuard, Strategy, Version};

use crate::DefaultStrategy;
use crate::owner::Ptr;

/// A look at a part of a map: one value, or what that was narrowed to (`U`). What `get`
/// returns, of a map or of a reader.
///
/// Holds up the writer as a [`Snapshot`](crate::Snapshot) does.
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
pub struct Ref<'a, K, V, H = RandomState, S: Strategy = DefaultStrategy, U: ?Sized = V> {
    inner: Inner<'a, K, V, H, S, U>,
}

type Inner<'a, K, V, H, S, U> = MappedGuard<U, AnyLease<'a, Ptr<K, V, H, S>>>;

impl<'a, K, V, H, S: Strategy, U: ?Sized> Ref<'a, K, V, H, S, U> {
    #[inline]
    pub(crate) fn new(inner: Inner<'a, K, V, H, S, U>) -> Self {
        Self { inner }
    }

    /// The number of the publish that the guard looks at; see
    /// [`Snapshot::version`](crate::Snapshot::version). A plain load.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::Ref;
    ///
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// let value = reader.get("a").unwrap();
    /// assert_eq!(Ref::version(&value), 1);
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
    /// use dbuf_hashmap::Ref;
    ///
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", (1, "one"));
    /// let name = Ref::map(reader.get("a").unwrap(), |pair| &pair.1);
    /// assert_eq!(*name, "one");
    /// ```
    pub fn map<W: ?Sized>(
        guard: Self,
        f: impl for<'u> FnOnce(&'u U) -> &'u W,
    ) -> Ref<'a, K, V, H, S, W> {
        Ref::new(MappedGuard::map(guard.inner, |part, _| f(part)))
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
    /// use dbuf_hashmap::Ref;
    ///
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", vec![1, 2]);
    /// let last = Ref::try_map(reader.get("a").unwrap(), |list| list.last()).unwrap();
    /// assert_eq!(*last, 2);
    /// ```
    pub fn try_map<W: ?Sized>(
        guard: Self,
        f: impl for<'u> FnOnce(&'u U) -> Option<&'u W>,
    ) -> Result<Ref<'a, K, V, H, S, W>, Self> {
        MappedGuard::try_map(guard.inner, |part, _| f(part))
            .map(Ref::new)
            .map_err(Self::new)
    }
}

impl<K, V, H, S: Strategy, U: ?Sized> Deref for Ref<'_, K, V, H, S, U> {
    type Target = U;

    #[inline]
    fn deref(&self) -> &U {
        &self.inner
    }
}

impl<K, V, H, S: Strategy, U: ?Sized> AsRef<U> for Ref<'_, K, V, H, S, U> {
    fn as_ref(&self) -> &U {
        self
    }
}

impl<K, V, H, S: Strategy, U: ?Sized + fmt::Debug> fmt::Debug for Ref<'_, K, V, H, S, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<K, V, H, S: Strategy, U: ?Sized + fmt::Display> fmt::Display for Ref<'_, K, V, H, S, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
