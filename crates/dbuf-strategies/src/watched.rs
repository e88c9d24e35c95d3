//! A strategy around a strategy: readers can await the next publish.
//!
//! # Idea
//!
//! The inner strategy does what it does. Around it stands one *word*, shared by
//! everybody who waits: how many publishes there were, whether the writer's place
//! is free, and whether anybody waits. A publish flips, then writes the word, then
//! wakes.
//!
//! # A publish and a wait, step by step
//!
//! | writer publishes | task waits |
//! |---|---|
//! | N1 the inner strategy flips | T1 load the word; if it says something newer, done |
//! | N2 swap the word: one publish more, nobody waits | T2 join the list of wakers |
//! | N3 if the old word said that somebody waits, wake the list | T3 set *somebody waits*; look at what the word said |
//!
//! N2 and T3 are read-modify-writes of one word, so one of them comes first. If it
//! is T3, N2 finds the mark, and the waker has been in the list since T2. If it is
//! N2, T3 finds the new number. A plain store in place of either could pass the
//! other by. The order N1, N2 is what makes an announced publish readable: with the number
//! first, a task could be told of it and read the old front.
//!
//! # States
//!
//! | word | `changed` says | a claim |
//! |---|---|---|
//! | closed: no writer is live (fresh, or released) | what is newer, else `Closed` | is given |
//! | open | what is newer, else waits | is refused |
//!
//! The word *is* the claim: the inner strategy's is released before the word says
//! so and taken after. So who is told `Closed` can claim at once, and only the holder
//! of the claim changes the number.
//!
//! # Orderings
//!
//! - N2 is Release; T1 and T3 are Acquire: who learns of a publish by the word sees
//!   its flip. Marks set in between continue the release sequence, being
//!   read-modify-writes.
//! - A lost wake needs no ordering but the one order of N2 and T3: were the list
//!   locked by N3 before T2, then N2 would happen before T3 and could not read
//!   its mark.
//!
//! # Cost
//!
//! A read is the inner strategy's. A publish that nobody waits for is one
//! read-modify-write more. A wait locks a list twice and allocates only to make it
//! longer.

use std::sync::OnceLock;

use alloc::sync::Arc;
use core::fmt;
use core::task::{Context, Poll};

use dbuf_core::sync::atomic::{AtomicU64, Ordering};
use dbuf_core::waker_set::{Sleeps, WakerSet};
use dbuf_core::{BlockingStrategy, Closed, Side, Strategy, TrySwapStrategy, Version, const_fn};

/// Any strategy, with readers that can await the next publish
/// (`dbuf_async::Watcher`).
///
/// Costs a reader nothing, and a publish that nobody waits for one
/// read-modify-write. It numbers publishes as the buffer does
/// ([`ReadGuard::version`](dbuf_core::ReadGuard::version)), so the inner strategy
/// must be fresh.
///
/// The wakers of those who wait are called by the publish, as its last step. If one
/// of them panics, the rest are called, the swap is started, and the panic goes
/// on.
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
                state: OwnWatchState(OnceLock::new()),
            }
        }
    }

    /// A handle that learns of publishes, and does not keep the buffer alive. Costs a
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
        Waiter {
            state: Arc::clone(self.state.get()),
            number: None,
        }
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

/// What the word says.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Word(u64);

impl Word {
    /// Somebody is in the list.
    const AWAITED: u64 = 1;
    /// No writer is claimed.
    const CLOSED: u64 = 2;
    /// One publish.
    const PUBLISH: u64 = 4;

    /// `version` and nothing else. (2⁶² publishes take a century.)
    const fn open(version: Version) -> Self {
        Self(version * Self::PUBLISH)
    }

    const fn closed(self) -> Self {
        Self(self.0 | Self::CLOSED)
    }

    const fn version(self) -> Version {
        self.0 / Self::PUBLISH
    }

    const fn is_closed(self) -> bool {
        self.0 & Self::CLOSED != 0
    }

    const fn is_awaited(self) -> bool {
        self.0 & Self::AWAITED != 0
    }

    /// What there is to tell somebody who knows of `last_seen`.
    fn changed_since(self, last_seen: Version) -> Poll<Result<Version, Closed>> {
        if self.version() > last_seen {
            Poll::Ready(Ok(self.version()))
        } else if self.is_closed() {
            Poll::Ready(Err(Closed))
        } else {
            Poll::Pending
        }
    }
}

/// What waiters share; they may outlive the strategy.
struct WatchState {
    word: AtomicU64,
    waiters: WakerSet,
}

impl WatchState {
    fn new() -> Self {
        Self {
            word: AtomicU64::new(Word::open(0).closed().0),
            waiters: WakerSet::new(),
        }
    }

    fn load(&self) -> Word {
        // ORDERING: Acquire; partner: N2 in `notify`. T1: who is told of a
        // publish reads it.
        Word(self.word.load(Ordering::Acquire))
    }

    /// How many publishes there were. For the claim's holder.
    fn version(&self) -> Version {
        // Relaxed: only the claim's holder changes it.
        Word(self.word.load(Ordering::Relaxed)).version()
    }

    /// N2 and N3. The last step of whoever calls it, since it wakes.
    fn notify(&self, word: Word) {
        // ORDERING: Release; partners: `load`, T3 in `poll_changed`, `try_open`. A swap and not a
        // store: it must not pass T3 by, and it takes the mark away.
        let old = Word(self.word.swap(word.0, Ordering::Release));
        if old.is_awaited() {
            self.waiters.wake_all();
        }
    }

    /// Whether this call made the claim.
    fn try_open(&self) -> bool {
        // ORDERING: Acquire; partner: `notify` of the release. The inner claim, which
        // ended before it, is seen as ended; unseen, it would cost a refusal and
        // never a second claim. UNMODELLED: the inner claim is a read-modify-write,
        // and in loom and Miri those always see the last value.
        Word(self.word.fetch_and(!Word::CLOSED, Ordering::Acquire)).is_closed()
    }
}

/// The strategy's part of the board, made when it is first needed.
struct OwnWatchState(OnceLock<Arc<WatchState>>);

impl OwnWatchState {
    fn get(&self) -> &Arc<WatchState> {
        self.0.get_or_init(|| Arc::new(WatchState::new()))
    }

    /// One publish more.
    fn publish(&self) {
        let state = self.get();
        state.notify(Word::open(state.version() + 1));
    }

    fn close(&self) {
        let state = self.get();
        state.notify(Word::open(state.version()).closed());
    }
}

/// The buffer is gone, perhaps with the claim of a forgotten writer: nothing that
/// was announced can be read any more.
impl Drop for OwnWatchState {
    fn drop(&mut self) {
        if let Some(state) = self.0.get() {
            state.notify(Word::open(0).closed());
        }
    }
}

// SAFETY: every method is the inner strategy's, with its tokens, and hands the
// caller's promises on (C1 to C7); the rest adds to two of them. S1, S10: the word
// is open exactly while a claim is given out, and the inner claim lies within.
// S7: the wakers are called last, with no lock held. S9, S11, S12: the board
// decides nothing, and is shared-owned.
unsafe impl<S: Strategy> Strategy for Watched<S> {
    type WriterToken = S::WriterToken;
    type ReaderToken = S::ReaderToken;
    type GuardToken = S::GuardToken;

    fn try_claim_writer(&self) -> Option<S::WriterToken> {
        if !self.state.get().try_open() {
            return None;
        }
        /// Closes what has no claim: the inner strategy is claimed elsewhere, or unwound.
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
        /// Announces the flip, also where the start unwinds after it.
        struct Announce<'w, S: Strategy>(&'w Watched<S>, Side);

        impl<S: Strategy> Drop for Announce<'_, S> {
            fn drop(&mut self) {
                if self.0.inner.front() != self.1 {
                    self.0.state.publish();
                }
            }
        }

        let _announce = Announce(self, self.inner.front());
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
}

impl<S: BlockingStrategy> BlockingStrategy for Watched<S> {}

// SAFETY: the inner strategy's promise.
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

/// Learns of the publishes of one buffer, and keeps nothing of it alive.
///
/// The part of a watcher that does not read; `dbuf_async::Watcher` puts a reader
/// beside it. It holds at most one place in the list of those who wait, and gives
/// it back when dropped.
///
/// # Examples
///
/// ```
/// use std::task::{Context, Poll, Waker};
/// use dbuf_strategies::{EpochStrategy, Watched, core};
///
/// let (mut writer, reader) = core::arc(1, 1, Watched::new(EpochStrategy::new()));
/// let mut waiter = reader.strategy().waiter();
/// let mut cx = Context::from_waker(Waker::noop());
/// assert!(waiter.poll_changed(0, &mut cx).is_pending());
/// writer.store(2);
/// assert_eq!(waiter.poll_changed(0, &mut cx), Poll::Ready(Ok(1)));
/// ```
pub struct Waiter {
    state: Arc<WatchState>,
    number: Option<usize>,
}

impl Waiter {
    /// The number of the last publish whose readers were told. Whoever sees it can
    /// read that publish, or a later one.
    ///
    /// One load. 0 once the buffer is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::{EpochStrategy, Watched, core};
    ///
    /// let (mut writer, reader) = core::arc(1, 1, Watched::new(EpochStrategy::new()));
    /// let waiter = reader.strategy().waiter();
    /// assert_eq!(waiter.version(), 0);
    /// writer.store(2);
    /// assert_eq!(waiter.version(), 1);
    /// ```
    pub fn version(&self) -> Version {
        self.state.load().version()
    }

    /// Ready with the number of the last publish if that is above `last_seen`, with
    /// [`Closed`] if not and no writer is live; else the task is woken when it is
    /// worth asking again. A new waker replaces the old. One load if there is something
    /// newer; else it locks the list of those who wait.
    ///
    /// # Errors
    ///
    /// No writer is claimed at this moment. A later claim opens the buffer again,
    /// unless it is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::task::{Context, Poll, Waker};
    ///
    /// use dbuf_strategies::core::{self, Closed};
    /// use dbuf_strategies::{EpochStrategy, Watched};
    ///
    /// let (mut writer, reader) = core::arc(1, 1, Watched::new(EpochStrategy::new()));
    /// let mut waiter = reader.strategy().waiter();
    /// let mut cx = Context::from_waker(Waker::noop()); // an executor has a better one
    /// writer.store(2);
    /// writer.store(3);
    /// assert_eq!(waiter.poll_changed(0, &mut cx), Poll::Ready(Ok(2)));
    /// assert!(waiter.poll_changed(2, &mut cx).is_pending());
    /// drop(writer);
    /// assert_eq!(waiter.poll_changed(2, &mut cx), Poll::Ready(Err(Closed)));
    /// ```
    pub fn poll_changed(
        &mut self,
        last_seen: Version,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Version, Closed>> {
        let mut change = self.state.load().changed_since(last_seen);
        if change.is_pending() {
            let waiters = &self.state.waiters;
            let number = *self.number.get_or_insert_with(|| waiters.number());
            waiters.join(number, Sleeps::Task, cx.waker().clone());
            // ORDERING: Acquire; partner: N2 in `notify`, as for `load`. T3: either
            // this sees what N2 left, or N2 sees the mark.
            let word = self.state.word.fetch_or(Word::AWAITED, Ordering::Acquire);
            change = Word(word).changed_since(last_seen);
        }
        if change.is_ready() {
            self.leave();
        }
        change
    }

    /// Waits no longer: gives up the place that a pending
    /// [`poll_changed`](Self::poll_changed) took. Its waker is dropped and not called.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::task::{Context, Wake, Waker};
    ///
    /// use dbuf_strategies::{EpochStrategy, Watched, core};
    ///
    /// struct Task;
    /// impl Wake for Task {
    ///     fn wake(self: Arc<Self>) {}
    /// }
    ///
    /// let (_writer, reader) = core::arc(1, 1, Watched::new(EpochStrategy::new()));
    /// let mut waiter = reader.strategy().waiter();
    /// let task = Arc::new(Task);
    /// let waker = Waker::from(Arc::clone(&task));
    /// assert!(waiter.poll_changed(0, &mut Context::from_waker(&waker)).is_pending());
    /// waiter.leave();
    /// drop(waker);
    /// assert_eq!(Arc::strong_count(&task), 1); // nobody keeps its waker
    /// ```
    pub fn leave(&mut self) {
        if let Some(number) = self.number.take() {
            self.state.waiters.leave(number);
        }
    }
}

/// Another handle, which does not wait.
impl Clone for Waiter {
    fn clone(&self) -> Self {
        Self {
            state: Arc::clone(&self.state),
            number: None,
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter")
            .field("version", &self.version())
            .field("is_waiting", &self.number.is_some())
            .finish_non_exhaustive()
    }
}
