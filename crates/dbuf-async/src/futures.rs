//! Futures over the `poll_*` methods of `dbuf-core`.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

#[cfg(feature = "alloc")]
use dbuf_core::{Batch, OpWriter, Operation};
use dbuf_core::{BufferPtr, Writer};

/// The future of [`WriterAsyncExt::finish_async`](crate::WriterAsyncExt::finish_async).
#[must_use = "futures do nothing unless they are polled"]
pub struct Finish<'w, P: BufferPtr> {
    pub(crate) writer: &'w mut Writer<P>,
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

/// The future of [`WriterAsyncExt::swap_async`](crate::WriterAsyncExt::swap_async).
#[must_use = "futures do nothing unless they are polled"]
pub struct Swap<'w, P: BufferPtr> {
    pub(crate) writer: &'w mut Writer<P>,
    pub(crate) started: bool,
}

impl<P: BufferPtr> Future for Swap<'_, P> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.started {
            ready!(self.writer.poll_finish(cx));
            // Set first: if a waker panics in `start_swap`, the swap is started.
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

/// The future of [`WriterAsyncExt::write_async`](crate::WriterAsyncExt::write_async).
#[cfg(feature = "alloc")]
#[must_use = "futures do nothing unless they are polled"]
pub struct Write<'w, P: BufferPtr, O> {
    /// Empty after the batch has taken it.
    pub(crate) writer: Option<&'w mut OpWriter<P, O>>,
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
                // The last guard was dropped between the two calls. This batch borrows
                // from a local; deferring an empty batch changes nothing.
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
