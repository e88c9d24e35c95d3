//! A strategy whose start unwinds, before the flip or after it, and which may have no spare
//! side.

use std::cell::Cell;
use std::task::{Context, Poll};

use dbuf_strategies::core::{BlockingStrategy, Side, Strategy};

thread_local! {
    pub(crate) static UNWINDS: Cell<u8> = const { Cell::new(0) };
}

/// Unwinds where `UNWINDS` says: 1 before a flip, 2 after it, 3 before it sets a side aside.
/// Without `SPARE` it has no spare side, and behaves as the provided methods do.
pub(crate) struct Unwinds<S, const SPARE: bool>(pub(crate) S);

// SAFETY: the inner strategy keeps the promises. A start that unwinds was made or was not.
unsafe impl<S: Strategy, const SPARE: bool> Strategy for Unwinds<S, SPARE> {
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
        let at = UNWINDS.get();
        if at < 3 {
            UNWINDS.set(0);
        }
        assert_ne!(at, 1, "before");
        // SAFETY: the caller's promises.
        unsafe { self.0.start_swap(writer) };
        assert_ne!(at, 2, "after");
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
    fn spare(&self) -> Side {
        self.0.spare()
    }
    unsafe fn try_free_spare(&self, writer: &mut S::WriterToken) -> bool {
        // SAFETY: the caller's promises.
        SPARE && unsafe { self.0.try_free_spare(writer) }
    }
    unsafe fn set_aside(&self, writer: &mut S::WriterToken) {
        assert!(SPARE, "never free");
        assert_ne!(UNWINDS.take(), 3, "aside");
        // SAFETY: the caller's promises.
        unsafe { self.0.set_aside(writer) };
    }
    unsafe fn spare_stragglers(&self, writer: &S::WriterToken) -> usize {
        // SAFETY: the caller's promises.
        unsafe { self.0.spare_stragglers(writer) }
    }
    unsafe fn holds(&self, reader: &S::ReaderToken, side: Side) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.0.holds(reader, side) }
    }
}

impl<S: BlockingStrategy, const SPARE: bool> BlockingStrategy for Unwinds<S, SPARE> {}
