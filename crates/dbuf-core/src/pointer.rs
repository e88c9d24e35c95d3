#[cfg(feature = "alloc")]
use alloc::rc::{self, Rc};
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
use alloc::sync::{self, Arc};
use core::convert::Infallible;
use core::ops::Deref;

use crate::buffer::{BufferOf, DoubleBuffer};
#[cfg(feature = "alloc")]
use crate::error::Closed;
use crate::strategy::Strategy;

/// A pointer that keeps a [`DoubleBuffer`] alive: what a
/// [`Writer`](crate::Writer) holds, and most readers.
///
/// Implemented for `&DoubleBuffer` (also `&'static`, for a buffer in a
/// `static`), `Rc` and `Arc`, and `triomphe::Arc` by the feature of that name.
///
/// # Safety
///
/// An implementation promises, for itself and as a [`ReaderPtr`]:
///
/// - **P1** Deref, or the pin of a [`ReaderPtr`], always yields the same
///   address and never panics, also after the pointer was moved.
/// - **P2** A clone and a pin reach the same buffer.
/// - **P3** The buffer stays alive and in place while a handle or pin lives.
/// - **P4** Once a [`ReaderPtr::pin`] has succeeded and a later one fails, all
///   that follow fail, for clones too. (A weak pointer of `Arc::new_cyclic`
///   fails at first and then succeeds; a reader made from it opens with the
///   buffer.)
/// - **P5** Taking the buffer out of the pointer synchronises with the drop of
///   every clone and pin.
/// - **P6** There is no `&mut DoubleBuffer` while a handle lives.
///
/// # Examples
///
/// A pointer of one's own:
///
/// ```
/// use std::ops::Deref;
/// use std::sync::Arc;
///
/// use dbuf_core::{BufferPtr, DoubleBuffer, split};
/// use dbuf_strategies::LockStrategy;
///
/// type Buffer = DoubleBuffer<u32, LockStrategy>;
///
/// #[derive(Clone)]
/// struct Limit(Arc<Buffer>);
///
/// impl Deref for Limit {
///     type Target = Buffer;
///     fn deref(&self) -> &Buffer {
///         &self.0
///     }
/// }
///
/// // SAFETY: as for the `Arc`, which nothing here gives away or unwraps (P1 to P6).
/// unsafe impl BufferPtr for Limit {
///     type Value = u32;
///     type Strategy = LockStrategy;
///     type Extras = ();
/// }
///
/// let limit = Limit(Arc::new(DoubleBuffer::new(10, 10, LockStrategy::new())));
/// let (mut writer, reader) = split(limit).unwrap();
/// writer.store(20);
/// assert_eq!(*reader.read(), 20);
/// ```
pub unsafe trait BufferPtr:
    Clone + Deref<Target = DoubleBuffer<Self::Value, Self::Strategy, Self::Extras>>
{
    /// The value.
    type Value;
    /// The strategy.
    type Strategy: Strategy;
    /// The extras.
    type Extras;
}

/// A pointer through which a buffer can be read while it is there.
///
/// Every [`BufferPtr`] is one that cannot fail. The weak pointers of `Rc` and
/// `Arc` are the others: their pin is a strong pointer, held by each guard.
///
/// # Safety
///
/// P1 to P6 of [`BufferPtr`].
///
/// # Examples
///
/// ```
/// use dbuf_core::{Reader, ReaderPtr};
/// use dbuf_strategies::LockStrategy;
///
/// // Reads through a pointer that owns, and through one that does not.
/// fn show<R: ReaderPtr<Value = u32>>(reader: &Reader<R>) -> String {
///     match reader.try_read() {
///         Ok(value) => value.to_string(),
///         Err(_) => "gone".to_string(),
///     }
/// }
///
/// let (writer, reader) = dbuf_core::arc(5, 5, LockStrategy::new());
/// let weak = writer.weak_reader();
/// assert_eq!(show(&reader), show(&weak));
/// drop((writer, reader));
/// assert_eq!(show(&weak), "gone");
/// ```
pub unsafe trait ReaderPtr: Clone {
    /// The value.
    type Value;
    /// The strategy.
    type Strategy: Strategy;
    /// The extras.
    type Extras;
    /// Why there is nothing to read. `Infallible` for pointers that own.
    type Error;
    /// What keeps the buffer alive during one read, beside the pointer itself.
    type Pin;

    /// Keeps the buffer alive, if it is.
    ///
    /// # Errors
    ///
    /// The buffer is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use dbuf_core::{Closed, DoubleBuffer, ReaderPtr};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let buffer = Arc::new(DoubleBuffer::new(1, 1, LockStrategy::new()));
    /// let weak = Arc::downgrade(&buffer);
    /// assert!(weak.pin().is_ok());
    /// drop(buffer);
    /// assert_eq!(weak.pin().unwrap_err(), Closed);
    /// ```
    fn pin(&self) -> Result<Self::Pin, Self::Error>;

    /// The buffer that a [`pin`](Self::pin) of this pointer keeps alive.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use dbuf_core::{DoubleBuffer, ReaderPtr};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let buffer = Arc::new(DoubleBuffer::with_extras(1, 1, LockStrategy::new(), "shared"));
    /// let weak = Arc::downgrade(&buffer);
    /// let pin = weak.pin().unwrap();
    /// assert_eq!(*weak.buffer(&pin).extras(), "shared");
    /// ```
    fn buffer<'a>(&'a self, pin: &'a Self::Pin) -> &'a PinnedBy<Self>;
}

/// The buffer behind a pointer that may be weak.
pub(crate) type PinnedBy<R> =
    DoubleBuffer<<R as ReaderPtr>::Value, <R as ReaderPtr>::Strategy, <R as ReaderPtr>::Extras>;

// SAFETY: the buffer is what the pointer's own `deref` gives, for as long as the pointer is
// borrowed, so P1 to P6 are the pointer's. A pin never fails (P4).
unsafe impl<P: BufferPtr> ReaderPtr for P {
    type Value = P::Value;
    type Strategy = P::Strategy;
    type Extras = P::Extras;
    type Error = Infallible;
    type Pin = ();

    #[inline]
    fn pin(&self) -> Result<(), Infallible> {
        Ok(())
    }

    #[inline]
    fn buffer<'a>(&'a self, (): &'a ()) -> &'a PinnedBy<Self> {
        self
    }
}

// SAFETY: a reference is an address (P1, P2); the borrow keeps the buffer alive,
// in place (P3), unowned (P5) and unborrowed by `&mut` (P6).
unsafe impl<T, S: Strategy, X> BufferPtr for &DoubleBuffer<T, S, X> {
    type Value = T;
    type Strategy = S;
    type Extras = X;
}

// SAFETY: the heap cell does not move (P1, P2) and lives as long as any clone
// (P3); `try_unwrap` and `get_mut` ask for the only one (P6), and acquire what
// other clones released (P5).
#[cfg(feature = "alloc")]
unsafe impl<T, S: Strategy, X> BufferPtr for Rc<DoubleBuffer<T, S, X>> {
    type Value = T;
    type Strategy = S;
    type Extras = X;
}

// SAFETY: as for `Rc`; the counts are atomic.
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
unsafe impl<T, S: Strategy, X> BufferPtr for Arc<DoubleBuffer<T, S, X>> {
    type Value = T;
    type Strategy = S;
    type Extras = X;
}

// SAFETY: the pin is an `Rc` to the one cell (P1 to P3, P5); once the strong
// count has come back to zero `upgrade` fails for ever (P4). `Rc::get_mut` refuses while
// a weak pointer lives (P6), and so while a weak reader does.
#[cfg(feature = "alloc")]
unsafe impl<T, S: Strategy, X> ReaderPtr for rc::Weak<DoubleBuffer<T, S, X>> {
    type Value = T;
    type Strategy = S;
    type Extras = X;
    type Error = Closed;
    type Pin = Rc<DoubleBuffer<T, S, X>>;

    #[inline]
    fn pin(&self) -> Result<Self::Pin, Closed> {
        self.upgrade().ok_or(Closed)
    }

    #[inline]
    fn buffer<'a>(&'a self, pin: &'a Self::Pin) -> &'a DoubleBuffer<T, S, X> {
        pin
    }
}

// SAFETY: as for `rc::Weak`.
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
unsafe impl<T, S: Strategy, X> ReaderPtr for sync::Weak<DoubleBuffer<T, S, X>> {
    type Value = T;
    type Strategy = S;
    type Extras = X;
    type Error = Closed;
    type Pin = Arc<DoubleBuffer<T, S, X>>;

    #[inline]
    fn pin(&self) -> Result<Self::Pin, Closed> {
        self.upgrade().ok_or(Closed)
    }

    #[inline]
    fn buffer<'a>(&'a self, pin: &'a Self::Pin) -> &'a DoubleBuffer<T, S, X> {
        pin
    }
}

/// A pointer that can hand the buffer back by value.
///
/// # Safety
///
/// P5 of [`BufferPtr`]: success synchronises with the drop of every other clone
/// and pin, and leaves none behind that could still reach the buffer.
///
/// # Examples
///
/// ```
/// use dbuf_core::{OwningPtr, Writer};
/// use dbuf_strategies::LockStrategy;
///
/// fn last_value<P: OwningPtr>(writer: Writer<P>) -> Option<P::Value> {
///     let (front, _back) = writer.try_into_buffers().ok()?;
///     Some(front)
/// }
///
/// let (writer, reader) = dbuf_core::arc("front", "back", LockStrategy::new());
/// drop(reader);
/// assert_eq!(last_value(writer), Some("front"));
/// ```
pub unsafe trait OwningPtr: BufferPtr {
    /// Takes the buffer out if this is the only pointer to it.
    ///
    /// # Errors
    ///
    /// The pointer itself, if another one lives.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use dbuf_core::{DoubleBuffer, OwningPtr};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let buffer = Arc::new(DoubleBuffer::new(1, 2, LockStrategy::new()));
    /// let other = Arc::clone(&buffer);
    /// let buffer = OwningPtr::try_unwrap(buffer).unwrap_err();
    /// drop(other);
    /// assert_eq!(OwningPtr::try_unwrap(buffer).unwrap().into_buffers(), (1, 2));
    /// ```
    fn try_unwrap(self) -> Result<BufferOf<Self>, Self>;
}

// SAFETY: `Rc::try_unwrap` takes the value of the last strong pointer; weak ones
// fail from then on.
#[cfg(feature = "alloc")]
unsafe impl<T, S: Strategy, X> OwningPtr for Rc<DoubleBuffer<T, S, X>> {
    fn try_unwrap(self) -> Result<DoubleBuffer<T, S, X>, Self> {
        Self::try_unwrap(self)
    }
}

// SAFETY: as for `Rc`; `Arc::try_unwrap` acquires what the dropped clones
// released.
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
unsafe impl<T, S: Strategy, X> OwningPtr for Arc<DoubleBuffer<T, S, X>> {
    fn try_unwrap(self) -> Result<DoubleBuffer<T, S, X>, Self> {
        Self::try_unwrap(self)
    }
}

// SAFETY: as for `Arc`; there are no weak pointers, and `get_mut` asks for the
// only one.
#[cfg(feature = "triomphe")]
unsafe impl<T, S: Strategy, X> BufferPtr for triomphe::Arc<DoubleBuffer<T, S, X>> {
    type Value = T;
    type Strategy = S;
    type Extras = X;
}

// SAFETY: `try_unwrap` looks at the count with Acquire, which the drop of a clone
// released.
#[cfg(feature = "triomphe")]
unsafe impl<T, S: Strategy, X> OwningPtr for triomphe::Arc<DoubleBuffer<T, S, X>> {
    fn try_unwrap(self) -> Result<DoubleBuffer<T, S, X>, Self> {
        Self::try_unwrap(self)
    }
}
