//! A multi-map: a map whose values are [bags](Bag), with changes to one value of
//! a bag at a time.
//!
//! A key that is there has at least one value. Reading is the map's: [`Reader`],
//! [`Snapshot`] and [`MultiMapRef`] look up bags, and have a few
//! methods more.
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
use dbuf_core::{BlockingStrategy, Published, Strategy, Version};
use dbuf_strategies::DefaultStrategy;

use crate::builder::Builder;
use crate::owner::{Log, WriterMut};

pub use bag::Bag;
pub use batch::Batch;
pub use read::{MultiMapRef, Reader, Snapshot};

/// The handle that changes a multi-map: a [`Writer`](crate::Writer) with another batch. There is
/// one for each multi-map.
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::multimap::new();
/// writer.write().insert("a", 1);
/// writer.write().insert("a", 2);
/// assert_eq!(reader.get("a").unwrap().iter().sum::<i32>(), 3);
/// ```
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

    /// See [`Writer::publish`](crate::Writer::publish).
    pub fn publish(&mut self) -> Published {
        self.inner.publish()
    }

    /// See [`Writer::has_pending`](crate::Writer::has_pending).
    pub fn has_pending(&self) -> bool {
        self.inner.has_pending()
    }

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

    /// See [`Writer::stragglers`](crate::Writer::stragglers).
    pub fn stragglers(&self) -> usize {
        self.inner.stragglers()
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

    /// See [`Writer::catch_up`](crate::Writer::catch_up).
    pub fn catch_up(&mut self) {
        self.inner.catch_up();
    }

    /// See [`Writer::try_catch_up`](crate::Writer::try_catch_up).
    ///
    /// # Errors
    ///
    /// What user code panicked with.
    pub fn try_catch_up(&mut self) -> std::thread::Result<bool> {
        self.inner.try_catch_up()
    }

    /// See [`Writer::transact`](crate::Writer::transact).
    ///
    /// # Errors
    ///
    /// What `f` returned.
    pub fn transact<R, E>(
        &mut self,
        f: impl FnOnce(&mut WriterBatch<'_, K, V, H, S>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut batch = self.write();
        batch.rollback_on_drop();
        let result = f(&mut batch)?;
        batch.publish();
        Ok(result)
    }
}

impl<K, V, H, S: Strategy> fmt::Debug for Writer<K, V, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// An empty multi-map, as its two handles; [`Builder`] has the choices.
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
    /// Makes a multi-map, as its two handles.
    ///
    /// # Panics
    ///
    /// If a writer of the strategy is claimed: it was not fresh.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::Builder::new().build_multimap();
    /// writer.write().insert("a", 1);
    /// assert_eq!(reader.get("a").unwrap().len(), 1);
    /// ```
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
