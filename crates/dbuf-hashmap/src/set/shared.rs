use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use dbuf_core::Strategy;
use dbuf_strategies::DefaultStrategy;
use equivalent::Equivalent;

use super::Snapshot;
use crate::mapped_ref::MappedRef;

/// A handle that reads a set from any thread, through `&self`: from
/// [`Reader::shared`](super::Reader::shared). As the map's
/// [`SharedReader`](crate::SharedReader).
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::set::new();
/// let shared = reader.shared();
/// writer.write().insert(1);
/// std::thread::scope(|scope| {
///     scope.spawn(|| assert!(shared.contains(&1)));
/// });
/// ```
pub struct SharedReader<T, H = RandomState, S: Strategy = DefaultStrategy> {
    map: crate::SharedReader<T, (), H, S>,
}

impl<T, H, S: Strategy> SharedReader<T, H, S> {
    pub(super) fn new(map: crate::SharedReader<T, (), H, S>) -> Self {
        Self { map }
    }

    /// Looks at the set as it is published now; as the map's
    /// [`SharedReader::read`](crate::SharedReader::read).
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::set::new();
    /// writer.write().insert("a");
    /// let shared = reader.shared();
    /// assert_eq!(shared.read().len(), 1);
    /// ```
    #[inline]
    pub fn read(&self) -> Snapshot<'_, T, H, S> {
        Snapshot::new(self.map.read())
    }

    /// See [`Reader::contains`](super::Reader::contains).
    #[inline]
    pub fn contains<Q>(&self, element: &Q) -> bool
    where
        Q: Hash + Equivalent<T> + ?Sized,
        H: BuildHasher,
    {
        self.map.contains_key(element)
    }

    /// See [`Reader::len`](super::Reader::len).
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// See [`Reader::is_empty`](super::Reader::is_empty).
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// See [`Reader::get`](super::Reader::get).
    pub fn get<Q>(&self, element: &Q) -> Option<MappedRef<'_, T, T, (), H, S>>
    where
        Q: Hash + Equivalent<T> + ?Sized,
        H: BuildHasher,
    {
        crate::Snapshot::try_map(self.map.read(), |map| Some(map.get_key_value(element)?.0)).ok()
    }

    /// The reader of the map that the set is.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::set::new();
    /// writer.write().insert("a");
    /// let shared = reader.shared();
    /// assert!(shared.as_map().read().contains_key("a"));
    /// ```
    pub fn as_map(&self) -> &crate::SharedReader<T, (), H, S> {
        &self.map
    }

    /// See [`Reader::is_closed`](super::Reader::is_closed).
    pub fn is_closed(&self) -> bool {
        self.map.is_closed()
    }
}

impl<T, H, S: Strategy> Clone for SharedReader<T, H, S> {
    fn clone(&self) -> Self {
        Self::new(self.map.clone())
    }
}

impl<T, H, S: Strategy> fmt::Debug for SharedReader<T, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.map.fmt(f)
    }
}
