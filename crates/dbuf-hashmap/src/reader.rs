use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use dbuf_core::Strategy;
use dbuf_strategies::DefaultStrategy;
use equivalent::Equivalent;

use crate::entry_ref::Ref;
use crate::owner::Ptr;
use crate::shared::SharedReader;
use crate::snapshot::Snapshot;

/// A handle that reads a map.
///
/// Each thread has its own: a reader is `Send` and cheap to clone, but not `Sync`, so a read needs
/// no shared write. A read never waits for the writer.
///
/// # Examples
///
/// ```
/// use std::thread;
///
/// let (mut writer, reader) = dbuf_hashmap::new();
/// writer.write().insert("a", 1);
/// let readers = [(); 2].map(|()| {
///     let reader = reader.clone();
///     thread::spawn(move || *reader.get("a").unwrap())
/// });
/// for reader in readers {
///     assert_eq!(reader.join().unwrap(), 1);
/// }
/// ```
pub struct Reader<K, V, H = RandomState, S: Strategy = DefaultStrategy> {
    inner: dbuf_core::Reader<Ptr<K, V, H, S>>,
}

impl<K, V, H, S: Strategy> Reader<K, V, H, S> {
    pub(crate) fn new(inner: dbuf_core::Reader<Ptr<K, V, H, S>>) -> Self {
        Self { inner }
    }

    /// Returns a snapshot of the map as it is published now.
    ///
    /// A snapshot does not change while it lives, so several lookups under it see one state. Hold it
    /// briefly: the writer can publish once more under it, and then waits for it or
    /// [clones the map](crate::Builder::on_straggler).
    ///
    /// Costs the strategy's entry, and its exit when the guard is dropped. Never waits, allocates
    /// or locks (unless the strategy is a lock).
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().extend([("a", 1), ("b", 2)]);
    /// let map = reader.read();
    /// assert_eq!(map["a"] + map["b"], 3);
    /// ```
    #[doc(alias = "pin")]
    #[doc(alias = "guard")]
    #[inline]
    pub fn read(&self) -> Snapshot<'_, K, V, H, S> {
        Snapshot::new(self.inner.read_any())
    }

    /// Returns a handle for many threads, which keeps a reader for each of them. Its reads cost a
    /// thread-local lookup more.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// let shared = reader.shared();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| assert_eq!(*shared.get("a").unwrap(), 1));
    ///     scope.spawn(|| assert_eq!(shared.read().len(), 1));
    /// });
    /// ```
    #[doc(alias = "factory")]
    pub fn shared(&self) -> SharedReader<K, V, H, S> {
        SharedReader::new(self.inner.shared())
    }

    /// Returns the hasher.
    pub fn hasher(&self) -> &H {
        self.inner.extras().hasher()
    }
}

/// The methods of both kinds of reader, which use the field `inner`.
macro_rules! reads {
    ($Reader:ident) => {
        impl<K, V, H, S: Strategy> $Reader<K, V, H, S> {
            /// Returns a guard on one value, or `None`. Costs a [`read`](Self::read), a hash and a
            /// lookup.
            ///
            /// # Examples
            ///
            /// ```
            /// let (mut writer, reader) = dbuf_hashmap::new::<String, u32>();
            /// writer.write().insert("a".to_owned(), 1);
            /// assert_eq!(reader.get("a").as_deref(), Some(&1));
            /// assert!(reader.get("b").is_none());
            /// ```
            #[inline]
            pub fn get<Q>(&self, key: &Q) -> Option<Ref<'_, K, V, H, S>>
            where
                Q: Hash + Equivalent<K> + ?Sized,
                H: BuildHasher,
            {
                // Hash before taking the guard, so that no writer waits while this hashes.
                let hash = self.inner.extras().hash(key);
                Snapshot::value(self.inner.read_any(), hash, key)
            }

            /// Calls `f` with the value of a key and returns its result. The guard lives while `f`
            /// runs.
            ///
            /// # Panics
            ///
            /// If `f` panics. The guard is released then.
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

            /// Returns a clone of a value, which the writer waits for.
            #[inline]
            pub fn get_cloned<Q>(&self, key: &Q) -> Option<V>
            where
                Q: Hash + Equivalent<K> + ?Sized,
                V: Clone,
                H: BuildHasher,
            {
                self.get_with(key, V::clone)
            }

            /// Returns whether the map contains a key.
            #[inline]
            pub fn contains_key<Q>(&self, key: &Q) -> bool
            where
                Q: Hash + Equivalent<K> + ?Sized,
                H: BuildHasher,
            {
                self.get_with(key, |_| ()).is_some()
            }

            /// Returns the number of published entries.
            pub fn len(&self) -> usize {
                self.read().len()
            }

            /// Returns whether the published map has no entries.
            pub fn is_empty(&self) -> bool {
                self.read().is_empty()
            }

            /// Returns whether the writer is dropped, so that nothing will change.
            ///
            /// # Examples
            ///
            /// ```
            /// let (writer, reader) = dbuf_hashmap::new::<u32, u32>();
            /// assert!(!reader.is_closed());
            /// drop(writer);
            /// assert!(reader.is_closed());
            /// ```
            pub fn is_closed(&self) -> bool {
                self.inner.is_closed()
            }
        }
    };
}

reads!(Reader);
reads!(SharedReader);

impl<K, V, H, S: Strategy> Clone for Reader<K, V, H, S> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone())
    }
}

impl<K, V, H, S: Strategy> fmt::Debug for Reader<K, V, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
