//! Wrappers of a strategy: one with hooks, and one without a spare side.

use std::cell::Cell;
use std::task::{Context, Poll};

use dbuf_strategies::core::{BlockingStrategy, Side, Strategy};

/// What a test does beside the calls of a strategy.
pub(crate) trait Hooks {
    /// Goes with each reader's token, and is dropped before it.
    type InReader: 'static;
    /// Without it, the spare side is never free.
    const SPARE: bool = true;

    fn new_reader(&self) -> Self::InReader;
    fn on_release_writer(&self) {}
    fn before_start(&self) {}
    fn after_start(&self) {}
    fn before_set_aside(&self) {}
    fn after_holds(&self) {}
}

/// A strategy with hooks.
#[derive(Default)]
pub(crate) struct Hooked<S, H>(pub(crate) S, pub(crate) H);

/// The methods that a wrapper passes on. `$reader` is how it reaches the inner reader's token.
macro_rules! delegate {
    ($token:ident => $reader:expr) => {
        type WriterToken = S::WriterToken;
        type GuardToken = S::GuardToken;

        fn try_claim_writer(&self) -> Option<S::WriterToken> {
            self.0.try_claim_writer()
        }
        fn is_writer_claimed(&self) -> bool {
            self.0.is_writer_claimed()
        }
        unsafe fn acquire(&self, $token: &Self::ReaderToken) -> S::GuardToken {
            // SAFETY: the caller upholds the same contract.
            unsafe { self.0.acquire($reader) }
        }
        fn side(guard: &S::GuardToken) -> Side {
            S::side(guard)
        }
        unsafe fn release(&self, $token: &Self::ReaderToken, guard: S::GuardToken) {
            // SAFETY: the caller upholds the same contract.
            unsafe { self.0.release($reader, guard) }
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

// SAFETY: every method is the inner strategy's, with its tokens and the caller's promises
// (C1 to C7). A start that unwinds in a hook is made or is not made.
unsafe impl<S: Strategy, H: Hooks> Strategy for Hooked<S, H> {
    type ReaderToken = (H::InReader, S::ReaderToken);
    delegate!(reader => &reader.1);

    unsafe fn release_writer(&self, writer: S::WriterToken) {
        self.1.on_release_writer();
        // SAFETY: the caller upholds the same contract.
        unsafe { self.0.release_writer(writer) }
    }
    fn new_reader(&self) -> Self::ReaderToken {
        (self.1.new_reader(), self.0.new_reader())
    }
    unsafe fn start_swap(&self, writer: &mut S::WriterToken) {
        self.1.before_start();
        // SAFETY: the caller upholds the same contract.
        unsafe { self.0.start_swap(writer) };
        self.1.after_start();
    }
    fn spare(&self) -> Side {
        self.0.spare()
    }
    unsafe fn try_free_spare(&self, writer: &mut S::WriterToken) -> bool {
        // SAFETY: the caller upholds the same contract.
        H::SPARE && unsafe { self.0.try_free_spare(writer) }
    }
    unsafe fn set_aside(&self, writer: &mut S::WriterToken) {
        assert!(H::SPARE, "never free");
        self.1.before_set_aside();
        // SAFETY: the caller upholds the same contract.
        unsafe { self.0.set_aside(writer) };
    }
    unsafe fn spare_stragglers(&self, writer: &S::WriterToken) -> usize {
        // SAFETY: the caller upholds the same contract.
        unsafe { self.0.spare_stragglers(writer) }
    }
    unsafe fn holds(&self, reader: &Self::ReaderToken, side: Side) -> bool {
        // SAFETY: the caller upholds the same contract.
        let holds = unsafe { self.0.holds(&reader.1, side) };
        self.1.after_holds();
        holds
    }
}

impl<S: BlockingStrategy, H: Hooks<InReader: Send> + Send + Sync> BlockingStrategy
    for Hooked<S, H>
{
}

/// A strategy that has only the provided methods of the spare side, so no side is ever set aside.
pub(crate) struct NoSpare<S>(pub(crate) S);

// SAFETY: every method is the inner strategy's, with its tokens and the caller's promises
// (C1 to C7). S13 holds by the provided methods.
unsafe impl<S: Strategy> Strategy for NoSpare<S> {
    type ReaderToken = S::ReaderToken;
    delegate!(reader => reader);

    unsafe fn release_writer(&self, writer: S::WriterToken) {
        // SAFETY: the caller upholds the same contract.
        unsafe { self.0.release_writer(writer) }
    }
    fn new_reader(&self) -> S::ReaderToken {
        self.0.new_reader()
    }
    unsafe fn start_swap(&self, writer: &mut S::WriterToken) {
        // SAFETY: the caller upholds the same contract.
        unsafe { self.0.start_swap(writer) }
    }
}

impl<S: BlockingStrategy> BlockingStrategy for NoSpare<S> {}

thread_local! {
    /// Where the next swap of this thread unwinds: 1 before the flip, 2 after it, 3 before a side
    /// is set aside. 0: nowhere.
    pub(crate) static UNWINDS: Cell<u8> = const { Cell::new(0) };
}

/// Unwinds where `UNWINDS` says.
pub(crate) struct AtUnwinds<const SPARE: bool>;

impl<const SPARE: bool> Hooks for AtUnwinds<SPARE> {
    type InReader = ();
    const SPARE: bool = SPARE;

    fn new_reader(&self) {}
    fn before_start(&self) {
        if UNWINDS.get() == 1 {
            UNWINDS.set(0);
            panic!("before");
        }
    }
    fn after_start(&self) {
        if UNWINDS.get() == 2 {
            UNWINDS.set(0);
            panic!("after");
        }
    }
    fn before_set_aside(&self) {
        assert_ne!(UNWINDS.take(), 3, "aside");
    }
}

pub(crate) type Unwinds<S, const SPARE: bool> = Hooked<S, AtUnwinds<SPARE>>;

pub(crate) const fn unwinding<S, const SPARE: bool>(strategy: S) -> Unwinds<S, SPARE> {
    Hooked(strategy, AtUnwinds)
}
