//! One shared counter for each side.
//!
//! # Idea
//!
//! A reader loads the front, adds one to that side's count, and loads the front again. If it
//! is the same, the writer's check will find the count; if not, the reader takes the count
//! back and retries. The writer flips the front and waits for the old side's count to be zero.
//!
//! # A read and a write, step by step
//!
//! | reader | writer |
//! |---|---|
//! | load `front`: side s | `front` := other side |
//! | `count[s]` += 1 | check `count[old]`: zero means finished |
//! | load `front` again; if it is not s, take the count back and retry | before sleeping: register the waker, then check and set `WAITS` there in one step |
//! | … | |
//! | leave: `count[s]` -= 1; if that makes it `WAITS` and zero, wake | |
//!
//! # States
//!
//! A count word holds the number of guards on its side and, in its top bit, that
//! a writer waits.
//!
//! | `finished` | old side's word | |
//! |---|---|---|
//! | yes | 0, or readers that are about to take their count back | the back is the writer's |
//! | no | n | n guards, or readers that will take their count back |
//! | no | `WAITS` and n | the leave that makes it `WAITS` and 0 wakes |
//!
//! # Orderings
//!
//! Count and check are read-modify-writes of the *same* word, so one comes first. If the count
//! does, the check sees it. If the check does (and found zero), the count acquires what it
//! released, the flip included, so the second load of the front sees that the side is gone. A
//! check by a plain load has no such order: count and front would be store buffering. The leave
//! of a count that is taken back may be the last one, and wakes like any.
//!
//! The front may return to the same side within one acquire, by way of two others. The guard
//! then belongs to the later time (design.md 5.2).
//!
//! # Cost
//!
//! A read is two read-modify-writes of a line that all readers share: fast for
//! one reader, slower with each that reads at the same time. It needs neither allocation nor
//! `std`, and `new` is `const`: the strategy for a `static` on a small machine.

use core::cell::Cell;
use core::fmt;
use core::task::{Context, Poll};

use crossbeam_utils::CachePadded;
use dbuf_core::sync::abort;
use dbuf_core::sync::atomic::{AtomicUsize, Ordering};
use dbuf_core::{BlockingStrategy, Side, Strategy, const_fn};

use crate::claim::Claim;
use crate::side_word::SideWord;
use crate::waker::AtomicWaker;

/// Readers count themselves on a shared counter. It needs neither `std` nor allocation.
///
/// # Examples
///
/// ```
/// use dbuf_strategies::CountStrategy;
/// use dbuf_strategies::core::{DoubleBuffer, Reader, Writer};
///
/// static LIMIT: DoubleBuffer<u32, CountStrategy> = DoubleBuffer::new(10, 10, CountStrategy::new());
///
/// let reader = Reader::new(&LIMIT);
/// let mut writer = Writer::claim(&LIMIT).unwrap();
/// writer.store(20);
/// assert_eq!(*reader.read(), 20);
/// ```
pub struct CountStrategy {
    front: CachePadded<SideWord>,
    counts: [CachePadded<CountWord>; 3],
    claim: Claim,
    waker: AtomicWaker,
}

/// The number of guards on a side, and whether a writer waits for them.
struct CountWord(AtomicUsize);

impl CountWord {
    const_fn! {
        const fn new() -> CachePadded<Self> {
            CachePadded::new(Self(AtomicUsize::new(0)))
        }
    }
}

/// A writer waits for the count to become zero.
const WAITS: usize = 1 << (usize::BITS - 1);
/// The highest count. It is far below the flag, so that threads that exceed it at the same
/// time do not reach the flag before the first of them has ended the process.
const LIMIT: usize = WAITS / 2;

const fn guards(word: usize) -> usize {
    word & !WAITS
}

impl CountStrategy {
    const_fn! {
        /// Makes a fresh strategy. It never allocates.
        ///
        /// # Examples
        ///
        /// ```
        /// use dbuf_strategies::CountStrategy;
        /// use dbuf_strategies::core::{DoubleBuffer, split};
        ///
        /// static LIMIT: DoubleBuffer<u32, CountStrategy> = DoubleBuffer::new(1, 2, CountStrategy::new());
        ///
        /// let (mut writer, reader) = split(&LIMIT).unwrap();
        /// writer.swap();
        /// assert_eq!(*reader.read(), 2);
        /// ```
        pub const fn new() -> Self {
            Self {
                front: CachePadded::new(SideWord::new(Side::A)),
                counts: [CountWord::new(), CountWord::new(), CountWord::new()],
                claim: Claim::new(),
                waker: AtomicWaker::new(),
            }
        }
    }

    #[inline]
    fn count(&self, side: Side) -> &AtomicUsize {
        &self.counts[side as usize].0
    }

    /// Takes back the count of a guard, or of a reader that found the front changed.
    #[inline]
    fn leave(&self, side: Side) {
        // ORDERING: Release; partner: `is_free` (S3).
        if self.count(side).fetch_sub(1, Ordering::Release) == WAITS | 1 {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Returns whether no guard is on a side that is not the front. If one is, it sets `flag`.
    fn is_free(&self, side: Side, flag: usize) -> bool {
        let count = self.count(side);
        // ORDERING: Acquire; partner: `leave` (S3). Release; partner: the count in
        // `acquire`, whose second load of the front must then see the flip (S2).
        if guards(count.fetch_or(flag, Ordering::AcqRel)) > 0 {
            return false;
        }
        // Relaxed: a read-modify-write, so it continues the check's release sequence. It only
        // clears the flag.
        count.fetch_and(!WAITS, Ordering::Relaxed);
        true
    }

    /// Checks the old side, and sets the latch if it is free, else `flag`. Returns whether the
    /// swap is finished.
    fn poll_old(&self, flag: usize) -> bool {
        self.claim.is_finished()
            || (self.is_free(self.claim.back(), flag) && self.claim.set_finished(true))
    }

    /// Checks the spare side, and sets its latch if it is free, else `flag`. Returns whether it
    /// is free.
    fn poll_spare(&self, flag: usize) -> bool {
        self.claim.is_spare_free()
            || (self.is_free(self.claim.spare(), flag) && self.claim.set_spare_free(true))
    }
}

impl Default for CountStrategy {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CountStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountStrategy")
            .field("front", &self.front)
            .finish_non_exhaustive()
    }
}

/// Proof of the claim of a [`CountStrategy`].
#[derive(Debug)]
pub struct CountWriter(());

/// A reader of a [`CountStrategy`]. It counts its own guards on each side.
#[derive(Debug)]
pub struct CountReader([Cell<usize>; 3]);

// SAFETY: by clause; the module's documentation has the argument. S1, S10: `Claim`. S2: count and
// check change one word. S3, S4: Release and Acquire of counts and front. S5: the latch. S6:
// `WAITS` is in the word that the last leave changes. S7: a leave wakes last; `LIMIT`. S8, S12,
// S13: each side has a count, and only a leave lowers it. S9: only `start_swap` stores `front`.
// S11: tokens hold no pointer.
unsafe impl Strategy for CountStrategy {
    type WriterToken = CountWriter;
    type ReaderToken = CountReader;
    type GuardToken = Side;

    fn try_claim_writer(&self) -> Option<CountWriter> {
        self.claim.try_claim().then_some(CountWriter(()))
    }

    unsafe fn release_writer(&self, _: CountWriter) {
        self.claim.release();
    }

    fn is_writer_claimed(&self) -> bool {
        self.claim.is_claimed()
    }

    fn new_reader(&self) -> CountReader {
        CountReader([const { Cell::new(0) }; 3])
    }

    #[inline]
    unsafe fn acquire(&self, reader: &CountReader) -> Side {
        loop {
            // Relaxed: only a guess; the second load decides.
            let side = self.front.load(Ordering::Relaxed);
            // ORDERING: Acquire; partner: `is_free`. After a check that found zero, the
            // second load sees its flip (S2).
            let before = self.count(side).fetch_add(1, Ordering::Acquire);
            if guards(before) >= LIMIT {
                abort("too many guards");
            }
            // ORDERING: Acquire; partner: the store in `start_swap` (S4).
            if self.front.load(Ordering::Acquire) == side {
                let own = &reader.0[side as usize];
                own.set(own.get() + 1);
                return side;
            }
            self.leave(side);
        }
    }

    #[inline]
    fn side(guard: &Side) -> Side {
        *guard
    }

    #[inline]
    unsafe fn is_current(&self, _: &CountReader, side: &Side) -> bool {
        // Relaxed: while the guard lives, the front leaves its side at most once and does not
        // return (S2, C2). So *equal* means newest, and no data is read by it.
        self.front.load(Ordering::Relaxed) == *side
    }

    #[inline]
    unsafe fn release(&self, reader: &CountReader, side: Side) {
        let own = &reader.0[side as usize];
        own.set(own.get() - 1);
        self.leave(side);
    }

    #[inline]
    fn front(&self) -> Side {
        // Relaxed: exact only for the holder of the claim.
        self.front.load(Ordering::Relaxed)
    }

    unsafe fn start_swap(&self, _: &mut CountWriter) {
        let back = self.claim.back();
        self.claim.start_swap(self.front());
        // ORDERING: Release; partner: the second load in `acquire` (S4).
        self.front.store(back, Ordering::Release);
    }

    #[inline]
    unsafe fn is_finished(&self, _: &CountWriter) -> bool {
        self.claim.is_finished()
    }

    unsafe fn try_finish(&self, _: &mut CountWriter) -> bool {
        self.poll_old(0)
    }

    unsafe fn poll_finish(&self, _: &mut CountWriter, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_old(0) {
            return Poll::Ready(());
        }
        // User code comes first, so a panic in `clone` changes nothing.
        let waker = cx.waker().clone();
        // SAFETY: the caller holds the claim.
        unsafe { self.waker.register(waker) };
        if self.poll_old(WAITS) {
            drop(self.waker.take());
            return Poll::Ready(());
        }
        // The last leave of the spare side wakes too.
        self.poll_spare(WAITS);
        Poll::Pending
    }

    unsafe fn stragglers(&self, _: &CountWriter) -> usize {
        if self.claim.is_finished() {
            return 0;
        }
        // Relaxed: for diagnosis.
        guards(self.count(self.claim.back()).load(Ordering::Relaxed))
    }

    #[inline]
    fn spare(&self) -> Side {
        self.claim.spare()
    }

    #[inline]
    fn back(&self) -> Side {
        self.claim.back()
    }

    unsafe fn try_free_spare(&self, _: &mut CountWriter) -> bool {
        self.poll_spare(0)
    }

    unsafe fn set_aside(&self, _: &mut CountWriter) {
        self.claim.set_aside();
    }

    unsafe fn spare_stragglers(&self, _: &CountWriter) -> usize {
        if self.claim.is_spare_free() {
            return 0;
        }
        // Relaxed: for diagnosis.
        guards(self.count(self.claim.spare()).load(Ordering::Relaxed))
    }

    unsafe fn holds(&self, reader: &CountReader, side: Side) -> bool {
        reader.0[side as usize].get() > 0
    }
}

impl BlockingStrategy for CountStrategy {}

/// A strategy with as many guards as it can count.
#[cfg(all(test, feature = "std"))]
pub(crate) fn full() -> (CountStrategy, CountReader) {
    let strategy = CountStrategy::new();
    // Relaxed: one thread.
    strategy.counts[0].0.store(LIMIT, Ordering::Relaxed);
    let reader = strategy.new_reader();
    (strategy, reader)
}
