use core::fmt;
use std::hash::RandomState;

use dbuf_core::Strategy;
use dbuf_strategies::DefaultStrategy;

use super::Snapshot;

/// A handle that reads a set from any thread, through `&self`: from
/// [`Reader::shared`](super::Reader::shared). See the map's [`SharedReader`](crate::SharedReader).
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
    pub(super) map: crate::SharedReader<T, (), H, S>,
}

impl<T, H, S: Strategy> SharedReader<T, H, S> {
    pub(super) fn new(map: crate::SharedReader<T, (), H, S>) -> Self {
        Self { map }
    }

    /// See the map's [`SharedReader::read`](crate::SharedReader::read).
    #[inline]
    pub fn read(&self) -> Snapshot<'_, T, H, S> {
        Snapshot::new(self.map.read())
    }

    /// Returns the reader of the map without values that the set is.
    pub fn as_map(&self) -> &crate::SharedReader<T, (), H, S> {
        &self.map
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
