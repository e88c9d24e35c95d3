//! A batch: what it sees and how it ends. Its changes are in `single`, `compute`, `lend`,
//! `entry` and `bulk`.

mod bulk;
mod compute;
mod drain;
mod entry;
mod error;
mod extract;
mod lend;
mod single;

use core::fmt;
use core::hash::Hash;
use core::ops::Index;
use std::hash::RandomState;

use dbuf_strategies::DefaultStrategy;
use equivalent::Equivalent;

use crate::garbage::Garbage;
use crate::iter::{Iter, Keys, Values};
use crate::map_ref::MapRef;
use crate::owner::{Owner, WriterMut};
use crate::table::Table;

pub use compute::Operation;
pub use drain::Drain;
pub use entry::{Entry, OccupiedEntry, VacantEntry};
pub use error::{Refused, TryReserveError};
pub use extract::ExtractIf;
pub use lend::{IterMut, ValuesMut};

/// Changes to the map that become visible together.
///
/// **A batch publishes when it is dropped**, also by `?`;
/// [`Writer::transact`](crate::Writer::transact) is the form that publishes all
/// or nothing. It is rolled back instead if user code (a closure, or `Hash`,
/// `Eq`, `Clone` or `Drop` of a key or value) panicked in one of its changes,
/// also if the panic was caught, or if its thread unwinds while it is dropped (but not
/// if the batch was made, and all its changes as well, by destructors that ran while
/// their threads unwound).
/// (A panic before the change began, as in `Hash` or `Eq` while a key was
/// looked up, leaves a batch as it was, if it is caught.) A forgotten batch is rolled
/// back by the next one; of a [`ConcurrentHashMap`](crate::ConcurrentHashMap) it
/// keeps the lock, and there is no next one.
///
/// Reads see the batch's own changes; [`published`](Self::published) is what
/// readers see.
///
/// # What the other copy gets
///
/// The log of a batch holds what the other copy needs to follow: a clone of each value
/// that was inserted, and the keys that were removed. A value that is changed in place, by
/// [`update`](Self::update), [`get_mut`](Self::get_mut), [`entry`](Self::entry) or
/// [`iter_mut`](Self::iter_mut), is cloned once, however often it was changed, in the
/// call that ends the batch (so that a `Clone` that panics hits the caller that made the
/// change). For values that are too large to be cloned there is [`change`](Self::change),
/// which makes the same change again.
///
/// Closures run exactly once, but for that of `change`; what they decided is what the
/// other copy gets, so they may decide by chance or by clock.
///
/// # Panics
///
/// Every change panics if an earlier one of this batch panicked halfway and that
/// was caught: there is nothing left to do but to end the batch.
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::new::<&str, u32>();
/// let mut batch = writer.write();
/// batch.insert("apples", 3);
/// batch.update("apples", |n| *n += 1);
/// assert_eq!(batch.get("apples"), Some(&4));
/// assert_eq!(batch.published().get("apples"), None);
/// assert!(reader.read().is_empty());
/// batch.publish();
/// assert_eq!(reader.read().get("apples"), Some(&4));
/// ```
#[must_use = "a batch that is dropped at once publishes nothing new"]
pub struct Batch<W: Owner> {
    pub(crate) inner: dbuf_core::Batch<W>,
    /// Declared after the batch, so dropped when its lock, if any, is given back.
    garbage: Garbage<W::Key, W::Value>,
}

impl<W: Owner> Batch<W> {
    #[inline]
    pub(crate) fn new(mut inner: dbuf_core::Batch<W>) -> Self {
        let garbage = if inner.has_garbage() {
            Self::take_garbage(&mut inner)
        } else {
            Garbage::default()
        };
        Self { inner, garbage }
    }

    /// Takes what left this copy as it caught up. It is dropped when the lock, if any, is
    /// given back.
    #[cold]
    fn take_garbage(inner: &mut dbuf_core::Batch<W>) -> Garbage<W::Key, W::Value> {
        inner.record(|table, _| (table.take_garbage(), None))
    }

    /// Takes what left this copy in this batch, to be dropped then.
    pub(crate) fn retire_garbage(&mut self) {
        let garbage = Self::take_garbage(&mut self.inner);
        self.garbage.append(garbage);
    }

    /// Ends the batch as `end` does. What the batch holds is given back before
    /// anything dies.
    #[inline]
    pub(crate) fn end<R>(self, end: impl FnOnce(dbuf_core::Batch<W>) -> R) -> R {
        let Self { inner, garbage } = self;
        let result = end(inner);
        drop(garbage);
        result
    }

    /// Drops what was not needed: when the lock, if any, is given back.
    #[inline]
    pub(crate) fn retire(&mut self, key: Option<W::Key>, value: Option<W::Value>) {
        if self.table().defers_drops() {
            self.garbage.put(key, value);
        }
    }

    /// This copy.
    pub(crate) fn table(&self) -> &Table<W::Key, W::Value> {
        &self.inner
    }

    /// The hash of a key, and its bucket if it is there.
    pub(crate) fn find<Q>(&self, key: &Q) -> (u64, Option<usize>)
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        let hash = self.inner.extras().hash(key);
        (hash, self.table().find(hash, key))
    }

    /// The map as this batch leaves it.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// assert_eq!(batch.as_map().values().sum::<i32>(), 1);
    /// ```
    pub fn as_map(&self) -> MapRef<'_, W::Key, W::Value, W::Hasher> {
        MapRef::new(self.table(), self.inner.extras())
    }

    /// What readers see, without a guard.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// assert!(batch.published().is_empty());
    /// ```
    pub fn published(&self) -> MapRef<'_, W::Key, W::Value, W::Hasher> {
        MapRef::new(self.inner.published(), self.inner.extras())
    }

    /// The value of a key.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new::<String, u32>();
    /// let mut batch = writer.write();
    /// batch.insert("a".to_owned(), 1);
    /// assert_eq!(batch.get("a"), Some(&1));
    /// ```
    pub fn get<Q>(&self, key: &Q) -> Option<&W::Value>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.as_map().get(key)
    }

    /// The key as it is stored, and its value.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// assert_eq!(batch.get_key_value("a"), Some((&"a", &1)));
    /// ```
    pub fn get_key_value<Q>(&self, key: &Q) -> Option<(&W::Key, &W::Value)>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.as_map().get_key_value(key)
    }

    /// Whether a key is there.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// assert!(batch.contains_key("a"));
    /// ```
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        self.as_map().contains_key(key)
    }

    /// How many entries there are.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// assert_eq!(batch.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.as_map().len()
    }

    /// Whether there are none.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new::<u32, u32>();
    /// assert!(writer.write().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.as_map().is_empty()
    }

    /// All entries, in arbitrary order.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.extend([("a", 1), ("b", 2)]);
    /// assert_eq!(batch.iter().map(|(_, n)| n).sum::<i32>(), 3);
    /// ```
    pub fn iter(&self) -> Iter<'_, W::Key, W::Value> {
        self.as_map().iter()
    }

    /// All keys, in arbitrary order.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.extend([(1, "a"), (2, "b")]);
    /// assert_eq!(batch.keys().sum::<i32>(), 3);
    /// ```
    pub fn keys(&self) -> Keys<'_, W::Key, W::Value> {
        self.as_map().keys()
    }

    /// All values, in arbitrary order.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.extend([("a", 1), ("b", 2)]);
    /// assert_eq!(batch.values().sum::<i32>(), 3);
    /// ```
    pub fn values(&self) -> Values<'_, W::Key, W::Value> {
        self.as_map().values()
    }

    /// How many entries this copy can hold before it grows.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new::<u32, u32>();
    /// let mut batch = writer.write();
    /// batch.reserve(10);
    /// assert!(batch.capacity() >= 10);
    /// ```
    pub fn capacity(&self) -> usize {
        self.as_map().capacity()
    }

    /// Makes the changes visible. Never waits. A batch without changes swaps
    /// nothing; else it costs a swap, from a store to a look at each reader.
    ///
    /// # Panics
    ///
    /// If an earlier change panicked halfway and the panic was caught, or if `Clone` of a
    /// value panics that was changed in place: nothing is published and the batch is
    /// rolled back.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// batch.publish();
    /// assert_eq!(reader.read()["a"], 1);
    /// ```
    pub fn publish(self) {
        self.end(|inner| drop(inner.publish()));
    }

    /// Takes the changes back, and those of earlier batches that were
    /// [deferred](Self::defer).
    ///
    /// The next batch begins with undoing them: it clones the published value of each
    /// key that was changed. It clones the whole map only if the batch changed a large
    /// part of it, called [`clear`](Self::clear), [`drain`](Self::drain) or
    /// [`retain_mut`](Self::retain_mut), or if user code panicked that was not a closure
    /// with a value in its hands.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// batch.rollback();
    /// assert!(writer.write().is_empty());
    /// assert!(reader.read().is_empty());
    /// ```
    pub fn rollback(self) {
        self.end(|inner| drop(inner.rollback()));
    }

    /// Makes the batch one that is rolled back when it is dropped, unless it is ended by
    /// [`publish`](Self::publish) or [`defer`](Self::defer): all or nothing, where a closure
    /// for [`Writer::transact`](crate::Writer::transact) does not fit, and the form of
    /// `transact_async` for a spawned task whose keys or values name a lifetime.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::num::ParseIntError;
    ///
    /// use dbuf_hashmap::Writer;
    ///
    /// fn load(writer: &mut Writer<String, u32>, lines: &str) -> Result<(), ParseIntError> {
    ///     let mut batch = writer.write();
    ///     batch.rollback_on_drop();
    ///     for line in lines.lines() {
    ///         batch.insert(line.to_owned(), line.parse()?); // takes all back if it fails
    ///     }
    ///     batch.publish();
    ///     Ok(())
    /// }
    ///
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// load(&mut writer, "1\n2\nx").unwrap_err();
    /// assert!(reader.read().is_empty());
    /// load(&mut writer, "1\n2").unwrap();
    /// assert_eq!(reader.read().len(), 2);
    /// ```
    pub fn rollback_on_drop(&mut self) {
        self.inner.rollback_on_drop();
    }

    /// Makes the batch one that is [deferred](Self::defer) when it is dropped: an early return
    /// publishes nothing, and takes nothing back either.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.defer_on_drop();
    /// batch.insert("a", 1);
    /// drop(batch);
    /// assert!(reader.read().is_empty());
    /// writer.publish();
    /// assert_eq!(reader.read()["a"], 1);
    /// ```
    pub fn defer_on_drop(&mut self) {
        if W::KEEPS {
            self.inner.keep_on_drop();
        } else {
            self.inner.defer_on_drop();
        }
    }

    /// Ends the batch without publishing. The changes become visible with the
    /// next publish, and are lost if the writer is dropped before that.
    ///
    /// # Panics
    ///
    /// If `Clone` of a value panics that was changed in place; the batch is rolled back.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// batch.defer();
    /// assert!(reader.read().is_empty());
    /// writer.publish();
    /// assert_eq!(reader.read()["a"], 1);
    /// ```
    pub fn defer(self) {
        self.end(|inner| {
            drop(if W::KEEPS {
                inner.keep()
            } else {
                inner.defer()
            });
        });
    }
}

impl<W: Owner> fmt::Debug for Batch<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("len", &self.inner.len())
            .finish_non_exhaustive()
    }
}

/// The value of a key. Panics if it is not there.
impl<W: Owner, Q: Hash + Equivalent<W::Key> + ?Sized> Index<&Q> for Batch<W> {
    type Output = W::Value;

    fn index(&self, key: &Q) -> &W::Value {
        self.get(key).expect("no entry for this key")
    }
}

impl<'b, W: Owner> IntoIterator for &'b Batch<W> {
    type Item = (&'b W::Key, &'b W::Value);
    type IntoIter = Iter<'b, W::Key, W::Value>;

    fn into_iter(self) -> Iter<'b, W::Key, W::Value> {
        self.iter()
    }
}

/// The batch of a [`Writer`](crate::Writer).
pub type WriterBatch<'w, K, V, H = RandomState, S = DefaultStrategy> =
    Batch<WriterMut<'w, K, V, H, S>>;
