//! A multi-map: a map whose values are [bags](Bag), with changes to one value of
//! a bag at a time.
//!
//! Each key has at least one value. [`Reader`], [`Snapshot`] and [`MultiMapRef`] are those of a
//! map of bags, with a few more methods.
//!
//! # Examples
//!
//! ```
//! let (mut writer, reader) = dbuf_hashmap::multimap::new();
//! let mut batch = writer.write();
//! batch.insert("fruit", "apple");
//! batch.insert("fruit", "pear");
//! batch.publish();
//! let map = reader.read();
//! assert_eq!(map["fruit"].len(), 2); // a bag is a slice
//! assert!(map.contains_value("fruit", &"pear"));
//! assert_eq!((map.len(), map.value_count()), (1, 2));
//! ```

mod bag;
mod batch;
mod read;

use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use bag::BagChange;
use dbuf_core::{BlockingStrategy, Strategy, Version};
use dbuf_strategies::DefaultStrategy;

use crate::builder::Builder;
use crate::forward::{forward_blocking_writer, forward_writer};
use crate::owner::{Log, WriterMut};

pub use bag::Bag;
pub use batch::Batch;
pub use read::{MultiMapRef, Reader, Snapshot};

/// The handle that changes a multi-map: a [`Writer`](crate::Writer) with another batch. Each
/// multi-map has exactly one.
pub struct Writer<K, V, H = RandomState, S: Strategy = DefaultStrategy> {
    inner: Log<K, Bag<V>, H, S, BagChange<V>>,
}

/// The batch of a [`Writer`].
pub type WriterBatch<'w, K, V, H = RandomState, S = DefaultStrategy> =
    Batch<WriterMut<'w, K, Bag<V>, H, S, BagChange<V>>>;

impl<K, V, H, S> Writer<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: Strategy,
{
    /// See [`Writer::try_write`](crate::Writer::try_write).
    pub fn try_write(&mut self) -> Option<WriterBatch<'_, K, V, H, S>> {
        WriterMut::try_begin(&mut self.inner).map(Batch::new)
    }

    forward_writer!();

    /// See [`Writer::published`](crate::Writer::published).
    pub fn published(&self) -> MultiMapRef<'_, K, V, H> {
        MultiMapRef::new(self.inner.front(), self.inner.extras())
    }

    /// See [`Writer::version`](crate::Writer::version).
    pub fn version(&self) -> Version {
        self.inner.as_writer().version()
    }

    /// See [`Writer::reader`](crate::Writer::reader).
    pub fn reader(&self) -> Reader<K, V, H, S> {
        Reader::new(self.inner.reader())
    }
}

impl<K, V, H, S> Writer<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    /// See [`Writer::write`](crate::Writer::write).
    pub fn write(&mut self) -> WriterBatch<'_, K, V, H, S> {
        Batch::new(WriterMut::begin(&mut self.inner))
    }

    forward_blocking_writer!(WriterBatch<'_, K, V, H, S>);
}

impl<K, V, H, S: Strategy> fmt::Debug for Writer<K, V, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// Makes an empty multi-map, as a writer and a reader; [`Builder`] offers the other choices.
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::multimap::new();
/// writer.write().insert("a", 1);
/// assert_eq!(*reader.get_one("a").unwrap(), 1);
/// ```
pub fn new<K, V>() -> (Writer<K, V>, Reader<K, V>)
where
    K: Hash + Eq + Clone,
    V: Clone,
{
    Builder::new().build_multimap()
}

impl<H: BuildHasher, S: Strategy> Builder<H, S> {
    /// Makes a multi-map, as a writer and a reader.
    ///
    /// # Panics
    ///
    /// If the strategy is not fresh: a writer of it is claimed.
    #[expect(
        clippy::type_complexity,
        reason = "two handles with all their parameters"
    )]
    pub fn build_multimap<K, V>(self) -> (Writer<K, V, H, S>, Reader<K, V, H, S>)
    where
        K: Hash + Eq + Clone,
        V: Clone,
    {
        let (log, reader, _) = self.split(false);
        (Writer { inner: log }, Reader::new(reader))
    }
}
