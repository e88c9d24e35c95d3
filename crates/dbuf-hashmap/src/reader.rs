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
/// One per thread is the rule: it is `Send` and cheap to clone, but not `Sync`,
/// which is what lets a read do without shared writes. A read never waits for
/// the writer.
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

    /// Looks at the map as it is published now.
    ///
    /// What the guard shows does not change while it lives: several lookups
    /// under one guard see one state. The writer can publish once more under it,
    /// and then has to wait for it; so hold it briefly.
    ///
    /// Costs what the strategy's enter costs, and its leave when the guard is dropped.
    /// Never waits, allocates or locks (unless the strategy is a lock).
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

    /// A handle for many threads: it keeps a reader for each, so that nobody has
    /// to carry one around. A read costs a thread-local look-up more.
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

    /// The hasher.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::hash::BuildHasher;
    ///
    /// let (_writer, reader) = dbuf_hashmap::new::<&str, u32>();
    /// assert_eq!(reader.hasher().hash_one("a"), reader.clone().hasher().hash_one("a"));
    /// ```
    pub fn hasher(&self) -> &H {
        self.inner.extras().hasher()
    }
}

/// What each kind of reader does with its `inner`.
macro_rules! reads {
    ($Reader:ident) => {
        impl<K, V, H, S: Strategy> $Reader<K, V, H, S> {
            /// Looks at one value. Costs a [`read`](Self::read), a hash and a look-up.
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
            /// writer.write().insert("a", vec![1, 2]);
            /// assert_eq!(reader.get_with("a", |list| list.len()), Some(2));
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
            /// writer.write().insert("a", 1);
            /// assert_eq!(reader.get_cloned("a"), Some(1));
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
            /// writer.write().insert("a", 1);
            /// assert!(reader.contains_key("a") && !reader.contains_key("b"));
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
            /// writer.write().insert("a", 1);
            /// assert_eq!(reader.len(), 1);
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
            /// writer.write().insert("a", 1);
            /// assert!(!reader.is_empty());
            /// ```
            pub fn is_empty(&self) -> bool {
                self.read().is_empty()
            }

            /// Whether the writer is gone, so that nothing will change.
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
