//! A strategy around a strategy: readers can await the next publish.
//!
//! # Idea
//!
//! Beside the inner strategy there is one *word*, which all waiters share: the number of
//! publishes, *closed* (no writer is claimed), and *awaited* (a waker may be in the list). A
//! publish flips, then writes the word, then wakes.
//!
//! # A publish and a wait, step by step
//!
//! | writer publishes | task waits |
//! |---|---|
//! | V1 the inner strategy flips | T1 load the word; if its number is newer, done |
//! | V2 swap the word: one publish more, not awaited | T2 join the list of wakers |
//! | V3 if the old word was awaited, wake the list | T3 set *awaited*; if the old word's number is newer, done |
//!
//! V2 and T3 are read-modify-writes of one word, so one of them comes first. If it is T3, V2
//! finds the mark, and the waker has been in the list since T2. If it is V2, T3 finds the new
//! number. With a plain store in either place, both could miss the other. V1 precedes V2, so a
//! task that loads the new number reads that publish, or a later one.
//!
//! # States
//!
//! | word | `changed` returns | a claim |
//! |---|---|---|
//! | closed: no writer is claimed (fresh, or released) | what is newer, else `Closed` | is given |
//! | open | what is newer, else waits | is refused |
//!
//! The word *is* the claim: the inner claim is taken after the word is opened and released
//! before it is closed. So a task that gets `Closed` can claim at once, and only the holder of
//! the claim changes the number.
//!
//! # Orderings
//!
//! - V2 is Release; T1 and T3 are Acquire: a task that loads a publish's number sees its flip.
//!   Marks set in between continue the release sequence, being read-modify-writes.
//! - That no wake is lost rests on the order of V2 and T3 alone: if V3 locked the list before
//!   T2, then V2 would happen before T3 and could not load its mark.
//!
//! # Cost
//!
//! A read costs what the inner strategy's does. A publish that no task awaits is one
//! read-modify-write more. A wait locks the list twice, and allocates only when the list grows.

mod state;
mod waiter;

use alloc::sync::Arc;
use core::fmt;
use core::task::{Context, Poll};

use dbuf_core::{BlockingStrategy, Side, Strategy, TrySwapStrategy, const_fn};

use self::state::OwnWatchState;

pub use self::waiter::Waiter;

/// Adds to any strategy that readers can await the next publish (`dbuf_async::Watcher`).
///
/// It costs a reader nothing, and a publish that no task awaits one read-modify-write. It
/// numbers publishes as the buffer does
/// ([`ReadGuard::version`](dbuf_core::ReadGuard::version)), so the inner strategy must be fresh.
///
/// The publish calls the wakers as its last step, when the swap is started. If one of them
/// panics, the others are called, and then the panic continues.
///
/// # Examples
///
/// ```
/// use dbuf_strategies::{EpochStrategy, Watched, core};
///
/// let (mut writer, reader) = core::arc(1, 1, Watched::new(EpochStrategy::new()));
/// let waiter = reader.strategy().waiter();
/// writer.store(2);
/// assert_eq!(waiter.version(), reader.version());
/// ```
pub struct Watched<S> {
    inner: S,
    state: OwnWatchState,
}

impl<S> Watched<S> {
    const_fn! {
        /// Wraps a fresh strategy. It allocates with the first claim or waiter.
        ///
        /// # Examples
        ///
        /// ```
        /// use dbuf_strategies::{EpochStrategy, Watched, core};
        ///
        /// let (mut writer, reader) = core::arc(1, 1, Watched::new(EpochStrategy::new()));
        /// writer.store(2);
        /// assert_eq!(*reader.read(), 2);
        /// ```
        pub const fn new(strategy: S) -> Self {
            Self {
                inner: strategy,
                state: OwnWatchState::new(),
            }
        }
    }

    /// Returns a handle that awaits publishes and does not keep the buffer alive. It costs a
    /// reference count; the first one allocates.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::{EpochStrategy, Watched, core};
    ///
    /// let (mut writer, reader) = core::arc(1, 1, Watched::new(EpochStrategy::new()));
    /// let waiter = writer.strategy().waiter();
    /// writer.store(2);
    /// assert_eq!(waiter.version(), 1);
    /// drop((writer, reader));
    /// assert_eq!(waiter.version(), 0); // the buffer is gone
    /// ```
    pub fn waiter(&self) -> Waiter {
        Waiter::new(Arc::clone(self.state.get()))
    }
}

impl<S: Default> Default for Watched<S> {
    fn default() -> Self {
        Self::new(S::default())
    }
}

impl<S: fmt::Debug> fmt::Debug for Watched<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.inner).finish()
    }
}

// SAFETY: every method calls the inner strategy's with its tokens, so it keeps its promises and
// passes the caller's on (C1 to C7). S1, S10: the word is open at least while a claim is given
// out, and the inner claim is taken and released within. S7: the wakers are called last, with
// no lock held. S9, S11, S12: the word decides nothing else, and an `Arc` owns it.
unsafe impl<S: Strategy> Strategy for Watched<S> {
    type WriterToken = S::WriterToken;
    type ReaderToken = S::ReaderToken;
    type GuardToken = S::GuardToken;

    fn try_claim_writer(&self) -> Option<S::WriterToken> {
        if !self.state.get().try_open() {
            return None;
        }
        /// Closes the word again where the inner claim is refused or unwinds.
        struct Close<'w>(&'w OwnWatchState);

        impl Drop for Close<'_> {
            fn drop(&mut self) {
                self.0.close();
            }
        }

        let close = Close(&self.state);
        let token = self.inner.try_claim_writer();
        if token.is_some() {
            core::mem::forget(close);
        }
        token
    }

    unsafe fn release_writer(&self, writer: S::WriterToken) {
        // SAFETY: the caller's promises.
        unsafe { self.inner.release_writer(writer) };
        self.state.close();
    }

    fn is_writer_claimed(&self) -> bool {
        !self.state.get().load().is_closed()
    }

    fn new_reader(&self) -> S::ReaderToken {
        self.inner.new_reader()
    }

    #[inline]
    unsafe fn acquire(&self, reader: &S::ReaderToken) -> S::GuardToken {
        // SAFETY: the caller's promises.
        unsafe { self.inner.acquire(reader) }
    }

    #[inline]
    fn side(guard: &S::GuardToken) -> Side {
        S::side(guard)
    }

    #[inline]
    unsafe fn is_current(&self, reader: &S::ReaderToken, guard: &S::GuardToken) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.inner.is_current(reader, guard) }
    }

    #[inline]
    unsafe fn release(&self, reader: &S::ReaderToken, guard: S::GuardToken) {
        // SAFETY: the caller's promises.
        unsafe { self.inner.release(reader, guard) }
    }

    #[inline]
    fn front(&self) -> Side {
        self.inner.front()
    }

    unsafe fn start_swap(&self, writer: &mut S::WriterToken) {
        /// Notifies the waiters of the flip, even if the start unwinds after it.
        struct Notify<'w, S: Strategy>(&'w Watched<S>, Side);

        impl<S: Strategy> Drop for Notify<'_, S> {
            fn drop(&mut self) {
                if self.0.inner.front() != self.1 {
                    self.0.state.publish();
                }
            }
        }

        let _notify = Notify(self, self.inner.front());
        // SAFETY: the caller's promises.
        unsafe { self.inner.start_swap(writer) };
    }

    #[inline]
    unsafe fn is_finished(&self, writer: &S::WriterToken) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.inner.is_finished(writer) }
    }

    unsafe fn try_finish(&self, writer: &mut S::WriterToken) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.inner.try_finish(writer) }
    }

    unsafe fn poll_finish(&self, writer: &mut S::WriterToken, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the caller's promises.
        unsafe { self.inner.poll_finish(writer, cx) }
    }

    unsafe fn stragglers(&self, writer: &S::WriterToken) -> usize {
        // SAFETY: the caller's promises.
        unsafe { self.inner.stragglers(writer) }
    }

    #[inline]
    fn spare(&self) -> Side {
        self.inner.spare()
    }

    #[inline]
    fn back(&self) -> Side {
        self.inner.back()
    }

    unsafe fn try_free_spare(&self, writer: &mut S::WriterToken) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.inner.try_free_spare(writer) }
    }

    unsafe fn set_aside(&self, writer: &mut S::WriterToken) {
        // SAFETY: the caller's promises.
        unsafe { self.inner.set_aside(writer) }
    }

    unsafe fn spare_stragglers(&self, writer: &S::WriterToken) -> usize {
        // SAFETY: the caller's promises.
        unsafe { self.inner.spare_stragglers(writer) }
    }

    unsafe fn holds(&self, reader: &S::ReaderToken, side: Side) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.inner.holds(reader, side) }
    }

    unsafe fn holds_elsewhere(&self, reader: &S::ReaderToken, side: Side) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.inner.holds_elsewhere(reader, side) }
    }
}

impl<S: BlockingStrategy> BlockingStrategy for Watched<S> {}

// SAFETY: the inner strategy promises it.
unsafe impl<S: TrySwapStrategy> TrySwapStrategy for Watched<S> {
    unsafe fn try_swap(&self, writer: &mut S::WriterToken) -> bool {
        // SAFETY: the caller's promises.
        let swapped = unsafe { self.inner.try_swap(writer) };
        if swapped {
            self.state.publish();
        }
        swapped
    }
}
