#[cfg(feature = "alloc")]
use alloc::rc::{self, Rc};
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
use alloc::sync::{self, Arc};
use core::convert::Infallible;
use core::ops::Deref;

use crate::buffer::DoubleBuffer;
#[cfg(feature = "alloc")]
use crate::error::Closed;
use crate::strategy::Strategy;

/// A pointer that keeps a [`DoubleBuffer`] alive: what a [`Writer`](crate::Writer) and most
/// readers hold.
///
/// Implemented for `&DoubleBuffer` (also `&'static`, for a buffer in a `static`), `Rc`, `Arc`, and
/// with the feature of that name `triomphe::Arc`.
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
///   later ones fail, for clones too. (A weak pointer of `Arc::new_cyclic`
///   fails at first and then succeeds; a reader made from it opens with the
///   buffer.)
/// - **P5** Taking the buffer out of the pointer synchronises with the drop of
///   every clone and pin.
/// - **P6** There is no `&mut DoubleBuffer` while a handle lives.
///
/// # Examples
///
/// A custom pointer:
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
    /// The type of the value.
    type Value;
    /// The type of the strategy.
    type Strategy: Strategy;
    /// The type of the extras.
    type Extras;
}

/// A pointer through which a buffer can be read as long as the buffer exists.
///
/// Every [`BufferPtr`] is one, and its pin cannot fail. The others are the weak pointers of `Rc`
/// and `Arc`: their pin is a strong pointer, held by each guard.
///
/// # Safety
///
/// P1 to P6 of [`BufferPtr`].
pub unsafe trait ReaderPtr: Clone {
    /// The type of the value.
    type Value;
    /// The type of the strategy.
    type Strategy: Strategy;
    /// The type of the extras.
    type Extras;
    /// The error of a buffer that is gone. `Infallible` for pointers that own it.
    type Error;
    /// What keeps the buffer alive during one read, in addition to the pointer itself.
    type Pin;

    /// Keeps the buffer alive, if it still is.
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

    /// Returns the buffer that a [`pin`](Self::pin) of this pointer keeps alive.
    fn buffer<'a>(&'a self, pin: &'a Self::Pin) -> &'a PinnedBy<Self>;
}

/// The buffer behind a pointer.
pub(crate) type BufferOf<P> =
    DoubleBuffer<<P as BufferPtr>::Value, <P as BufferPtr>::Strategy, <P as BufferPtr>::Extras>;

pub(crate) type ReaderTokenOf<R> = <<R as ReaderPtr>::Strategy as Strategy>::ReaderToken;

pub(crate) type GuardTokenOf<R> = <<R as ReaderPtr>::Strategy as Strategy>::GuardToken;

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

// SAFETY: a reference is an address (P1, P2). The borrow keeps the buffer alive and in place (P3),
// and it cannot be owned (P5) or borrowed by `&mut` (P6).
unsafe impl<T, S: Strategy, X> BufferPtr for &DoubleBuffer<T, S, X> {
    type Value = T;
    type Strategy = S;
    type Extras = X;
}

// SAFETY: the heap cell does not move (P1, P2) and lives as long as any clone (P3). `try_unwrap`
// and `get_mut` need the only pointer (P6), and acquire what other clones released (P5).
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

// SAFETY: the pin is an `Rc` to the one cell (P1 to P3, P5). Once the strong count is back at
// zero, `upgrade` fails forever (P4). `Rc::get_mut` refuses while a weak pointer lives (P6), and
// so while a weak reader does.
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

/// A pointer that can give the buffer back by value.
///
/// # Safety
///
/// P5 of [`BufferPtr`]: success synchronises with the drop of every other clone and pin, and none
/// is left that could reach the buffer.
pub unsafe trait OwningPtr: BufferPtr {
    /// Takes the buffer out if this is the only pointer to it.
    ///
    /// # Errors
    ///
    /// Returns the pointer itself if another one lives.
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

// SAFETY: `Rc::try_unwrap` takes the value of the last strong pointer, and weak ones fail from
// then on.
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

// SAFETY: `try_unwrap` loads the count with Acquire; the drop of a clone released it.
#[cfg(feature = "triomphe")]
unsafe impl<T, S: Strategy, X> OwningPtr for triomphe::Arc<DoubleBuffer<T, S, X>> {
    fn try_unwrap(self) -> Result<DoubleBuffer<T, S, X>, Self> {
        Self::try_unwrap(self)
    }
}
