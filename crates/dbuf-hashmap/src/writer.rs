use core::fmt;
#[cfg(feature = "async")]
use core::future::poll_fn;
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
/// There is one for each map. It is `Send` where keys and values are `Send` and
/// `Sync`; put it behind a lock to write from many threads.
///
/// Between batches it keeps at most 256 KiB of memory for the log of the next one, and each
/// copy at most about 128 KiB for what it remembers of values that a batch lends. What the
/// log holds is dropped when it is replayed, at the start of the next batch. If a destructor
/// panics there, a second one that does ends the process, as in a `Vec`. (A
/// [`ConcurrentHashMap`](crate::ConcurrentHashMap) runs both.)
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

    /// Goes on without the readers that are in the way of the next batch: see
    /// [`OpWriter::set_aside`](dbuf_core::OpWriter::set_aside). [`write`](Self::write) does so
    /// by itself, as [`Builder::on_straggler`](crate::Builder::on_straggler) says.
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

    /// How many keep the copy that was set aside. See [`stragglers`](Self::stragglers).
    pub fn spare_stragglers(&self) -> usize {
        self.inner.spare_stragglers()
    }

    /// When a copy was set aside that is still there. See
    /// [`OpWriter::spare_since`](dbuf_core::OpWriter::spare_since).
    pub fn spare_since(&self) -> Option<Instant> {
        self.inner.spare_since()
    }

    /// Begins a batch if that needs no waiting: `None` while a guard still looks
    /// at the copy that the last publish replaced. Nothing changed then.
    ///
    /// # Panics
    ///
    /// As [`write`](Self::write).
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
    /// Whether there are deferred changes that readers cannot see yet.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// batch.defer();
    /// assert!(writer.has_pending());
    /// ```
    pub fn has_pending(&self) -> bool {
        self.inner.has_pending()
    }

    /// What readers see, without a guard.
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

    /// The number of the last publish; see [`Snapshot::version`](crate::Snapshot::version).
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("a", 1);
    /// assert_eq!(writer.version(), reader.read().version());
    /// ```
    pub fn version(&self) -> Version {
        self.inner.as_writer().version()
    }

    /// A new reader.
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

    /// How many the last publish still waits for: guards, or readers, by what the
    /// strategy can tell. Zero when the next batch need not wait; for diagnosis.
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
    /// Begins a batch, or goes on with a deferred one.
    ///
    /// Waits for guards that still look at the copy that the last publish
    /// replaced; normally there are none. Then that copy catches up: each change of that
    /// publish is made on it, by the hash that the log knows. A guard
    /// of a [`Reader`](crate::Reader) on this very thread is never dropped while it waits:
    /// that is a deadlock. [`Batch::published`] reads the map without a guard.
    ///
    /// # Panics
    ///
    /// If `Hash`, `Eq`, `Clone` or `Drop` of a key or value panics while the copy
    /// catches up. Nothing published is lost, and the next batch works. And if this thread
    /// keeps a guard of a [`SharedReader`](crate::SharedReader) on that copy, and the spare copy
    /// [may not be taken](crate::OnStraggler) or is taken.
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

    /// Does now what the next batch would begin with, so that it need not: waits
    /// as [`write`](Self::write) does, and lets the other copy catch up.
    ///
    /// Values that were replaced or removed live on in that copy until then.
    ///
    /// # Panics
    ///
    /// As [`write`](Self::write).
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
    /// assert_eq!(Arc::strong_count(&value), 2); // in the copy that is behind
    /// writer.catch_up();
    /// assert_eq!(Arc::strong_count(&value), 1);
    /// ```
    pub fn catch_up(&mut self) {
        self.inner.catch_up();
    }

    /// Catches up, as [`catch_up`](Self::catch_up), if no reader is in the way, and returns
    /// a panic of user code instead of passing it on.
    ///
    /// While the copy catches up, it runs `Hash`, `Eq`, `Clone` and `Drop` of what the last
    /// batch changed. A panic in them is the fault of that batch, but without this call it
    /// hits the writer that begins the next one. `Ok(false)`: a guard is in the way, and
    /// nothing changed.
    ///
    /// # Errors
    ///
    /// What user code panicked with. Nothing published is lost, and the next batch works.
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

    /// All or nothing: publishes if `f` returns `Ok`; takes every change back,
    /// deferred ones of earlier batches included, if it returns `Err` or panics.
    ///
    /// # Errors
    ///
    /// What `f` returned.
    ///
    /// # Panics
    ///
    /// As [`write`](Self::write), and with `f`.
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

/// With feature `async`, for every strategy, [`LocalStrategy`](crate::LocalStrategy)
/// included.
#[cfg(feature = "async")]
impl<K, V, H, S> Writer<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: Strategy,
{
    /// Begins a batch, as [`write`](Self::write), without blocking the thread.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing happened. A task that is cancelled while
    /// it holds the *batch* across an await drops it, and a dropped batch publishes
    /// what it has: use [`transact_async`](Self::transact_async) where that would be
    /// half a change.
    ///
    /// # Panics
    ///
    /// As [`write`](Self::write).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write_async().await.insert("a", 1);
    /// assert_eq!(reader.read()["a"], 1);
    /// # });
    /// ```
    pub async fn write_async(&mut self) -> WriterBatch<'_, K, V, H, S> {
        poll_fn(|cx| self.inner.poll_finish(cx)).await;
        match WriterMut::try_begin(&mut self.inner) {
            Some(batch) => Batch::new(batch),
            None => unreachable!("finished is latched"),
        }
    }

    /// All or nothing, as [`transact`](Self::transact): publishes if `f` returns
    /// `Ok`, takes every change back if it returns `Err`, panics or is cancelled.
    ///
    /// A task that is *spawned* and has an await in `f` does not compile where a key or value
    /// type names a lifetime (`&'static str`) or a trait object: the compiler cannot prove
    /// that the future of `f` is `Send`. There, [`write_async`](Self::write_async) with
    /// [`Batch::rollback_on_drop`] does the same without a closure.
    ///
    /// # Errors
    ///
    /// What `f` returned.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it has published nothing.
    ///
    /// # Panics
    ///
    /// As [`write`](Self::write), and with `f`.
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let (mut writer, reader) = dbuf_hashmap::new::<&str, u32>();
    /// let refused = writer
    ///     .transact_async(async |batch| {
    ///         batch.insert("a", 1);
    ///         Err::<(), _>("not today")
    ///     })
    ///     .await;
    /// assert_eq!(refused, Err("not today"));
    /// assert!(reader.read().is_empty());
    /// # });
    /// ```
    pub async fn transact_async<R, E>(
        &mut self,
        f: impl AsyncFnOnce(&mut WriterBatch<'_, K, V, H, S>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut batch = self.write_async().await;
        batch.inner.rollback_on_drop();
        let result = f(&mut batch).await?;
        batch.publish();
        Ok(result)
    }
}

/// Shows what needs no look at keys and values.
impl<K, V, H, S: Strategy> fmt::Debug for Writer<K, V, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Writer").field(&self.inner).finish()
    }
}
