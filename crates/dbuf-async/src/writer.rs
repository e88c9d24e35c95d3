//! The async methods of writers.

#[cfg(feature = "alloc")]
use dbuf_core::{Batch, BatchOwner, OpWriter};
use dbuf_core::{BufferPtr, Writer};

#[cfg(feature = "alloc")]
use crate::futures::Write;
use crate::futures::{Finish, Swap};

mod sealed {
    use dbuf_core::{BufferPtr, Writer};

    pub trait Sealed {}

    /// A [`Writer`] without a log.
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

/// Async methods of writers: the twins of the blocking ones in `dbuf-core`.
///
/// [`Writer`] has `finish_async` and `swap_async`; `OpWriter` has `write_async` and
/// `transact_async`. They work with every strategy. The futures are `Send` if the writer is.
///
/// A task that awaits one of them while it holds a guard itself may sleep forever.
pub trait WriterAsyncExt: sealed::Sealed + Sized {
    /// Waits until the last swap is finished, like
    /// [`Writer::finish`](dbuf_core::Writer::finish).
    ///
    /// It is ready at once if the back has no guard; otherwise the last guard wakes the task once.
    ///
    /// # Cancel safety
    ///
    /// Dropping it changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_async::WriterAsyncExt;
    /// use dbuf_async::core::rc;
    /// use dbuf_async::strategies::LocalStrategy;
    ///
    /// let (mut writer, _reader) = rc(1, 2, LocalStrategy::new());
    /// writer.start_swap();
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

    /// Finishes the last swap, publishes the back and waits for readers of the old front, like
    /// [`Writer::swap`](dbuf_core::Writer::swap).
    ///
    /// # Cancel safety
    ///
    /// If it is dropped while it waits for the last swap, nothing is published and the back keeps
    /// its value. If it is dropped later, the back is published and the next call finishes the
    /// swap. [`Writer::version`](dbuf_core::Writer::version) shows which of the two happened.
    fn swap_async(&mut self) -> Swap<'_, Self::Ptr>
    where
        Self: RawWriter,
    {
        Swap {
            writer: self.writer(),
            started: false,
        }
    }

    /// Begins a batch, like [`OpWriter::write`]: waits for guards of the back, then replays the
    /// log.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future begins no batch and loses nothing. But a task that is cancelled while
    /// it holds the *batch* drops it, and a dropped batch publishes. Use
    /// [`transact_async`](Self::transact_async) or [`Batch::rollback_on_drop`] where that would
    /// publish half a change.
    ///
    /// # Panics
    ///
    /// Panics like [`OpWriter::write`], and if it is polled again after it was ready.
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

    /// Runs a transaction, like [`OpWriter::transact`]: publishes if `f` returns `Ok`, and rolls
    /// back to the last publish, deferred changes included, if `f` fails, panics or is cancelled.
    ///
    /// # Errors
    ///
    /// Returns the error of `f`.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it is ready, it has published nothing, and the next batch starts
    /// from the last publish.
    ///
    /// # Panics
    ///
    /// Panics like [`OpWriter::write`], and if `f` panics.
    ///
    /// # In a spawned task
    ///
    /// The future is `Send` if the writer and the captures of `f` are. If the type of the pointer
    /// or of the operation names a lifetime (`&'static DoubleBuffer`, `Box<dyn FnMut(..)>`), the
    /// compiler may reject the spawned task: `AsyncFnOnce` is "not general enough". Then hide the
    /// lifetime in a type of your own (`struct Op(Box<dyn ..>)`), or box the future as
    /// `Pin<Box<dyn Future<Output = _> + Send + '_>>`.
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
