//! Futures over core's own `poll_*`, and nothing more.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

#[cfg(feature = "alloc")]
use dbuf_core::{Batch, BatchOwner, OpWriter, Operation};
use dbuf_core::{BufferPtr, Writer};

mod sealed {
    use dbuf_core::{BufferPtr, Writer};

    pub trait Sealed {}

    /// A [`Writer`] itself.
    pub trait RawWriter {
        type Ptr: BufferPtr;
        fn writer(&mut self) -> &mut Writer<Self::Ptr>;
    }

    impl<P: BufferPtr> RawWriter for Writer<P> {
        type Ptr = P;
        fn writer(&mut self) -> &mut Self {
            self
        }
    }
}
use sealed::RawWriter;

/// Awaiting for writers: what blocks in `dbuf-core` has a twin here that does not.
///
/// Implemented for [`Writer`] (`finish_async`, `swap_async`) and for `OpWriter`
/// (`write_async`, `transact_async`). Works with every strategy, and blocking and
/// awaiting calls may alternate. The futures are `Send` where the writer is.
///
/// A guard that is held by the awaiting task itself is never dropped while it
/// waits: the task sleeps for ever, and only the task.
pub trait WriterAsyncExt: sealed::Sealed + Sized {
    /// Waits until the last swap is finished, as
    /// [`Writer::finish`](dbuf_core::Writer::finish).
    ///
    /// Ready at once if no guard is on the old side; else the last of them wakes
    /// the task, once.
    ///
    /// # Cancel safety
    ///
    /// Dropped at any time, nothing happened: the swap is as unfinished as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_async::WriterAsyncExt;
    /// use dbuf_async::core::rc;
    /// use dbuf_async::strategies::LocalStrategy;
    ///
    /// let (mut writer, reader) = rc(1, 2, LocalStrategy::new());
    /// let guard = reader.read();
    /// writer.start_swap();
    /// # use std::task::{Context, Waker};
    /// # let mut cx = Context::from_waker(Waker::noop());
    /// # assert!(std::pin::pin!(writer.finish_async()).poll(&mut cx).is_pending());
    /// drop(guard); // somewhere else on this thread
    /// pollster::block_on(writer.finish_async());
    /// assert_eq!(writer.try_back_mut(), Some(&mut 1));
    /// ```
    fn finish_async(&mut self) -> Finish<'_, Self::Ptr>
    where
        Self: RawWriter,
    {
        Finish {
            writer: self.writer(),
        }
    }

    /// Publishes the back and waits for readers of the old front, as
    /// [`Writer::swap`](dbuf_core::Writer::swap). It waits for those of the swap
    /// before first.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits for the swap before, it has published nothing, and the
    /// back keeps what was written. Dropped later, it has published, and whatever
    /// wants the back next finishes the swap.
    /// [`Writer::version`](dbuf_core::Writer::version) tells the two apart.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_async::WriterAsyncExt;
    /// use dbuf_async::core::arc;
    /// use dbuf_async::strategies::EpochStrategy;
    ///
    /// let (mut writer, reader) = arc(1, 2, EpochStrategy::new());
    /// pollster::block_on(writer.swap_async());
    /// assert_eq!(*reader.read(), 2);
    /// ```
    fn swap_async(&mut self) -> Swap<'_, Self::Ptr>
    where
        Self: RawWriter,
    {
        Swap {
            writer: self.writer(),
            started: false,
        }
    }

    /// Begins a batch, as [`OpWriter::write`]: waits for guards on the old side of
    /// the last publish, then replays the log.
    ///
    /// # Cancel safety
    ///
    /// The future, dropped at any time, loses nothing: no batch was begun.
    ///
    /// The *batch* is another matter. A task that is cancelled while it holds one
    /// across an await drops it, and a batch that is dropped publishes what it
    /// has so far. Use [`transact_async`](Self::transact_async) where that would
    /// be half a change, or [`Batch::rollback_on_drop`].
    ///
    /// # Panics
    ///
    /// As [`OpWriter::write`], and if polled again after it gave the batch away.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_async::WriterAsyncExt;
    /// use dbuf_async::core::{OpWriter, arc};
    /// use dbuf_async::strategies::EpochStrategy;
    ///
    /// let (writer, reader) = arc(0, 0, EpochStrategy::new());
    /// let mut writer = OpWriter::new(writer);
    /// pollster::block_on(async {
    ///     let mut batch = writer.write_async().await;
    ///     batch.apply(|n: &mut u32, _: &()| *n += 1);
    ///     batch.publish();
    /// });
    /// assert_eq!(*reader.read(), 1);
    /// ```
    #[cfg(feature = "alloc")]
    fn write_async(&mut self) -> Write<'_, Self::Ptr, Self::Op>
    where
        Self: BatchOwner,
    {
        Write {
            writer: Some(self.op_writer_mut()),
        }
    }

    /// All or nothing, as [`OpWriter::transact`]: publishes if `f` returns `Ok`,
    /// returns to the last publish if it returns `Err`, panics or is cancelled;
    /// deferred changes included.
    ///
    /// # Errors
    ///
    /// What `f` returned.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it has published nothing, and the next batch
    /// starts from the last publish.
    ///
    /// # Panics
    ///
    /// As [`OpWriter::write`], and with `f`.
    ///
    /// # In a spawned task
    ///
    /// The future is `Send` where the writer and what `f` holds are. Where the
    /// pointer's or the operation's type names a lifetime (`&'static DoubleBuffer`,
    /// `Box<dyn FnMut(..)>`), today's compiler cannot see that inside of another
    /// `async` block and says that `AsyncFnOnce` is "not general enough". Either
    /// hide the lifetime in a type of your own (`struct Op(Box<dyn ..>)`), or erase the
    /// future: `let f: Pin<Box<dyn Future<Output = _> + Send + '_>> =
    /// Box::pin(writer.transact_async(..)); f.await`.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_async::WriterAsyncExt;
    /// use dbuf_async::core::{OpWriter, arc};
    /// use dbuf_async::strategies::EpochStrategy;
    ///
    /// async fn limit() -> i32 {
    ///     -10
    /// }
    ///
    /// let (writer, reader) = arc(1, 1, EpochStrategy::new());
    /// let mut writer = OpWriter::new(writer);
    /// let refused = pollster::block_on(writer.transact_async(async |batch| {
    ///     batch.apply(|n: &mut i32, _: &()| *n -= 20);
    ///     if **batch < limit().await { Err("overdrawn") } else { Ok(()) }
    /// }));
    /// assert_eq!(refused, Err("overdrawn"));
    /// assert_eq!(*reader.read(), 1);
    /// ```
    #[cfg(feature = "alloc")]
    fn transact_async<R, E, F>(&mut self, f: F) -> impl Future<Output = Result<R, E>>
    where
        Self: BatchOwner,
        F: AsyncFnOnce(&mut Batch<&mut OpWriter<Self::Ptr, Self::Op>>) -> Result<R, E>,
    {
        let begins = self.write_async();
        async move {
            let mut batch = begins.await;
            batch.rollback_on_drop();
            let result = f(&mut batch).await?;
            batch.publish();
            Ok(result)
        }
    }
}

impl<P: BufferPtr> sealed::Sealed for Writer<P> {}
impl<P: BufferPtr> WriterAsyncExt for Writer<P> {}
#[cfg(feature = "alloc")]
impl<P: BufferPtr, O> sealed::Sealed for OpWriter<P, O> {}
#[cfg(feature = "alloc")]
impl<P: BufferPtr, O> WriterAsyncExt for OpWriter<P, O> {}

/// The future of [`WriterAsyncExt::finish_async`].
///
/// # Examples
///
/// ```
/// use dbuf_async::core::rc;
/// use dbuf_async::strategies::LocalStrategy;
/// use dbuf_async::{Finish, WriterAsyncExt};
///
/// let (mut writer, _reader) = rc(1, 2, LocalStrategy::new());
/// writer.start_swap();
/// let finish: Finish<'_, _> = writer.finish_async();
/// pollster::block_on(finish);
/// assert!(writer.try_back_mut().is_some());
/// ```
#[must_use = "futures do nothing unless they are polled"]
pub struct Finish<'w, P: BufferPtr> {
    writer: &'w mut Writer<P>,
}

impl<P: BufferPtr> Future for Finish<'_, P> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.writer.poll_finish(cx)
    }
}

impl<P: BufferPtr> fmt::Debug for Finish<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finish").finish_non_exhaustive()
    }
}

/// The future of [`WriterAsyncExt::swap_async`].
///
/// # Examples
///
/// ```
/// use dbuf_async::core::rc;
/// use dbuf_async::strategies::LocalStrategy;
/// use dbuf_async::{Swap, WriterAsyncExt};
///
/// let (mut writer, reader) = rc(1, 2, LocalStrategy::new());
/// let swap: Swap<'_, _> = writer.swap_async(); // nothing is published before it is polled
/// assert_eq!(*reader.read(), 1);
/// pollster::block_on(swap);
/// assert_eq!(*reader.read(), 2);
/// ```
#[must_use = "futures do nothing unless they are polled"]
pub struct Swap<'w, P: BufferPtr> {
    writer: &'w mut Writer<P>,
    started: bool,
}

impl<P: BufferPtr> Future for Swap<'_, P> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.started {
            ready!(self.writer.poll_finish(cx));
            // First: a waker that panics in `start_swap` leaves it started.
            self.started = true;
            self.writer.start_swap();
        }
        self.writer.poll_finish(cx)
    }
}

impl<P: BufferPtr> fmt::Debug for Swap<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Swap")
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}

/// The future of [`WriterAsyncExt::write_async`].
///
/// # Examples
///
/// ```
/// use dbuf_async::core::{OpWriter, rc};
/// use dbuf_async::strategies::LocalStrategy;
/// use dbuf_async::{Write, WriterAsyncExt};
///
/// type Add = fn(&mut u32, &());
///
/// let (writer, reader) = rc(0, 0, LocalStrategy::new());
/// let mut writer = OpWriter::<_, Add>::new(writer);
/// let write: Write<'_, _, _> = writer.write_async();
/// pollster::block_on(write).apply(|n, _| *n += 1);
/// assert_eq!(*reader.read(), 1);
/// ```
#[cfg(feature = "alloc")]
#[must_use = "futures do nothing unless they are polled"]
pub struct Write<'w, P: BufferPtr, O> {
    /// Empty once the batch has it.
    writer: Option<&'w mut OpWriter<P, O>>,
}

#[cfg(feature = "alloc")]
impl<'w, P: BufferPtr, O: Operation<P::Value, P::Extras>> Future for Write<'w, P, O> {
    type Output = Batch<&'w mut OpWriter<P, O>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut writer = self
            .writer
            .take()
            .expect("a future must not be polled again after it was ready");
        loop {
            match Batch::try_begin(writer) {
                Ok(batch) => return Poll::Ready(batch),
                Err(refused) => writer = refused,
            }
            if let Poll::Ready(batch) = writer.poll_write(cx) {
                // The last guard went between the two. This batch borrows from a
                // local; deferring an empty batch changes nothing.
                batch.defer();
            } else {
                self.writer = Some(writer);
                return Poll::Pending;
            }
        }
    }
}

#[cfg(feature = "alloc")]
impl<P: BufferPtr, O> fmt::Debug for Write<'_, P, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Write").finish_non_exhaustive()
    }
}
