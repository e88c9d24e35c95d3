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

pub use batch::Batch;
pub use concurrent::{ConcurrentBatch, ConcurrentHashSet};
pub use reader::Reader;
pub use set_ref::{Iter, SetRef};
pub use shared::SharedReader;
pub use snapshot::Snapshot;
#[cfg(feature = "async")]
pub use task::TaskBatch;

use crate::layer::layer_writer;
use crate::op::Whole;
use crate::owner::{Log, Ptr, WriterMut};
use crate::{Builder, DefaultStrategy};

layer_writer! {
    /// The handle that changes a set. There is one for each set.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::set::new();
    /// let refused = writer.transact(|batch| {
    ///     batch.insert(1);
    ///     if batch.insert(1) { Ok(()) } else { Err("twice") }
    /// });
    /// assert_eq!(refused, Err("twice"));
    /// assert!(reader.read().is_empty());
    /// ```
    Writer<T: [Hash, Eq, Clone]> of T, (), Whole;
    published SetRef;
    example "set", "\"a\""
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
        let (writer, reader) = self.split(false);
        (Writer::new(writer), Reader::new(reader))
    }
}
