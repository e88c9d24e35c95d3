use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::ptr::NonNull;

use crate::buffer::Versioned;
use crate::reader::ReaderTokenOf;
use crate::{ReaderPtr, Strategy, Version};

/// One acquired place on a side, given back when dropped.
///
/// The pin is a field, so it goes after `drop` has released: the strategy is
/// alive during the whole of the release.
pub(crate) struct Lease<'r, R: ReaderPtr + 'r> {
    guard: ManuallyDrop<<R::S as Strategy>::GuardToken>,
    token: &'r ReaderTokenOf<R>,
    pin: R::Pin<'r>,
}

impl<'r, R: ReaderPtr> Lease<'r, R> {
    #[inline]
    pub(crate) fn new(pin: R::Pin<'r>, token: &'r ReaderTokenOf<R>) -> Self {
        // SAFETY: the token was made by the strategy behind this pointer (C1, by
        // P2); it belongs to a `Reader`, which is not `Sync` (C4); the pin keeps
        // the strategy in place (C6, by P3).
        let guard = unsafe { pin.strategy().acquire(token) };
        Self {
            guard: ManuallyDrop::new(guard),
            token,
            pin,
        }
    }

    /// The cell on which the guard stands.
    #[inline]
    fn cell(&self) -> NonNull<Versioned<R::T>> {
        self.pin.cell(R::S::side(&self.guard))
    }
}

impl<R: ReaderPtr> Drop for Lease<'_, R> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: taken out here and nowhere else, and `self` is not used again.
        let guard = unsafe { ManuallyDrop::take(&mut self.guard) };
        // SAFETY: acquired in `new` with this token (C1, C3), on a thread that
        // has the reader to itself (C4); what borrowed from the lease is gone.
        unsafe { self.pin.strategy().release(self.token, guard) };
    }
}

/// A look at the front, as it stood when the guard was taken.
///
/// Dereferences to the value, which does not change while the guard lives. The
/// writer publishes without waiting for it, but cannot write *this* copy again
/// before it is dropped: hold it briefly. A guard that is passed to
/// [`core::mem::forget`] holds the writer up until its reader is dropped.
#[must_use = "a guard that is dropped at once has read nothing"]
pub struct ReadGuard<'r, R: ReaderPtr + 'r> {
    /// A pointer and not a reference: a reference field would have to stay valid
    /// to the end of `drop(guard)`, which itself lets the writer in.
    cell: NonNull<Versioned<R::T>>,
    lease: Lease<'r, R>,
}

impl<'r, R: ReaderPtr> ReadGuard<'r, R> {
    #[inline]
    pub(crate) fn new(lease: Lease<'r, R>) -> Self {
        Self {
            cell: lease.cell(),
            lease,
        }
    }

    #[inline]
    fn versioned(&self) -> &Versioned<R::T> {
        // SAFETY: the lease stands on this cell, so the writer stays away from
        // it (S2, C5) and its earlier writes are visible (S4).
        unsafe { self.cell.as_ref() }
    }

    /// The number of the publish that this guard looks at. A plain load.
    #[inline]
    pub fn version(guard: &Self) -> Version {
        guard.versioned().version
    }

    /// The extras.
    #[inline]
    pub fn extras(guard: &Self) -> &R::X {
        guard.lease.pin.extras()
    }

    /// Narrows the guard to a part of the value.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::ReadGuard;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let pair = ("host", 80);
    /// let (_writer, reader) = dbuf_core::arc(pair, pair, LockStrategy::new());
    /// let port = ReadGuard::map(reader.read(), |pair, _| &pair.1);
    /// assert_eq!(*port, 80);
    /// ```
    #[inline]
    pub fn map<U: ?Sized>(
        guard: Self,
        f: impl for<'a> FnOnce(&'a R::T, &'a R::X) -> &'a U,
    ) -> MappedReadGuard<'r, U, R> {
        let value = NonNull::from(f(&guard.versioned().value, Self::extras(&guard)));
        MappedReadGuard {
            value,
            lease: guard.lease,
        }
    }

    /// Narrows the guard to a part of the value that may be missing.
    ///
    /// # Errors
    ///
    /// The guard itself, if `f` returns `None`.
    #[inline]
    pub fn try_map<U: ?Sized>(
        guard: Self,
        f: impl for<'a> FnOnce(&'a R::T, &'a R::X) -> Option<&'a U>,
    ) -> Result<MappedReadGuard<'r, U, R>, Self> {
        match f(&guard.versioned().value, Self::extras(&guard)).map(NonNull::from) {
            Some(value) => Ok(MappedReadGuard {
                value,
                lease: guard.lease,
            }),
            None => Err(guard),
        }
    }
}

impl<R: ReaderPtr> Deref for ReadGuard<'_, R> {
    type Target = R::T;

    #[inline]
    fn deref(&self) -> &R::T {
        &self.versioned().value
    }
}

impl<R: ReaderPtr<T: fmt::Debug>> fmt::Debug for ReadGuard<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<R: ReaderPtr<T: fmt::Display>> fmt::Display for ReadGuard<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// A [`ReadGuard`] narrowed to a part of the value, or of the extras.
#[must_use = "a guard that is dropped at once has read nothing"]
pub struct MappedReadGuard<'r, U: ?Sized, R: ReaderPtr + 'r> {
    value: NonNull<U>,
    lease: Lease<'r, R>,
}

impl<'r, U: ?Sized, R: ReaderPtr> MappedReadGuard<'r, U, R> {
    /// The number of the publish that this guard looks at.
    #[inline]
    pub fn version(guard: &Self) -> Version {
        // SAFETY: the lease stands on this cell (S2, S4, C5).
        unsafe { guard.lease.cell().as_ref() }.version
    }

    /// The extras.
    #[inline]
    pub fn extras(guard: &Self) -> &R::X {
        guard.lease.pin.extras()
    }

    /// Narrows the guard further.
    #[inline]
    pub fn map<W: ?Sized>(
        guard: Self,
        f: impl for<'a> FnOnce(&'a U, &'a R::X) -> &'a W,
    ) -> MappedReadGuard<'r, W, R> {
        let value = NonNull::from(f(&guard, Self::extras(&guard)));
        MappedReadGuard {
            value,
            lease: guard.lease,
        }
    }

    /// Narrows the guard further, to a part that may be missing.
    ///
    /// # Errors
    ///
    /// The guard itself, if `f` returns `None`.
    #[inline]
    pub fn try_map<W: ?Sized>(
        guard: Self,
        f: impl for<'a> FnOnce(&'a U, &'a R::X) -> Option<&'a W>,
    ) -> Result<MappedReadGuard<'r, W, R>, Self> {
        match f(&guard, Self::extras(&guard)).map(NonNull::from) {
            Some(value) => Ok(MappedReadGuard {
                value,
                lease: guard.lease,
            }),
            None => Err(guard),
        }
    }
}

impl<U: ?Sized, R: ReaderPtr> Deref for MappedReadGuard<'_, U, R> {
    type Target = U;

    #[inline]
    fn deref(&self) -> &U {
        // SAFETY: the pointer was made from a reference into the cell or the
        // extras of the buffer, and the lease that keeps both in place is here
        // (S2, C5, P3).
        unsafe { self.value.as_ref() }
    }
}

impl<U: ?Sized + fmt::Debug, R: ReaderPtr> fmt::Debug for MappedReadGuard<'_, U, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<U: ?Sized + fmt::Display, R: ReaderPtr> fmt::Display for MappedReadGuard<'_, U, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
