use core::fmt;
use std::hash::RandomState;

use dbuf_core::Strategy;
use dbuf_strategies::DefaultStrategy;

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

    /// See [`Reader::read`](crate::Reader::read). The first read of a thread registers a reader and
    /// allocates.
    #[doc(alias = "pin")]
    #[doc(alias = "guard")]
    #[inline]
    pub fn read(&self) -> Snapshot<'_, K, V, H, S> {
        Snapshot::new(self.inner.read_any())
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
