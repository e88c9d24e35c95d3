use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use dbuf_core::Strategy;
use equivalent::Equivalent;

use crate::owner::Ptr;
use crate::{DefaultStrategy, Ref, Snapshot};

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

    /// Looks at one value. Allocates as [`read`](Self::read) does.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// let shared = reader.shared();
    /// assert_eq!(shared.get("a").as_deref(), Some(&1));
    /// assert!(shared.get("b").is_none());
    /// ```
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

    /// Calls `f` with the value of a key, and returns what it returns. The guard lives while
    /// `f` runs.
    ///
    /// # Panics
    ///
    /// With `f`. The guard is released then.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let shared = reader.shared();
    /// writer.write().insert("a", vec![1, 2]);
    /// assert_eq!(shared.get_with("a", |list| list.len()), Some(2));
    /// ```
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

    /// A clone of the value of a key, which the writer waits for.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let shared = reader.shared();
    /// writer.write().insert("a", 1);
    /// assert_eq!(shared.get_cloned("a"), Some(1));
    /// ```
    #[inline]
    pub fn get_cloned<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
        V: Clone,
        H: BuildHasher,
    {
        self.get_with(key, V::clone)
    }

    /// Whether a key is there.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let shared = reader.shared();
    /// writer.write().insert("a", 1);
    /// assert!(shared.contains_key("a") && !shared.contains_key("b"));
    /// ```
    #[inline]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
        H: BuildHasher,
    {
        self.get_with(key, |_| ()).is_some()
    }

    /// How many entries are published.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let shared = reader.shared();
    /// writer.write().insert("a", 1);
    /// assert_eq!(shared.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.read().len()
    }

    /// Whether none is.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let shared = reader.shared();
    /// writer.write().insert("a", 1);
    /// assert!(!shared.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.read().is_empty()
    }

    /// Whether the writer is gone. What it published last stays.
    ///
    /// # Examples
    ///
    /// ```
    /// let (writer, reader) = dbuf_hashmap::new::<u32, u32>();
    /// let shared = reader.shared();
    /// assert!(!shared.is_closed());
    /// drop(writer);
    /// assert!(shared.is_closed());
    /// ```
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
