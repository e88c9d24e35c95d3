//! Beginning batches, and publishing between them.

use core::task::{Context, Poll, ready};

use super::batch::Batch;
use super::state::State;
use super::{OpWriter, Operation, Published};
use crate::error::Torn;
use crate::pointer::BufferPtr;
use crate::strategy::BlockingStrategy;

impl<P: BufferPtr, O: Operation<P::Value, P::Extras>> OpWriter<P, O> {
    /// Undoes what was taken back, if the operation can, for a writer that [has no
    /// clone](Self::without_clone). Never waits. A writer that can clone always recovers, at the
    /// start of the next batch.
    ///
    /// # Errors
    ///
    /// Returns [`Torn`] if the next batch would panic.
    ///
    /// # Panics
    ///
    /// If [`Operation::restore`] panics. The back is torn then.
    pub fn recover(&mut self) -> Result<(), Torn> {
        self.close_forgotten();
        let recovered = self.copies.is_some()
            || match self.state {
                // The batch that was given up began with a finished swap.
                State::Abandoned => self.restore(),
                state => state != State::Torn,
            };
        if recovered { Ok(()) } else { Err(Torn) }
    }

    /// Begins a batch if that needs no waiting. Returns `None`, and changes nothing, while a guard
    /// is still on the old side of the last publish.
    ///
    /// To read without publishing what earlier batches deferred, end it by [`Batch::defer`].
    ///
    /// # Panics
    ///
    /// If a replayed operation or the value's `clone_from` panics; the next batch starts from the
    /// last publish. If the writer [has no clone](Self::without_clone) and would need one.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// type Add = fn(&mut u32, &());
    ///
    /// let (writer, reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// let mut writer = OpWriter::<_, Add>::new(writer);
    /// let guard = reader.read();
    /// writer.try_write().unwrap().apply(|n, _| *n += 1); // published as it is dropped
    /// assert!(writer.try_write().is_none()); // `guard` is on the back
    /// assert_eq!((*guard, *reader.read()), (0, 1));
    /// ```
    pub fn try_write(&mut self) -> Option<Batch<&mut Self>> {
        Batch::try_begin(self).ok()
    }

    /// Begins a batch, or registers the task to be woken when another poll is worthwhile.
    ///
    /// # Panics
    ///
    /// See [`try_write`](Self::try_write).
    pub fn poll_write<'w>(&'w mut self, cx: &mut Context<'_>) -> Poll<Batch<&'w mut Self>> {
        ready!(self.writer.poll_finish(cx));
        Poll::Ready(Batch::open(self))
    }

    /// Checks whether the next batch could begin now. See
    /// [`Writer::try_finish`](crate::Writer::try_finish).
    #[inline]
    pub fn try_finish(&mut self) -> bool {
        self.writer.try_finish()
    }

    /// Does what [`try_finish`](Self::try_finish) does, and registers the task. See
    /// [`Writer::poll_finish`](crate::Writer::poll_finish).
    pub fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.writer.poll_finish(cx)
    }

    /// Publishes what was deferred. Never waits. If the log is empty, it starts no swap.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::{OpWriter, Published};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// type Add = fn(&mut u32, &());
    ///
    /// let (writer, reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// let mut writer = OpWriter::<_, Add>::new(writer);
    /// let mut batch = writer.write();
    /// batch.apply(|n, _| *n += 1);
    /// batch.defer();
    /// assert_eq!(*reader.read(), 0);
    /// assert_eq!(writer.publish(), Published::Now);
    /// assert_eq!(writer.publish(), Published::Nothing);
    /// assert_eq!(*reader.read(), 1);
    /// ```
    #[doc(alias = "flush")]
    #[doc(alias = "refresh")]
    pub fn publish(&mut self) -> Published {
        let given_up = self.close_forgotten();
        if self.publish_pending() {
            Published::Now
        } else if given_up || self.kept > 0 {
            Published::RolledBack
        } else {
            Published::Nothing
        }
    }

    /// Replays the last publish now, if no guard is on the back, and returns the panic of user
    /// code instead of resuming it.
    ///
    /// A replay runs the operations of the last batch, so a panic in it is the fault of that
    /// batch. Without this call, the writer that begins the next batch gets the panic.
    /// `Ok(false)`: a guard is still on the old side of the last publish, and nothing changed.
    ///
    /// # Errors
    ///
    /// Returns the panic of a replayed operation or of the value's `clone_from`. The next batch,
    /// or the next call of this, starts with a resync: nothing that was published or
    /// [kept](Batch::keep) is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::{OpWriter, Operation};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// struct AddOnce(u32);
    /// impl Operation<u32> for AddOnce {
    ///     fn apply(&mut self, n: &mut u32, _: &()) {
    ///         *n += self.0;
    ///     }
    ///     fn apply_once(self, _: &mut u32, _: &()) {
    ///         panic!("not a second time");
    ///     }
    /// }
    ///
    /// let (writer, _reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// let mut writer = OpWriter::new(writer);
    /// writer.write().apply(AddOnce(1));
    /// let payload = writer.try_catch_up().unwrap_err();
    /// assert_eq!(payload.downcast_ref(), Some(&"not a second time"));
    /// assert!(writer.try_catch_up().unwrap());
    /// assert_eq!(*writer.write(), 1);
    /// ```
    #[cfg(feature = "std")]
    pub fn try_catch_up(&mut self) -> std::thread::Result<bool> {
        if !self.writer.try_finish() {
            return Ok(false);
        }
        // The state says what to do after an unwind.
        std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| self.settle())).map(|()| true)
    }
}

impl<P: BufferPtr<Strategy: BlockingStrategy>, O: Operation<P::Value, P::Extras>> OpWriter<P, O> {
    /// Begins a batch, or goes on with a deferred one. Waits for guards on the old side of the last
    /// publish (see [`Writer::finish`](crate::Writer::finish)), then replays the log. After a batch
    /// that was rolled back, it undoes what that batch changed; after one that was
    /// [modified](Batch::modify), it clones the whole value.
    ///
    /// # Panics
    ///
    /// If a replayed operation or the value's `clone_from` panics; the next batch starts from the
    /// last publish. If this thread's own guard is on the back and the spare side [may not be
    /// used](crate::OnStraggler) or is not free (see [`Writer::finish`](crate::Writer::finish)).
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// type Add = fn(&mut u32, &());
    ///
    /// let (writer, reader) = dbuf_core::arc(0, 0, LockStrategy::new());
    /// let mut writer = OpWriter::<_, Add>::new(writer);
    /// let mut batch = writer.write();
    /// batch.apply(|n, _| *n += 1);
    /// batch.apply(|n, _| *n *= 10);
    /// assert_eq!((*batch, *reader.read()), (10, 0));
    /// batch.publish();
    /// assert_eq!(*reader.read(), 10);
    /// ```
    #[inline]
    pub fn write(&mut self) -> Batch<&mut Self> {
        Batch::begin(self)
    }

    /// Replays the last publish now instead of at the next batch. Waits as [`write`](Self::write)
    /// does.
    ///
    /// # Panics
    ///
    /// See [`write`](Self::write).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// type Clear = fn(&mut Vec<Arc<u32>>, &());
    ///
    /// let value = Arc::new(1);
    /// let list = vec![Arc::clone(&value)];
    /// let (writer, _reader) = dbuf_core::arc(list, vec![], LockStrategy::new());
    /// let mut writer = OpWriter::<_, Clear>::new(writer);
    /// writer.write().apply(|list, _| list.clear());
    /// assert_eq!(Arc::strong_count(&value), 2); // in the copy that is behind
    /// writer.catch_up();
    /// assert_eq!(Arc::strong_count(&value), 1);
    /// ```
    pub fn catch_up(&mut self) {
        self.make_way();
        self.settle();
    }

    /// Publishes if `f` returns `Ok`. Returns to the last publish if it returns `Err` or panics,
    /// and gives up deferred changes too.
    ///
    /// # Errors
    ///
    /// Returns the error of `f`.
    ///
    /// # Panics
    ///
    /// See [`write`](Self::write); or if `f` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::OpWriter;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (writer, reader) = dbuf_core::arc(1_i32, 1, LockStrategy::new());
    /// let mut writer = OpWriter::new(writer);
    /// let refused = writer.transact(|batch| {
    ///     batch.apply(|n: &mut i32, _: &()| *n -= 2);
    ///     if **batch < 0 { Err("overdrawn") } else { Ok(()) }
    /// });
    /// assert_eq!(refused, Err("overdrawn"));
    /// assert_eq!(*reader.read(), 1);
    /// ```
    pub fn transact<R, E>(
        &mut self,
        f: impl FnOnce(&mut Batch<&mut Self>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut batch = self.write();
        batch.rollback_on_drop();
        let result = f(&mut batch)?;
        batch.publish();
        Ok(result)
    }
}
