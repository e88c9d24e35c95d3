//! The buffer that the suite tests.

use dbuf_core::{BufferPtr, DoubleBuffer, Strategy};

use crate::tracked::Tracked;

/// The extras of every buffer in the suite.
pub const EXTRAS: u32 = 7;

/// A pointer to a buffer of two [`Tracked`] numbers, which the suite tests.
///
/// # Examples
///
/// ```
/// use dbuf_strategies::LockStrategy;
/// use dbuf_testing::suite::{self, SuitePtr, buffer};
///
/// // A part of the suite, for a pointer of your own.
/// fn handles<P: SuitePtr>(new: impl Fn() -> P) {
///     suite::claim_is_exclusive(&new);
///     suite::forgotten_writer_stays_claimed(&new);
/// }
///
/// handles(|| std::rc::Rc::new(buffer(LockStrategy::new())));
/// ```
pub trait SuitePtr: BufferPtr<Value = Tracked, Extras = u32> {}
impl<P: BufferPtr<Value = Tracked, Extras = u32>> SuitePtr for P {}

/// Makes a buffer for the suite, with 0 on both sides.
pub fn buffer<S: Strategy>(strategy: S) -> DoubleBuffer<Tracked, S, u32> {
    DoubleBuffer::with_extras(Tracked::new(0), Tracked::new(0), strategy, EXTRAS)
}
