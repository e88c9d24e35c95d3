//! A batch. Its reads are in `read`, its changes in `single`, `compute`, `lend`, `entry` and
//! `bulk`, and the calls that end it in `finish`.

mod bulk;
mod compute;
mod drain;
mod entry;
mod error;
mod extract;
mod finish;
mod lend;
mod read;
mod single;

use core::fmt;
use core::hash::Hash;
use std::hash::RandomState;

use dbuf_strategies::DefaultStrategy;
use equivalent::Equivalent;

use crate::garbage::Garbage;
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
/// [`Writer::transact`](crate::Writer::transact) publishes all or nothing.
///
/// The drop rolls the batch back instead if user code (a closure, or `Hash`, `Eq`, `Clone` or
/// `Drop` of a key or value) panicked during one of its changes, even if the panic was caught, or
/// if its thread unwinds. (A batch that destructors made and filled while their threads were
/// already unwinding is published. A caught panic before a change began, as in `Hash` or `Eq`
/// during the lookup, has no effect on the batch.)
///
/// The next batch rolls a forgotten one back. A forgotten batch of a
/// [`ConcurrentHashMap`](crate::ConcurrentHashMap) keeps the lock, so no batch follows.
///
/// Reads see the batch's own changes; [`published`](Self::published) returns what readers see.
///
/// # What the other copy gets
///
/// The log of a batch holds what the other copy needs: a clone of each inserted value, and the
/// removed keys. A value that is changed in place, by [`update`](Self::update),
/// [`get_mut`](Self::get_mut), [`entry`](Self::entry) or [`iter_mut`](Self::iter_mut), is cloned
/// once, however often it was changed, by the call that ends the batch (so a panic in `Clone` hits
/// the caller that made the change). For values that are too large to clone,
/// [`change`](Self::change) repeats the change instead.
///
/// Every closure except that of `change` runs exactly once, and the log records its result. So it
/// may depend on chance or on a clock.
///
/// # Panics
///
/// Every change panics if an earlier change of this batch panicked halfway and that panic was
/// caught. Only ending the batch is possible then.
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
    /// Declared after the batch, so it is dropped when the lock, if any, is released.
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

    /// Takes what the replay removed from this copy. It is dropped when the lock, if any, is
    /// released.
    #[cold]
    fn take_garbage(inner: &mut dbuf_core::Batch<W>) -> Garbage<W::Key, W::Value> {
        inner.record(|table, _| (table.take_garbage(), None))
    }

    /// Takes what this batch removed from this copy, to be dropped with the batch's garbage.
    pub(crate) fn retire_garbage(&mut self) {
        let garbage = Self::take_garbage(&mut self.inner);
        self.garbage.append(garbage);
    }

    /// Ends the batch with `end`. The batch releases its lock, if any, before any destructor runs.
    #[inline]
    pub(crate) fn end<R>(self, end: impl FnOnce(dbuf_core::Batch<W>) -> R) -> R {
        let Self { inner, garbage } = self;
        let result = end(inner);
        drop(garbage);
        result
    }

    /// Queues an unneeded key and value for a drop after the lock, if any, is released.
    #[inline]
    pub(crate) fn retire(&mut self, key: Option<W::Key>, value: Option<W::Value>) {
        if self.table().defers_drops() {
            self.garbage.put(key, value);
        }
    }

    /// Returns the copy that this batch changes.
    pub(crate) fn table(&self) -> &Table<W::Key, W::Value> {
        &self.inner
    }

    /// Returns the hash of a key, and its bucket if it is there.
    pub(crate) fn find<Q>(&self, key: &Q) -> (u64, Option<usize>)
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        let hash = self.inner.extras().hash(key);
        (hash, self.table().find(hash, key))
    }
}

impl<W: Owner> fmt::Debug for Batch<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("len", &self.inner.len())
            .finish_non_exhaustive()
    }
}

/// The batch of a [`Writer`](crate::Writer).
pub type WriterBatch<'w, K, V, H = RandomState, S = DefaultStrategy> =
    Batch<WriterMut<'w, K, V, H, S>>;
