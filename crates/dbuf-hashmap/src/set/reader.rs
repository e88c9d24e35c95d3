use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use dbuf_core::Strategy;
use dbuf_strategies::DefaultStrategy;
use equivalent::Equivalent;

use super::{SharedReader, Snapshot};
use crate::mapped_ref::MappedRef;

/// A handle that reads a set; see the map's [`Reader`](crate::Reader).
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
    /// Makes a reader of a set from the reader of its map.
    pub(super) fn of(map: crate::Reader<T, (), H, S>) -> Self {
        Self { map }
    }

    /// Returns a snapshot of the set; see the map's [`Reader::read`](crate::Reader::read).
    #[inline]
    pub fn read(&self) -> Snapshot<'_, T, H, S> {
        Snapshot::new(self.map.read())
    }

    /// See the map's [`Reader::shared`](crate::Reader::shared).
    pub fn shared(&self) -> SharedReader<T, H, S> {
        SharedReader::new(self.map.shared())
    }

    /// Returns the reader of the map without values that the set is.
    pub fn as_map(&self) -> &crate::Reader<T, (), H, S> {
        &self.map
    }

    /// Returns the hasher.
    pub fn hasher(&self) -> &H {
        self.map.hasher()
    }
}

/// The methods of both kinds of reader, which use the field `map`.
macro_rules! reads {
    ($Reader:ident) => {
        impl<T, H, S: Strategy> $Reader<T, H, S> {
            /// Returns whether the set contains an element.
            #[inline]
            pub fn contains<Q>(&self, element: &Q) -> bool
            where
                Q: Hash + Equivalent<T> + ?Sized,
                H: BuildHasher,
            {
                self.map.contains_key(element)
            }

            /// Returns the number of published elements.
            pub fn len(&self) -> usize {
                self.map.len()
            }

            /// Returns whether the published set has no elements.
            pub fn is_empty(&self) -> bool {
                self.map.is_empty()
            }

            /// Returns a guard on the stored element.
            pub fn get<Q>(&self, element: &Q) -> Option<MappedRef<'_, T, T, (), H, S>>
            where
                Q: Hash + Equivalent<T> + ?Sized,
                H: BuildHasher,
            {
                crate::Snapshot::try_map(self.map.read(), |map| Some(map.get_key_value(element)?.0))
                    .ok()
            }

            /// Returns whether the writer is dropped, so that nothing will change.
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
