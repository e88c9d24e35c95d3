use core::error::Error;
use core::fmt;

/// A writer exists already, or its claim was never ended.
///
/// A buffer has at most one writer. Drop it and claim again; a writer that was passed to
/// [`core::mem::forget`] keeps its claim forever.
///
/// # Examples
///
/// ```
/// use dbuf_core::{DoubleBuffer, ClaimError, Writer};
/// use dbuf_strategies::LockStrategy;
///
/// let buffer = DoubleBuffer::new(1, 1, LockStrategy::new());
/// let first = Writer::claim(&buffer).unwrap();
/// assert_eq!(Writer::claim(&buffer).unwrap_err(), ClaimError);
/// drop(first);
/// assert!(Writer::claim(&buffer).is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimError;

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the buffer already has a writer")
    }
}

impl Error for ClaimError {}

/// The buffer behind a weak reader is gone, or its writer is.
///
/// # Examples
///
/// ```
/// use dbuf_core::Closed;
/// use dbuf_strategies::LockStrategy;
///
/// let (writer, reader) = dbuf_core::arc(1, 1, LockStrategy::new());
/// let weak = writer.weak_reader();
/// drop((writer, reader));
/// assert_eq!(weak.try_read().unwrap_err(), Closed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the buffer is closed")
    }
}

impl Error for Closed {}

/// The back of an [`OpWriter`](crate::OpWriter) is torn, and the writer has no `Clone` to copy the
/// front.
///
/// Returned by [`OpWriter::recover`](crate::OpWriter::recover).
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn;

#[cfg(feature = "alloc")]
impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a change panicked or was taken back, and this writer cannot copy the published \
             value over what it left: see `OpWriter::without_clone`",
        )
    }
}

#[cfg(feature = "alloc")]
impl Error for Torn {}
