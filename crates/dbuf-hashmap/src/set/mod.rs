//! A set: a map without values.
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
mod traits;

use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use dbuf_core::{BlockingStrategy, Strategy, Version};
use dbuf_strategies::DefaultStrategy;

use crate::builder::Builder;
use crate::forward::{forward_blocking_writer, forward_writer};
use crate::owner::WriterMut;

pub use batch::Batch;
pub use concurrent::{ConcurrentBatch, ConcurrentHashSet};
pub use reader::Reader;
pub use set_ref::{Iter, SetRef};
pub use shared::SharedReader;
pub use snapshot::Snapshot;
#[cfg(feature = "async")]
pub use task::TaskBatch;

/// The handle that changes a set: a [`Writer`](crate::Writer) with another batch. Each set has
/// exactly one.
pub struct Writer<T, H = RandomState, S: Strategy = DefaultStrategy> {
    inner: crate::Writer<T, (), H, S>,
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
        self.inner.try_write().map(Batch::of)
    }

    forward_writer!();

    /// See [`Writer::published`](crate::Writer::published).
    pub fn published(&self) -> SetRef<'_, T, H> {
        SetRef(self.inner.published())
    }

    /// See [`Writer::version`](crate::Writer::version).
    pub fn version(&self) -> Version {
        self.inner.version()
    }

    /// See [`Writer::reader`](crate::Writer::reader).
    pub fn reader(&self) -> Reader<T, H, S> {
        Reader::of(self.inner.reader())
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
        Batch::of(self.inner.write())
    }

    forward_blocking_writer!(WriterBatch<'_, T, H, S>);
}

impl<T, H, S: Strategy> fmt::Debug for Writer<T, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// Makes an empty set, as a writer and a reader; [`Builder`] offers the other choices.
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
    /// Makes a set, as a writer and a reader.
    ///
    /// # Panics
    ///
    /// If the strategy is not fresh: a writer of it is claimed.
    pub fn build_set<T: Hash + Eq + Clone>(self) -> (Writer<T, H, S>, Reader<T, H, S>) {
        let (map, reader) = self.build();
        (Writer { inner: map }, Reader::of(reader))
    }
}
