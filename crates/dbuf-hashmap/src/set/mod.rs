//! A set: the map with nothing for values.
//!
//! # Examples
//!
//! ```
//! let (mut writer, reader) = dbuf_hashmap::set::new();
//! let mut batch = writer.write();
//! assert!(batch.insert("a"));
//! assert!(!batch.insert("a"));
//! batch.publish();
//! assert!(reader.contains("a"));
//! assert_eq!(reader.read().len(), 1);
//! ```

mod algebra;
mod batch;
mod concurrent;
mod reader;
mod set_ref;
mod shared;
mod snapshot;
#[cfg(feature = "async")]
mod task;
mod writes;

use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use dbuf_core::{BlockingStrategy, Published, Strategy, Version};
use dbuf_strategies::DefaultStrategy;

use crate::builder::Builder;
use crate::owner::WriterMut;

pub use batch::Batch;
pub use concurrent::{ConcurrentBatch, ConcurrentHashSet};
pub use reader::Reader;
pub use set_ref::{Iter, SetRef};
pub use shared::SharedReader;
pub use snapshot::Snapshot;
#[cfg(feature = "async")]
pub use task::TaskBatch;

/// The handle that changes a set: a [`Writer`](crate::Writer) with another batch. There is
/// one for each set.
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::set::new();
/// writer.write().insert("a");
/// assert!(reader.contains("a"));
/// ```
pub struct Writer<T, H = RandomState, S: Strategy = DefaultStrategy> {
    map: crate::Writer<T, (), H, S>,
}

/// The batch of a [`Writer`].
pub type WriterBatch<'w, T, H = RandomState, S = DefaultStrategy> =
    Batch<WriterMut<'w, T, (), H, S>>;

impl<T, H, S> Writer<T, H, S>
where
    T: Hash + Eq + Clone,
    H: BuildHasher,
    S: Strategy,
{
    /// See [`Writer::try_write`](crate::Writer::try_write).
    pub fn try_write(&mut self) -> Option<WriterBatch<'_, T, H, S>> {
        self.map.try_write().map(Batch::of)
    }

    /// See [`Writer::publish`](crate::Writer::publish).
    pub fn publish(&mut self) -> Published {
        self.map.publish()
    }

    /// See [`Writer::has_pending`](crate::Writer::has_pending).
    pub fn has_pending(&self) -> bool {
        self.map.has_pending()
    }

    /// See [`Writer::published`](crate::Writer::published).
    pub fn published(&self) -> SetRef<'_, T, H> {
        SetRef(self.map.published())
    }

    /// See [`Writer::version`](crate::Writer::version).
    pub fn version(&self) -> Version {
        self.map.version()
    }

    /// See [`Writer::reader`](crate::Writer::reader).
    pub fn reader(&self) -> Reader<T, H, S> {
        Reader::of(self.map.reader())
    }

    /// See [`Writer::stragglers`](crate::Writer::stragglers).
    pub fn stragglers(&self) -> usize {
        self.map.stragglers()
    }
}

impl<T, H, S> Writer<T, H, S>
where
    T: Hash + Eq + Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    /// See [`Writer::write`](crate::Writer::write).
    pub fn write(&mut self) -> WriterBatch<'_, T, H, S> {
        Batch::of(self.map.write())
    }

    /// See [`Writer::catch_up`](crate::Writer::catch_up).
    pub fn catch_up(&mut self) {
        self.map.catch_up();
    }

    /// See [`Writer::try_catch_up`](crate::Writer::try_catch_up).
    ///
    /// # Errors
    ///
    /// What user code panicked with.
    pub fn try_catch_up(&mut self) -> std::thread::Result<bool> {
        self.map.try_catch_up()
    }

    /// See [`Writer::transact`](crate::Writer::transact).
    ///
    /// # Errors
    ///
    /// What `f` returned.
    pub fn transact<R, E>(
        &mut self,
        f: impl FnOnce(&mut WriterBatch<'_, T, H, S>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut batch = self.write();
        batch.rollback_on_drop();
        let result = f(&mut batch)?;
        batch.publish();
        Ok(result)
    }
}

impl<T, H, S: Strategy> fmt::Debug for Writer<T, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.map.fmt(f)
    }
}

/// An empty set, as its two handles; [`Builder`] has the choices.
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::set::new();
/// writer.write().insert("a");
/// assert!(reader.contains("a"));
/// ```
pub fn new<T: Hash + Eq + Clone>() -> (Writer<T>, Reader<T>) {
    Builder::new().build_set()
}

impl<H: BuildHasher, S: Strategy> Builder<H, S> {
    /// Makes a set, as its two handles.
    ///
    /// # Panics
    ///
    /// If a writer of the strategy is claimed: it was not fresh.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::Builder::new().capacity(10).build_set();
    /// writer.write().insert("a");
    /// assert!(reader.contains("a"));
    /// ```
    pub fn build_set<T: Hash + Eq + Clone>(self) -> (Writer<T, H, S>, Reader<T, H, S>) {
        let (map, reader) = self.build();
        (Writer { map }, Reader::of(reader))
    }
}
