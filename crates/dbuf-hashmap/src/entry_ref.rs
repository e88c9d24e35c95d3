use core::fmt;
use core::ops::Deref;
use std::hash::RandomState;

use dbuf_core::{MappedAnyReadGuard, Strategy, Version};
use dbuf_strategies::DefaultStrategy;

use crate::mapped_ref::MappedRef;
use crate::owner::Ptr;

/// A guard on one entry of a map. Dereferences to the value.
///
/// It may make the writer wait, as a [`Snapshot`](crate::Snapshot) does. [`key`](Self::key),
/// [`value`](Self::value) and [`pair`](Self::pair) hide methods of the value with these names:
/// write `(*guard).key()` to call those.
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
pub struct Ref<'a, K, V, H = RandomState, S: Strategy = DefaultStrategy> {
    inner: Inner<'a, K, V, H, S>,
}

type Inner<'a, K, V, H, S> = MappedAnyReadGuard<'a, (K, V), Ptr<K, V, H, S>>;

impl<'a, K, V, H, S: Strategy> Ref<'a, K, V, H, S> {
    #[inline]
    pub(crate) fn new(inner: Inner<'a, K, V, H, S>) -> Self {
        Self { inner }
    }

    /// Returns the stored key.
    #[inline]
    pub fn key(&self) -> &K {
        &self.inner.0
    }

    /// Returns the value.
    #[inline]
    pub fn value(&self) -> &V {
        &self.inner.1
    }

    /// Returns the stored key and the value.
    #[inline]
    pub fn pair(&self) -> (&K, &V) {
        (self.key(), self.value())
    }

    /// Returns the number of the publish that the guard shows; see
    /// [`Snapshot::version`](crate::Snapshot::version). A plain load.
    pub fn version(guard: &Self) -> Version {
        MappedAnyReadGuard::version(&guard.inner)
    }

    /// Narrows the guard to a part of the value.
    ///
    /// # Panics
    ///
    /// If `f` panics. The guard is released then.
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
        f: impl for<'v> FnOnce(&'v V) -> &'v W,
    ) -> MappedRef<'a, W, K, V, H, S> {
        MappedRef::new(MappedAnyReadGuard::map(guard.inner, |(_, value), _| {
            f(value)
        }))
    }

    /// Narrows the guard to a part of the value that may be missing.
    ///
    /// # Errors
    ///
    /// Returns the guard itself if `f` returns `None`.
    ///
    /// # Panics
    ///
    /// If `f` panics. The guard is released then.
    pub fn try_map<W: ?Sized>(
        guard: Self,
        f: impl for<'v> FnOnce(&'v V) -> Option<&'v W>,
    ) -> Result<MappedRef<'a, W, K, V, H, S>, Self> {
        MappedAnyReadGuard::try_map(guard.inner, |(_, value), _| f(value))
            .map(MappedRef::new)
            .map_err(Self::new)
    }
}

impl<K, V, H, S: Strategy> Deref for Ref<'_, K, V, H, S> {
    type Target = V;

    #[inline]
    fn deref(&self) -> &V {
        self.value()
    }
}

impl<K, V, H, S: Strategy> AsRef<V> for Ref<'_, K, V, H, S> {
    fn as_ref(&self) -> &V {
        self
    }
}

impl<K, V: fmt::Debug, H, S: Strategy> fmt::Debug for Ref<'_, K, V, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<K, V: fmt::Display, H, S: Strategy> fmt::Display for Ref<'_, K, V, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Compares the values, of any two handles.
impl<K, V, H, S, J, W, I, R> PartialEq<Ref<'_, J, W, I, R>> for Ref<'_, K, V, H, S>
where
    V: PartialEq<W>,
    S: Strategy,
    R: Strategy,
{
    fn eq(&self, other: &Ref<'_, J, W, I, R>) -> bool {
        **self == **other
    }
}

impl<K, V: Eq, H, S: Strategy> Eq for Ref<'_, K, V, H, S> {}
