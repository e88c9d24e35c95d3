use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;
#[cfg(feature = "std")]
use std::sync::OnceLock;

use crate::side::Side;
use crate::strategy::Strategy;

/// The number of publishes: 0 for the values that the buffer was made with, one more for each swap
/// that was started.
pub type Version = u64;

/// A value and the number of the publish that made it visible.
///
/// Each side has cache lines of its own, because the writer changes the head of its value (a
/// length, a table pointer) all the time, and readers of the other side must not pay for that. 128
/// bytes on 64-bit machines, which fetch lines in pairs; smaller ones have little or no cache.
#[cfg_attr(target_pointer_width = "64", repr(align(128)))]
pub(crate) struct Versioned<T> {
    pub(crate) version: Version,
    /// `None` only on the spare side, and only while that is free.
    pub(crate) value: Option<T>,
}

impl<T> Versioned<T> {
    /// # Safety
    ///
    /// The side is the front or the writer's, or was when the caller's guard was taken (B1).
    #[inline(always)]
    pub(crate) unsafe fn value(&self) -> &T {
        // SAFETY: promised by the caller.
        unsafe { self.value.as_ref().unwrap_unchecked() }
    }
}

/// The number of sides of a buffer. The spare side is only used with `alloc`.
const SIDES: usize = if cfg!(feature = "alloc") { 3 } else { 2 };

/// Two buffers, the strategy that keeps writer and readers apart, and extras that both may read.
///
/// With the `alloc` feature there is room for a third value. That side stays empty until readers
/// keep the writer from the other two ([`OpWriter::set_aside`](crate::OpWriter::set_aside),
/// [`ConcurrentCell`](crate::ConcurrentCell)).
///
/// The buffer only stores. Put it behind a [pointer](crate::BufferPtr) and make handles: a
/// [`Writer`](crate::Writer) and any number of [`Reader`](crate::Reader)s.
///
/// `X` is shared data that has no second copy (a hasher, a clock, limits). The writer, every guard
/// and every operation can read it; there is no `&mut` to it.
///
/// # Examples
///
/// In a `static`, without an allocation:
///
/// ```
/// use dbuf_core::{DoubleBuffer, Reader, Writer};
/// use dbuf_strategies::LockStrategy;
///
/// static LIMIT: DoubleBuffer<u32, LockStrategy> = DoubleBuffer::new(10, 10, LockStrategy::new());
///
/// let reader = Reader::new(&LIMIT);
/// let mut writer = Writer::claim(&LIMIT).unwrap();
/// *writer.back_mut() = 20;
/// assert_eq!(*reader.read(), 10);
/// writer.swap();
/// assert_eq!(*reader.read(), 20);
/// ```
pub struct DoubleBuffer<T, S, X = ()> {
    /// Indexed by side. **B1**: the front and the writer's side hold a value, and so does a spare
    /// side that is not free.
    sides: [UnsafeCell<Versioned<T>>; SIDES],
    strategy: S,
    extras: X,
    /// **Invariant in `S`**: a subtype of a strategy may be another one, with other tokens.
    strategies: PhantomData<fn(S) -> S>,
    /// Set with the first shared reader. It moves with the buffer.
    #[cfg(feature = "std")]
    id: OnceLock<u64>,
}

// SAFETY: a shared buffer gives `&T` and `&X` to any thread (`Sync`), and `&mut T` to the thread
// that has the claim (`T: Send`). S1 to S5 of `Strategy` and C5 keep the two apart.
unsafe impl<T: Send + Sync, S: Sync, X: Sync> Sync for DoubleBuffer<T, S, X> {}

impl<T, S> DoubleBuffer<T, S> {
    /// Wraps two values. `front` is the one that readers see first.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::{DoubleBuffer, Reader};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let buffer = DoubleBuffer::new("front", "back", LockStrategy::new());
    /// assert_eq!(*Reader::new(&buffer).read(), "front");
    /// ```
    pub const fn new(front: T, back: T, strategy: S) -> Self {
        Self::with_extras(front, back, strategy, ())
    }

    /// Wraps a value and one clone of it.
    pub fn cloned(value: T, strategy: S) -> Self
    where
        T: Clone,
    {
        Self::new(value.clone(), value, strategy)
    }
}

impl<T, S, X> DoubleBuffer<T, S, X> {
    /// Wraps two values and extras that the writer and all readers share.
    ///
    /// `strategy` must be fresh: a strategy that has swapped before may take the second value for
    /// the front.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::{DoubleBuffer, ReadGuard, Reader};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let buffer = DoubleBuffer::with_extras(20, 20, LockStrategy::new(), "degrees");
    /// let reader = Reader::new(&buffer);
    /// let guard = reader.read();
    /// assert_eq!(format!("{guard} {}", ReadGuard::extras(&guard)), "20 degrees");
    /// ```
    pub const fn with_extras(front: T, back: T, strategy: S, extras: X) -> Self {
        Self {
            // A is the front of a fresh strategy, and B is the back (S9, S13).
            sides: [
                Self::side(Some(front)),
                Self::side(Some(back)),
                #[cfg(feature = "alloc")]
                Self::side(None),
            ],
            strategy,
            extras,
            strategies: PhantomData,
            #[cfg(feature = "std")]
            id: OnceLock::new(),
        }
    }

    const fn side(value: Option<T>) -> UnsafeCell<Versioned<T>> {
        UnsafeCell::new(Versioned { version: 0, value })
    }

    /// Returns the strategy.
    #[inline]
    pub const fn strategy(&self) -> &S {
        &self.strategy
    }

    /// Returns the extras.
    #[inline]
    pub const fn extras(&self) -> &X {
        &self.extras
    }

    /// Returns an id that no other buffer ever has. It names the strategy as well.
    #[cfg(feature = "std")]
    pub(crate) fn id(&self) -> u64 {
        *self.id.get_or_init(crate::id::new_id)
    }

    /// Returns the id if the buffer has had a shared reader.
    #[cfg(feature = "std")]
    pub(crate) fn known_id(&self) -> Option<u64> {
        self.id.get().copied()
    }

    /// Returns the cell of one side. The strategy decides who may access it.
    #[inline]
    pub(crate) fn cell(&self, side: Side) -> NonNull<Versioned<T>> {
        // SAFETY: a cell's address is never null.
        unsafe { NonNull::new_unchecked(self.sides[side as usize].get()) }
    }
}

impl<T, S: Strategy, X> DoubleBuffer<T, S, X> {
    /// Returns the cell of the writer's side, for the holder of the claim.
    #[inline]
    pub(crate) fn back(&self) -> NonNull<Versioned<T>> {
        self.cell(self.strategy.back())
    }
}

impl<T, S: Strategy, X> DoubleBuffer<T, S, X> {
    /// Takes the values out: what readers saw last, and the writer's copy.
    ///
    /// No handle can exist then, because the buffer is taken by value.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::{DoubleBuffer, Writer};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let buffer = DoubleBuffer::new("old", "new", LockStrategy::new());
    /// Writer::claim(&buffer).unwrap().swap();
    /// assert_eq!(buffer.into_buffers(), ("new", "old"));
    /// ```
    pub fn into_buffers(self) -> (T, T) {
        let front = self.strategy.front();
        let back = self.strategy.back();
        let mut values = self.sides.map(|side| side.into_inner().value);
        match (values[front as usize].take(), values[back as usize].take()) {
            (Some(front), Some(back)) => (front, back),
            _ => unreachable!("the front and the back hold a value (B1)"),
        }
    }
}

/// Shows the strategy and the extras. Values are read through guards only.
impl<T, S: fmt::Debug, X: fmt::Debug> fmt::Debug for DoubleBuffer<T, S, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DoubleBuffer")
            .field("strategy", &self.strategy)
            .field("extras", &self.extras)
            .finish_non_exhaustive()
    }
}
