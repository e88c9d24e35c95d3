//! Wrappers of a strategy: one whose start unwinds, and one without a spare side.

use std::cell::Cell;
use std::task::{Context, Poll};

use dbuf_strategies::core::{BlockingStrategy, Side, Strategy};

thread_local! {
    pub(crate) static UNWINDS: Cell<u8> = const { Cell::new(0) };
}

/// The methods that every wrapper passes to the inner strategy.
macro_rules! delegate {
    () => {
        type WriterToken = S::WriterToken;
        type ReaderToken = S::ReaderToken;
        type GuardToken = S::GuardToken;

        fn try_claim_writer(&self) -> Option<S::WriterToken> {
            self.0.try_claim_writer()
        }
        unsafe fn release_writer(&self, writer: S::WriterToken) {
            // SAFETY: the caller upholds the same contract.
            unsafe { self.0.release_writer(writer) }
        }
        fn is_writer_claimed(&self) -> bool {
            self.0.is_writer_claimed()
        }
        fn new_reader(&self) -> S::ReaderToken {
            self.0.new_reader()
        }
        unsafe fn acquire(&self, reader: &S::ReaderToken) -> S::GuardToken {
            // SAFETY: the caller upholds the same contract.
            unsafe { self.0.acquire(reader) }
        }
        fn side(guard: &S::GuardToken) -> Side {
            S::side(guard)
        }
        unsafe fn release(&self, reader: &S::ReaderToken, guard: S::GuardToken) {
            // SAFETY: the caller upholds the same contract.
            unsafe { self.0.release(reader, guard) }
        }
        fn front(&self) -> Side {
            self.0.front()
        }
        unsafe fn is_finished(&self, writer: &S::WriterToken) -> bool {
            // SAFETY: the caller upholds the same contract.
            unsafe { self.0.is_finished(writer) }
        }
        unsafe fn try_finish(&self, writer: &mut S::WriterToken) -> bool {
            // SAFETY: the caller upholds the same contract.
            unsafe { self.0.try_finish(writer) }
        }
        unsafe fn poll_finish(
            &self,
            writer: &mut S::WriterToken,
            cx: &mut Context<'_>,
        ) -> Poll<()> {
            // SAFETY: the caller upholds the same contract.
            unsafe { self.0.poll_finish(writer, cx) }
        }
        unsafe fn stragglers(&self, writer: &S::WriterToken) -> usize {
            // SAFETY: the caller upholds the same contract.
            unsafe { self.0.stragglers(writer) }
        }
    };
}

/// A strategy that has only the provided methods of the spare side, so no side is ever set aside.
pub(crate) struct NoSpare<S>(pub(crate) S);

// SAFETY: every method is the inner strategy's, with its tokens and the caller's promises
// (C1 to C7). S13 holds by the provided methods.
unsafe impl<S: Strategy> Strategy for NoSpare<S> {
    delegate!();

    unsafe fn start_swap(&self, writer: &mut S::WriterToken) {
        // SAFETY: the caller upholds the same contract.
        unsafe { self.0.start_swap(writer) }
    }
}

impl<S: BlockingStrategy> BlockingStrategy for NoSpare<S> {}

/// A strategy that unwinds where `UNWINDS` says: 1 before a flip, 2 after it, 3 before it sets a
/// side aside. Without `SPARE`, its spare side is never free.
pub(crate) struct Unwinds<S, const SPARE: bool>(pub(crate) S);

// SAFETY: every method is the inner strategy's. A start that unwinds is made or is not made.
unsafe impl<S: Strategy, const SPARE: bool> Strategy for Unwinds<S, SPARE> {
    delegate!();

    unsafe fn start_swap(&self, writer: &mut S::WriterToken) {
        let at = UNWINDS.get();
        if at < 3 {
            UNWINDS.set(0);
        }
        assert_ne!(at, 1, "before");
        // SAFETY: the caller upholds the same contract.
        unsafe { self.0.start_swap(writer) };
        assert_ne!(at, 2, "after");
    }
    fn spare(&self) -> Side {
        self.0.spare()
    }
    unsafe fn try_free_spare(&self, writer: &mut S::WriterToken) -> bool {
        // SAFETY: the caller upholds the same contract.
        SPARE && unsafe { self.0.try_free_spare(writer) }
    }
    unsafe fn set_aside(&self, writer: &mut S::WriterToken) {
        assert!(SPARE, "never free");
        assert_ne!(UNWINDS.take(), 3, "aside");
        // SAFETY: the caller upholds the same contract.
        unsafe { self.0.set_aside(writer) };
    }
    unsafe fn spare_stragglers(&self, writer: &S::WriterToken) -> usize {
        // SAFETY: the caller upholds the same contract.
        unsafe { self.0.spare_stragglers(writer) }
    }
    unsafe fn holds(&self, reader: &S::ReaderToken, side: Side) -> bool {
        // SAFETY: the caller upholds the same contract.
        unsafe { self.0.holds(reader, side) }
    }
}

impl<S: BlockingStrategy, const SPARE: bool> BlockingStrategy for Unwinds<S, SPARE> {}
