//! One thread: the counts are plain cells.
//!
//! # Idea
//!
//! Readers and writer share a thread, so a guard is a `+ 1` on the count of its
//! side. The writer cannot wait for a guard of its own thread: it is refused
//! while one stands in its way ([`Writer::try_swap`](dbuf_core::Writer::try_swap),
//! [`Writer::try_back_mut`](dbuf_core::Writer::try_back_mut)), or awaits.
//!
//! # Cost
//!
//! A read increments and decrements a cell. No atomics, no allocation, `no_std`.

use core::cell::Cell;
use core::fmt;
use core::task::{Context, Poll, Waker};

use dbuf_core::primitive::abort;
use dbuf_core::{RefusingStrategy, Side, Strategy};

/// Everything on one thread: games, user interfaces, simulations.
///
/// # Examples
///
/// ```
/// use dbuf_strategies::LocalStrategy;
///
/// let (mut writer, reader) = dbuf_core::rc("frame 1", "frame 2", LocalStrategy::new());
/// let frame = reader.read();
/// assert!(!writer.try_swap()); // `frame` is being shown
/// drop(frame);
/// assert!(writer.try_swap());
/// assert_eq!(*reader.read(), "frame 2");
/// ```
///
/// It stays on its thread:
///
/// ```compile_fail,E0277
/// use dbuf_strategies::LocalStrategy;
///
/// let (writer, _reader) = dbuf_core::arc(1, 2, LocalStrategy::new());
/// std::thread::spawn(move || drop(writer));
/// ```
pub struct LocalStrategy {
    front: Cell<Side>,
    a: Cell<usize>,
    b: Cell<usize>,
    finished: Cell<bool>,
    claimed: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl LocalStrategy {
    /// A fresh strategy. Allocates nothing, then or later.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LocalStrategy;
    /// use dbuf_strategies::core::{DoubleBuffer, split};
    ///
    /// let buffer = DoubleBuffer::new(1, 2, LocalStrategy::new());
    /// let (mut writer, reader) = split(&buffer).unwrap();
    /// assert!(writer.try_swap());
    /// assert_eq!(*reader.read(), 2);
    /// ```
    pub const fn new() -> Self {
        Self {
            front: Cell::new(Side::A),
            a: Cell::new(0),
            b: Cell::new(0),
            finished: Cell::new(true),
            claimed: Cell::new(false),
            waker: Cell::new(None),
        }
    }

    #[inline]
    fn count(&self, side: Side) -> &Cell<usize> {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }

    fn on_back(&self) -> usize {
        self.count(self.front.get().other()).get()
    }

    fn look(&self) -> bool {
        if self.on_back() == 0 {
            self.finished.set(true);
        }
        self.finished.get()
    }

    #[cold]
    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Default for LocalStrategy {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LocalStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalStrategy")
            .field("front", &self.front.get())
            .finish_non_exhaustive()
    }
}

/// Proof of the claim of a [`LocalStrategy`].
#[derive(Debug)]
pub struct LocalWriter(());

/// A reader of a [`LocalStrategy`]; readers have no state of their own.
#[derive(Debug)]
pub struct LocalReader(());

// SAFETY: the cells make the strategy `!Sync`, so everything happens on one
// thread in program order (S3, S4, S10). S1: `claimed`. S2, S5, S8, S12:
// finished is set only while no guard is counted on the back. S6: the last
// release there wakes. S7: counts are checked. S9: only the flips set `front`.
// S11: tokens are empty.
unsafe impl Strategy for LocalStrategy {
    type WriterToken = LocalWriter;
    type ReaderToken = LocalReader;
    type GuardToken = Side;

    fn try_claim_writer(&self) -> Option<LocalWriter> {
        (!self.claimed.replace(true)).then_some(LocalWriter(()))
    }

    unsafe fn release_writer(&self, _: LocalWriter) {
        self.claimed.set(false);
    }

    fn is_writer_claimed(&self) -> bool {
        self.claimed.get()
    }

    fn new_reader(&self) -> LocalReader {
        LocalReader(())
    }

    #[inline]
    unsafe fn acquire(&self, _: &LocalReader) -> Side {
        let side = self.front.get();
        let count = self.count(side);
        match count.get().checked_add(1) {
            Some(more) => count.set(more),
            None => abort("too many guards"),
        }
        side
    }

    #[inline]
    fn side(guard: &Side) -> Side {
        *guard
    }

    #[inline]
    unsafe fn is_current(&self, _: &LocalReader, side: &Side) -> bool {
        self.front.get() == *side
    }

    #[inline]
    unsafe fn release(&self, _: &LocalReader, side: Side) {
        let count = self.count(side);
        let left = count.get() - 1;
        count.set(left);
        if left == 0 && side != self.front.get() {
            self.wake();
        }
    }

    #[inline]
    fn front(&self) -> Side {
        self.front.get()
    }

    unsafe fn start_swap(&self, _: &mut LocalWriter) {
        self.front.set(self.front.get().other());
        self.finished.set(false);
    }

    #[inline]
    unsafe fn is_finished(&self, _: &LocalWriter) -> bool {
        self.finished.get()
    }

    unsafe fn try_finish(&self, _: &mut LocalWriter) -> bool {
        self.look()
    }

    unsafe fn poll_finish(&self, _: &mut LocalWriter, cx: &mut Context<'_>) -> Poll<()> {
        if self.look() {
            return Poll::Ready(());
        }
        // User code: a clone that drops the last guard wakes the old waker, and
        // this look sees it.
        let waker = cx.waker().clone();
        if self.look() {
            return Poll::Ready(());
        }
        drop(self.waker.replace(Some(waker)));
        // Dropping the old waker is user code as well.
        if self.look() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    unsafe fn stragglers(&self, _: &LocalWriter) -> usize {
        if self.finished.get() {
            0
        } else {
            self.on_back()
        }
    }
}

// SAFETY: nothing comes between look and flip on one thread; `finished` stays.
unsafe impl RefusingStrategy for LocalStrategy {
    unsafe fn try_swap(&self, _: &mut LocalWriter) -> bool {
        let front = self.front.get();
        if self.count(front).get() > 0 {
            return false;
        }
        self.front.set(front.other());
        true
    }
}

/// A strategy with as many guards as it can count.
#[cfg(all(test, feature = "std"))]
pub(crate) fn full() -> (LocalStrategy, LocalReader) {
    let strategy = LocalStrategy::new();
    strategy.a.set(usize::MAX);
    (strategy, LocalReader(()))
}
