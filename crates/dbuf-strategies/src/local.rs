//! For one thread: the counts are plain cells.
//!
//! # Idea
//!
//! Readers and writer share a thread, so a guard is a `+ 1` on the count of its side. The writer
//! cannot block for a guard of its own thread. It is refused while there is one
//! ([`Writer::try_swap`](dbuf_core::Writer::try_swap),
//! [`Writer::try_back_mut`](dbuf_core::Writer::try_back_mut)), or awaits it.
//!
//! # Cost
//!
//! A read increments and decrements a cell. It needs no atomics, allocation or `std`.

use core::cell::Cell;
use core::fmt;
use core::task::{Context, Poll, Waker};

use dbuf_core::sync::abort;
use dbuf_core::{Side, Strategy, TrySwapStrategy};

/// Readers and writer on one thread, as in games, user interfaces and simulations.
///
/// A thread cannot wait for itself, so calls that block, such as `write`, do not compile. The writer
/// calls `try_write`, `try_swap` or `try_back_mut`, or awaits.
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
    /// Guards on each side.
    counts: [Cell<usize>; 3],
    spare: Cell<Side>,
    spare_free: Cell<bool>,
    finished: Cell<bool>,
    claimed: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl LocalStrategy {
    /// Makes a fresh strategy. It never allocates.
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
            counts: [const { Cell::new(0) }; 3],
            spare: Cell::new(Side::C),
            spare_free: Cell::new(true),
            finished: Cell::new(true),
            claimed: Cell::new(false),
            waker: Cell::new(None),
        }
    }

    #[inline]
    fn count(&self, side: Side) -> &Cell<usize> {
        &self.counts[side as usize]
    }

    /// Returns the writer's side.
    fn back(&self) -> Side {
        self.front.get().third(self.spare.get())
    }

    fn back_count(&self) -> usize {
        self.count(self.back()).get()
    }

    /// Checks the back, and sets the latch if no guard is there. Returns the latch.
    fn poll_back(&self) -> bool {
        if self.back_count() == 0 {
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

/// A reader of a [`LocalStrategy`]. It counts its own guards on each side.
#[derive(Debug)]
pub struct LocalReader([Cell<usize>; 3]);

// SAFETY: the cells make the strategy `!Sync`, so everything happens on one thread in program
// order (S3, S4, S10). S1: `claimed`. S2, S5, S8, S12: `finished` is set only while no guard is
// counted on the back. S6: the last release there wakes. S7: it wakes last; `acquire` checks the
// count. S9: only the flips set `front`. S11: tokens hold no pointer. S13: the spare side has a
// count and a latch too.
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
        LocalReader([const { Cell::new(0) }; 3])
    }

    #[inline]
    unsafe fn acquire(&self, reader: &LocalReader) -> Side {
        let side = self.front.get();
        let count = self.count(side);
        match count.get().checked_add(1) {
            Some(more) => count.set(more),
            None => abort("too many guards"),
        }
        let own = &reader.0[side as usize];
        own.set(own.get() + 1);
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
    unsafe fn release(&self, reader: &LocalReader, side: Side) {
        let own = &reader.0[side as usize];
        own.set(own.get() - 1);
        let count = self.count(side);
        let rest = count.get() - 1;
        count.set(rest);
        if rest == 0 && side != self.front.get() {
            self.wake();
        }
    }

    #[inline]
    fn front(&self) -> Side {
        self.front.get()
    }

    unsafe fn start_swap(&self, _: &mut LocalWriter) {
        self.front.set(self.back());
        self.finished.set(false);
    }

    #[inline]
    unsafe fn is_finished(&self, _: &LocalWriter) -> bool {
        self.finished.get()
    }

    unsafe fn try_finish(&self, _: &mut LocalWriter) -> bool {
        self.poll_back()
    }

    unsafe fn poll_finish(&self, _: &mut LocalWriter, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_back() {
            return Poll::Ready(());
        }
        // User code: a clone that drops the last guard wakes the old waker, so check again.
        let waker = cx.waker().clone();
        if self.poll_back() {
            return Poll::Ready(());
        }
        drop(self.waker.replace(Some(waker)));
        // The drop of the old waker is user code too.
        if self.poll_back() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    unsafe fn stragglers(&self, _: &LocalWriter) -> usize {
        if self.finished.get() {
            0
        } else {
            self.back_count()
        }
    }

    #[inline]
    fn spare(&self) -> Side {
        self.spare.get()
    }

    unsafe fn try_free_spare(&self, _: &mut LocalWriter) -> bool {
        if self.count(self.spare.get()).get() == 0 {
            self.spare_free.set(true);
        }
        self.spare_free.get()
    }

    unsafe fn set_aside(&self, _: &mut LocalWriter) {
        self.spare.set(self.back());
        self.spare_free.set(false);
        self.finished.set(true);
    }

    unsafe fn spare_stragglers(&self, _: &LocalWriter) -> usize {
        if self.spare_free.get() {
            0
        } else {
            self.count(self.spare.get()).get()
        }
    }

    unsafe fn holds(&self, reader: &LocalReader, side: Side) -> bool {
        reader.0[side as usize].get() > 0
    }
}

// SAFETY: on one thread nothing comes between check and flip, and `finished` stays set.
unsafe impl TrySwapStrategy for LocalStrategy {
    unsafe fn try_swap(&self, _: &mut LocalWriter) -> bool {
        let front = self.front.get();
        if self.count(front).get() > 0 {
            return false;
        }
        self.front.set(self.back());
        true
    }
}

/// A strategy with as many guards as it can count.
#[cfg(all(test, feature = "std"))]
pub(crate) fn full() -> (LocalStrategy, LocalReader) {
    let strategy = LocalStrategy::new();
    strategy.counts[0].set(usize::MAX);
    let reader = strategy.new_reader();
    (strategy, reader)
}
