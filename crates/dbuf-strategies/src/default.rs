//! The strategy for code that does not choose one.

use core::task::{Context, Poll};

#[cfg(feature = "std")]
use dbuf_core::if_const;
use dbuf_core::{BlockingStrategy, Side, Strategy, const_fn};

#[cfg(feature = "epoch")]
type Chosen = crate::epoch::EpochStrategy;
#[cfg(all(feature = "flash", not(feature = "epoch")))]
type Chosen = crate::flash::FlashStrategy;
#[cfg(all(feature = "count", not(any(feature = "epoch", feature = "flash"))))]
type Chosen = crate::count::CountStrategy;
#[cfg(all(
    feature = "lock",
    not(any(feature = "epoch", feature = "flash", feature = "count"))
))]
type Chosen = crate::lock::LockStrategy;

/// The strategy that the enabled features choose: the first of `epoch`, `flash`, `count`,
/// `lock`.
///
/// It is a type of its own, so the features that another crate enables change no types.
///
/// # Examples
///
/// ```
/// use dbuf_strategies::DefaultStrategy;
///
/// let (mut writer, reader) = dbuf_core::arc(1, 1, DefaultStrategy::new());
/// writer.store(2);
/// assert_eq!(*reader.read(), 2);
/// ```
#[derive(Debug, Default)]
pub struct DefaultStrategy(Chosen);

impl DefaultStrategy {
    const_fn! {
        /// Makes a fresh strategy, at the cost of the chosen one's `new`.
        pub const fn new() -> Self {
            Self(Chosen::new())
        }
    }
}

/// Proof of the claim of a [`DefaultStrategy`].
#[derive(Debug)]
pub struct DefaultWriter(<Chosen as Strategy>::WriterToken);

/// A reader of a [`DefaultStrategy`].
#[derive(Debug)]
pub struct DefaultReader(<Chosen as Strategy>::ReaderToken);

/// A guard of a [`DefaultStrategy`].
#[derive(Debug)]
pub struct DefaultGuard(<Chosen as Strategy>::GuardToken);

// SAFETY: every method calls the chosen strategy's with its tokens (S1 to S13), and passes the
// caller's promises on (C1 to C7).
unsafe impl Strategy for DefaultStrategy {
    type WriterToken = DefaultWriter;
    type ReaderToken = DefaultReader;
    type GuardToken = DefaultGuard;

    fn try_claim_writer(&self) -> Option<DefaultWriter> {
        self.0.try_claim_writer().map(DefaultWriter)
    }

    unsafe fn release_writer(&self, writer: DefaultWriter) {
        // SAFETY: the caller's promises.
        unsafe { self.0.release_writer(writer.0) }
    }

    fn is_writer_claimed(&self) -> bool {
        self.0.is_writer_claimed()
    }

    fn new_reader(&self) -> DefaultReader {
        DefaultReader(self.0.new_reader())
    }

    #[inline]
    unsafe fn acquire(&self, reader: &DefaultReader) -> DefaultGuard {
        // SAFETY: the caller's promises.
        DefaultGuard(unsafe { self.0.acquire(&reader.0) })
    }

    #[inline]
    fn side(guard: &DefaultGuard) -> Side {
        Chosen::side(&guard.0)
    }

    #[inline]
    unsafe fn is_current(&self, reader: &DefaultReader, guard: &DefaultGuard) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.0.is_current(&reader.0, &guard.0) }
    }

    #[inline]
    unsafe fn release(&self, reader: &DefaultReader, guard: DefaultGuard) {
        // SAFETY: the caller's promises.
        unsafe { self.0.release(&reader.0, guard.0) }
    }

    #[inline]
    fn front(&self) -> Side {
        self.0.front()
    }

    unsafe fn start_swap(&self, writer: &mut DefaultWriter) {
        // SAFETY: the caller's promises.
        unsafe { self.0.start_swap(&mut writer.0) }
    }

    #[inline]
    unsafe fn is_finished(&self, writer: &DefaultWriter) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.0.is_finished(&writer.0) }
    }

    unsafe fn try_finish(&self, writer: &mut DefaultWriter) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.0.try_finish(&mut writer.0) }
    }

    unsafe fn poll_finish(&self, writer: &mut DefaultWriter, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the caller's promises.
        unsafe { self.0.poll_finish(&mut writer.0, cx) }
    }

    unsafe fn stragglers(&self, writer: &DefaultWriter) -> usize {
        // SAFETY: the caller's promises.
        unsafe { self.0.stragglers(&writer.0) }
    }

    #[inline]
    fn spare(&self) -> Side {
        self.0.spare()
    }

    #[inline]
    fn back(&self) -> Side {
        self.0.back()
    }

    unsafe fn try_free_spare(&self, writer: &mut DefaultWriter) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.0.try_free_spare(&mut writer.0) }
    }

    unsafe fn set_aside(&self, writer: &mut DefaultWriter) {
        // SAFETY: the caller's promises.
        unsafe { self.0.set_aside(&mut writer.0) }
    }

    unsafe fn spare_stragglers(&self, writer: &DefaultWriter) -> usize {
        // SAFETY: the caller's promises.
        unsafe { self.0.spare_stragglers(&writer.0) }
    }

    unsafe fn holds(&self, reader: &DefaultReader, side: Side) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.0.holds(&reader.0, side) }
    }

    unsafe fn holds_elsewhere(&self, reader: &DefaultReader, side: Side) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.0.holds_elsewhere(&reader.0, side) }
    }
}

impl BlockingStrategy for DefaultStrategy {}

/// [`dbuf_core::ConcurrentCell`] with the default strategy, unless another is named.
///
/// # Examples
///
/// ```
/// use dbuf_strategies::ConcurrentCell;
///
/// static LIMIT: ConcurrentCell<u32> = ConcurrentCell::new(10);
///
/// LIMIT.store(20);
/// assert_eq!(LIMIT.load(), 20);
/// ```
#[cfg(feature = "std")]
pub type ConcurrentCell<T, S = DefaultStrategy> = dbuf_core::ConcurrentCell<T, S>;

/// The guard of a [`ConcurrentCell`].
///
/// # Examples
///
/// ```
/// use dbuf_strategies::{CellGuard, ConcurrentCell};
///
/// let cell = ConcurrentCell::new(10);
/// let guard: CellGuard<'_, u32> = cell.read();
/// assert_eq!(*guard, 10);
/// ```
#[cfg(feature = "std")]
pub type CellGuard<'c, T, S = DefaultStrategy> = dbuf_core::CellGuard<'c, T, S>;

#[cfg(feature = "std")]
if_const! {
    impl dbuf_core::Fresh<DefaultStrategy> for dbuf_core::Preset {
        const FRESH: DefaultStrategy = DefaultStrategy::new();
    }
}
