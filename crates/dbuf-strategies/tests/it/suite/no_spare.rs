//! A strategy that has no spare side.

use core::task::{Context, Poll};

use dbuf_strategies::core::{BlockingStrategy, Side, Strategy};

/// The inner strategy, with the provided methods of the trait.
pub(crate) struct NoSpare<S>(pub(crate) S);

// SAFETY: every method calls the inner strategy's with its tokens, and passes the caller's
// promises on (C1 to C7). S13: the provided methods never set a side aside.
unsafe impl<S: Strategy> Strategy for NoSpare<S> {
    type WriterToken = S::WriterToken;
    type ReaderToken = S::ReaderToken;
    type GuardToken = S::GuardToken;

    fn try_claim_writer(&self) -> Option<S::WriterToken> {
        self.0.try_claim_writer()
    }

    unsafe fn release_writer(&self, writer: S::WriterToken) {
        // SAFETY: the caller's promises.
        unsafe { self.0.release_writer(writer) }
    }

    fn is_writer_claimed(&self) -> bool {
        self.0.is_writer_claimed()
    }

    fn new_reader(&self) -> S::ReaderToken {
        self.0.new_reader()
    }

    unsafe fn acquire(&self, reader: &S::ReaderToken) -> S::GuardToken {
        // SAFETY: the caller's promises.
        unsafe { self.0.acquire(reader) }
    }

    fn side(guard: &S::GuardToken) -> Side {
        S::side(guard)
    }

    unsafe fn release(&self, reader: &S::ReaderToken, guard: S::GuardToken) {
        // SAFETY: the caller's promises.
        unsafe { self.0.release(reader, guard) }
    }

    fn front(&self) -> Side {
        self.0.front()
    }

    unsafe fn start_swap(&self, writer: &mut S::WriterToken) {
        // SAFETY: the caller's promises.
        unsafe { self.0.start_swap(writer) }
    }

    unsafe fn is_finished(&self, writer: &S::WriterToken) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.0.is_finished(writer) }
    }

    unsafe fn try_finish(&self, writer: &mut S::WriterToken) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.0.try_finish(writer) }
    }

    unsafe fn poll_finish(&self, writer: &mut S::WriterToken, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the caller's promises.
        unsafe { self.0.poll_finish(writer, cx) }
    }

    unsafe fn stragglers(&self, writer: &S::WriterToken) -> usize {
        // SAFETY: the caller's promises.
        unsafe { self.0.stragglers(writer) }
    }
}

impl<S: BlockingStrategy> BlockingStrategy for NoSpare<S> {}
