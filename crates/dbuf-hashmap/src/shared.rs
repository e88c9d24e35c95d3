use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use dbuf_core::Strategy;
use dbuf_strategies::DefaultStrategy;
use equivalent::Equivalent;

use crate::entry_ref::Ref;
use crate::owner::Ptr;
use crate::snapshot::Snapshot;

/// A handle that reads a map from any thread, through `&self`: from
/// [`Reader::shared`](crate::Reader::shared).
///
/// It keeps a reader for each thread that reads. Clones share them.
///
/// # Examples
///
/// ```
/// use std::sync::LazyLock;
///
/// use dbuf_hashmap::SharedReader;
///
/// static PRICES: LazyLock<SharedReader<&str, u32>> = LazyLock::new(|| {
///     let (mut writer, reader) = dbuf_hashmap::new();
///     writer.write().insert("apple", 3);
///     reader.shared()
/// });
///
/// assert_eq!(PRICES.get("apple").as_deref(), Some(&3));
/// ```
#[doc(alias = "ReadHandleFactory")]
pub struct SharedReader<K, V, H = RandomState, S: Strategy = DefaultStrategy> {
    pub(crate) inner: dbuf_core::SharedReader<Ptr<K, V, H, S>>,
}

impl<K, V, H, S: Strategy> SharedReader<K, V, H, S> {
    pub(crate) fn new(inner: dbuf_core::SharedReader<Ptr<K, V, H, S>>) -> Self {
        Self { inner }
    }

    /// Looks at the map as it is published now; as
    /// [`Reader::read`](crate::Reader::read).
    ///
    /// The first read of a thread registers a reader and allocates.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// let shared = reader.shared();
    /// assert_eq!(shared.read()["a"], 1);
    /// ```
    #[doc(alias = "pin")]
    #[doc(alias = "guard")]
    #[inline]
    pub fn read(&self) -> Snapshot<'_, K, V, H, S> {
        Snapshot::new(self.inner.read_any())
    }

    /// See [`Reader::get`](crate::Reader::get).
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Option<Ref<'_, K, V, H, S>>
    where
        Q: Hash + Equivalent<K> + ?Sized,
        H: BuildHasher,
    {
        // Before the guard: the writer waits for none that is still hashing.
        let hash = self.inner.extras().hash(key);
        Snapshot::value(self.inner.read_any(), hash, key)
    }

    /// See [`Reader::get_with`](crate::Reader::get_with).
    #[inline]
    pub fn get_with<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
        H: BuildHasher,
    {
        let hash = self.inner.extras().hash(key);
        let table = self.inner.read();
        table.get(hash, key).map(|(_, value)| f(value))
    }

    /// See [`Reader::get_cloned`](crate::Reader::get_cloned).
    #[inline]
    pub fn get_cloned<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
        V: Clone,
        H: BuildHasher,
    {
        self.get_with(key, V::clone)
    }

    /// See [`Reader::contains_key`](crate::Reader::contains_key).
    #[inline]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
        H: BuildHasher,
    {
        self.get_with(key, |_| ()).is_some()
    }

    /// See [`Reader::len`](crate::Reader::len).
    pub fn len(&self) -> usize {
        self.read().len()
    }

    /// See [`Reader::is_empty`](crate::Reader::is_empty).
    pub fn is_empty(&self) -> bool {
        self.read().is_empty()
    }

    /// See [`Reader::is_closed`](crate::Reader::is_closed).
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }
}

impl<K, V, H, S: Strategy> Clone for SharedReader<K, V, H, S> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone())
    }
}

impl<K, V, H, S: Strategy> fmt::Debug for SharedReader<K, V, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
