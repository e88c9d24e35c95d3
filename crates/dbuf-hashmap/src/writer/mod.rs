//! The handle that changes a map: `Writer`.

#[cfg(feature = "async")]
mod task;

use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;
use std::time::Instant;

use dbuf_core::{BlockingStrategy, Published, Strategy, Version};
use dbuf_strategies::DefaultStrategy;

use crate::batch::{Batch, WriterBatch};
use crate::map_ref::MapRef;
use crate::owner::{Log, WriterMut};
use crate::reader::Reader;

/// The handle that changes a map.
///
/// Each map has exactly one. It is `Send` where keys and values are `Send` and `Sync`; a lock
/// around it lets many threads write.
///
/// Between batches it keeps at most 256 KiB of memory for the log of the next batch, and each copy
/// keeps at most about 128 KiB for the marks of lent values. The replay at the start of the next
/// batch drops what the log holds. If a destructor panics there, a second panicking destructor ends
/// the process, as in a `Vec`. (A [`ConcurrentHashMap`](crate::ConcurrentHashMap) runs both.)
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::new();
/// writer.write().insert("a", 1); // published as the batch is dropped
/// assert_eq!(reader.read().get("a"), Some(&1));
/// ```
pub struct Writer<K, V, H = RandomState, S: Strategy = DefaultStrategy> {
    inner: Log<K, V, H, S>,
}

impl<K, V, H, S> Writer<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: Strategy,
{
    pub(crate) fn new(log: Log<K, V, H, S>) -> Self {
        Self { inner: log }
    }

    /// Sets the stragglers' copy aside and continues without them: see
    /// [`OpWriter::set_aside`](dbuf_core::OpWriter::set_aside). [`write`](Self::write) does so by
    /// itself, as [`Builder::on_straggler`](crate::Builder::on_straggler) says.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let kept = reader.read();
    /// writer.write().insert(1, 1);
    /// assert!(writer.try_write().is_none());
    /// assert!(writer.set_aside());
    /// writer.try_write().unwrap().insert(2, 2);
    /// assert_eq!((kept.len(), reader.read().len()), (0, 2));
    /// ```
    pub fn set_aside(&mut self) -> bool {
        self.inner.set_aside()
    }

    /// Returns how many stragglers hold the copy that was set aside. See
    /// [`stragglers`](Self::stragglers).
    pub fn spare_stragglers(&self) -> usize {
        self.inner.spare_stragglers()
    }

    /// Returns when a copy was set aside that still exists. See
    /// [`OpWriter::spare_since`](dbuf_core::OpWriter::spare_since).
    pub fn spare_since(&self) -> Option<Instant> {
        self.inner.spare_since()
    }

    /// Begins a batch if it need not wait. Returns `None`, with nothing changed, while a guard
    /// still holds the copy that the last publish replaced.
    ///
    /// # Panics
    ///
    /// Like [`write`](Self::write).
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let guard = reader.read();
    /// writer.write().insert(1, 1);
    /// assert!(writer.try_write().is_none());
    /// drop(guard);
    /// assert!(writer.try_write().is_some());
    /// ```
    pub fn try_write(&mut self) -> Option<WriterBatch<'_, K, V, H, S>> {
        WriterMut::try_begin(&mut self.inner).map(Batch::new)
    }

    /// Publishes what was [deferred](Batch::defer). Never waits.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::Published;
    ///
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// batch.defer();
    /// assert_eq!(writer.publish(), Published::Now);
    /// assert_eq!(writer.publish(), Published::Nothing);
    /// assert_eq!(reader.read()["a"], 1);
    /// ```
    #[doc(alias = "flush")]
    #[doc(alias = "refresh")]
    pub fn publish(&mut self) -> Published {
        self.inner.publish()
    }
}

impl<K, V, H, S: Strategy> Writer<K, V, H, S> {
    /// Returns whether there are deferred changes that readers cannot see yet.
    pub fn has_pending(&self) -> bool {
        self.inner.has_pending()
    }

    /// Returns the map that readers see, without a guard.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert_eq!(writer.published()["a"], 1);
    /// ```
    pub fn published(&self) -> MapRef<'_, K, V, H> {
        MapRef::new(self.inner.front(), self.inner.extras())
    }

    /// Returns the number of the last publish; see [`Snapshot::version`](crate::Snapshot::version).
    pub fn version(&self) -> Version {
        self.inner.as_writer().version()
    }

    /// Returns a new reader.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// drop(reader);
    /// writer.write().insert("a", 1);
    /// assert_eq!(writer.reader().read()["a"], 1);
    /// ```
    pub fn reader(&self) -> Reader<K, V, H, S> {
        Reader::new(self.inner.reader())
    }

    /// Returns how many guards or readers (whichever the strategy counts) the last publish still
    /// waits for. Zero when the next batch need not wait. For diagnosis.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let guard = reader.read();
    /// writer.write().insert("a", 1);
    /// assert_eq!(writer.stragglers(), 1);
    /// drop(guard);
    /// assert!(writer.try_write().is_some());
    /// ```
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
    /// Begins a batch, or continues a deferred one.
    ///
    /// Waits for guards that still hold the copy that the last publish replaced; normally there are
    /// none. Then that copy catches up: the replay makes each change of that publish on it, without
    /// hashing the key again. A guard of a [`Reader`](crate::Reader) of the same thread cannot be
    /// released while this waits, so it may be a deadlock. [`Batch::published`] reads the map
    /// without a guard.
    ///
    /// # Panics
    ///
    /// If `Hash`, `Eq`, `Clone` or `Drop` of a key or value panics while the copy catches up. No
    /// published change is lost then, and the next batch works. Also if this thread holds a guard
    /// of a [`SharedReader`](crate::SharedReader) on that copy, and the spare copy
    /// [must not be used](crate::OnStraggler) or is in use.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// batch.insert("b", 2);
    /// batch.publish();
    /// assert_eq!(reader.read().len(), 2);
    /// ```
    #[inline]
    pub fn write(&mut self) -> WriterBatch<'_, K, V, H, S> {
        Batch::new(WriterMut::begin(&mut self.inner))
    }

    /// Brings the other copy up to date now, so that the next batch need not. Waits as
    /// [`write`](Self::write) does.
    ///
    /// Replaced and removed values live on in the other copy until then.
    ///
    /// # Panics
    ///
    /// Like [`write`](Self::write).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let value = Arc::new(1);
    /// writer.write().insert("a", Arc::clone(&value));
    /// writer.write().clear();
    /// assert_eq!(Arc::strong_count(&value), 2); // the copy that is behind has it
    /// writer.catch_up();
    /// assert_eq!(Arc::strong_count(&value), 1);
    /// ```
    pub fn catch_up(&mut self) {
        self.inner.catch_up();
    }

    /// Like [`catch_up`](Self::catch_up), but does not wait, and returns a panic of user code
    /// instead of propagating it. Returns `Ok(false)`, with nothing changed, if a guard still holds
    /// the copy.
    ///
    /// The replay runs `Hash`, `Eq`, `Clone` and `Drop` of what the last batch changed. A panic in
    /// them is caused by that batch, but without this call it hits the writer that begins the next
    /// one.
    ///
    /// # Errors
    ///
    /// Returns the payload of the panic in user code. No published change is lost, and the next
    /// batch works.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let guard = reader.read();
    /// writer.write().insert("a", 1);
    /// assert!(!writer.try_catch_up().unwrap());
    /// drop(guard);
    /// assert!(writer.try_catch_up().unwrap());
    /// ```
    pub fn try_catch_up(&mut self) -> std::thread::Result<bool> {
        self.inner.try_catch_up()
    }

    /// Publishes if `f` returns `Ok`. Undoes every change, also deferred ones of earlier batches,
    /// if `f` returns `Err` or panics.
    ///
    /// # Errors
    ///
    /// Returns the error of `f`.
    ///
    /// # Panics
    ///
    /// Like [`write`](Self::write), and if `f` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("alice", 10_u32);
    /// let moved = writer.transact(|accounts| {
    ///     accounts.insert("bob", 20);
    ///     let left = accounts.get("alice").unwrap().checked_sub(20).ok_or("overdrawn")?;
    ///     accounts.insert("alice", left);
    ///     Ok(())
    /// });
    /// assert_eq!(moved, Err("overdrawn"));
    /// assert!(!reader.read().contains_key("bob"));
    /// ```
    pub fn transact<R, E>(
        &mut self,
        f: impl FnOnce(&mut WriterBatch<'_, K, V, H, S>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut batch = self.write();
        batch.inner.rollback_on_drop();
        let result = f(&mut batch)?;
        batch.publish();
        Ok(result)
    }
}

/// Shows what needs no access to keys and values.
impl<K, V, H, S: Strategy> fmt::Debug for Writer<K, V, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Writer").field(&self.inner).finish()
    }
}
