use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use dbuf_core::Strategy;
use dbuf_strategies::DefaultStrategy;
use equivalent::Equivalent;

use super::{SharedReader, Snapshot};
use crate::mapped_ref::MappedRef;

/// A handle that reads a set. As the map's [`Reader`](crate::Reader).
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::set::new::<String>();
/// writer.write().insert("a".to_owned());
/// assert!(reader.contains("a"));
/// assert_eq!(*reader.get("a").unwrap(), "a");
/// ```
pub struct Reader<T, H = RandomState, S: Strategy = DefaultStrategy> {
    map: crate::Reader<T, (), H, S>,
}

impl<T, H, S: Strategy> Reader<T, H, S> {
    /// The reader of the map that the set is.
    pub(super) fn of(map: crate::Reader<T, (), H, S>) -> Self {
        Self { map }
    }

    /// Looks at the set as it is published now; as the map's
    /// [`Reader::read`](crate::Reader::read).
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::set::new();
    /// writer.write().insert("a");
    /// assert_eq!(reader.read().len(), 1);
    /// ```
    #[inline]
    pub fn read(&self) -> Snapshot<'_, T, H, S> {
        Snapshot::new(self.map.read())
    }

    /// A handle for many threads; as the map's
    /// [`Reader::shared`](crate::Reader::shared).
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::set::new();
    /// writer.write().insert("a");
    /// let shared = reader.shared();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| assert!(shared.contains("a")));
    /// });
    /// ```
    pub fn shared(&self) -> SharedReader<T, H, S> {
        SharedReader::new(self.map.shared())
    }

    /// The reader of the map that the set is.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::set::new();
    /// writer.write().insert("a");
    /// assert!(reader.as_map().read().contains_key("a"));
    /// ```
    pub fn as_map(&self) -> &crate::Reader<T, (), H, S> {
        &self.map
    }

    /// The hasher.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::hash::BuildHasher;
    ///
    /// let (_writer, reader) = dbuf_hashmap::set::new::<&str>();
    /// assert_eq!(reader.hasher().hash_one("a"), reader.clone().hasher().hash_one("a"));
    /// ```
    pub fn hasher(&self) -> &H {
        self.map.hasher()
    }
}

/// What each kind of reader does with its `map`.
macro_rules! reads {
    ($Reader:ident) => {
        impl<T, H, S: Strategy> $Reader<T, H, S> {
            /// Whether an element is there.
            ///
            /// # Examples
            ///
            /// ```
            /// let (mut writer, reader) = dbuf_hashmap::set::new();
            /// writer.write().insert("a");
            /// assert!(reader.contains("a") && !reader.contains("b"));
            /// ```
            #[inline]
            pub fn contains<Q>(&self, element: &Q) -> bool
            where
                Q: Hash + Equivalent<T> + ?Sized,
                H: BuildHasher,
            {
                self.map.contains_key(element)
            }

            /// How many elements are published.
            ///
            /// # Examples
            ///
            /// ```
            /// let (mut writer, reader) = dbuf_hashmap::set::new();
            /// writer.write().insert("a");
            /// assert_eq!(reader.len(), 1);
            /// ```
            pub fn len(&self) -> usize {
                self.map.len()
            }

            /// Whether none is.
            ///
            /// # Examples
            ///
            /// ```
            /// let (mut writer, reader) = dbuf_hashmap::set::new();
            /// writer.write().insert("a");
            /// assert!(!reader.is_empty());
            /// ```
            pub fn is_empty(&self) -> bool {
                self.map.is_empty()
            }

            /// Looks at the element as it is stored.
            ///
            /// # Examples
            ///
            /// ```
            /// let (mut writer, reader) = dbuf_hashmap::set::new();
            /// writer.write().insert("a");
            /// assert_eq!(reader.get("a").as_deref(), Some(&"a"));
            /// ```
            pub fn get<Q>(&self, element: &Q) -> Option<MappedRef<'_, T, T, (), H, S>>
            where
                Q: Hash + Equivalent<T> + ?Sized,
                H: BuildHasher,
            {
                crate::Snapshot::try_map(self.map.read(), |map| Some(map.get_key_value(element)?.0))
                    .ok()
            }

            /// Whether the writer is gone, so that nothing will change.
            ///
            /// # Examples
            ///
            /// ```
            /// let (mut writer, reader) = dbuf_hashmap::set::new();
            /// writer.write().insert("a");
            /// assert!(!reader.is_closed());
            /// drop(writer);
            /// assert!(reader.is_closed());
            /// ```
            pub fn is_closed(&self) -> bool {
                self.map.is_closed()
            }
        }
    };
}

reads!(Reader);
reads!(SharedReader);

impl<T, H, S: Strategy> Clone for Reader<T, H, S> {
    fn clone(&self) -> Self {
        Self {
            map: self.map.clone(),
        }
    }
}

impl<T, H, S: Strategy> fmt::Debug for Reader<T, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.map.fmt(f)
    }
}
