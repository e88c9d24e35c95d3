//! How a guard acquires a side, and releases it.

use core::mem::{self, ManuallyDrop};
use core::ptr::NonNull;

use crate::buffer::Versioned;
use crate::pointer::{GuardTokenOf, PinnedBy, ReaderPtr, ReaderTokenOf};
use crate::strategy::Strategy;

/// What a guard needs from its lease.
pub(crate) trait Lease {
    type Value;
    type Extras;
    type Token;
    /// Returns the cell of the lease's side. It is valid while the lease lives.
    fn cell(&self) -> NonNull<Versioned<Self::Value>>;
    fn extras(&self) -> &Self::Extras;
    /// Returns whether a new guard would show the same value.
    fn is_current(&self) -> bool;
    /// Acquires a new guard in place of the old one, which is returned and has to be released.
    fn acquire_again(&mut self) -> Self::Token;
    /// Releases a token that `acquire_again` returned. If a waker panics in here, the lease is as
    /// it was.
    ///
    /// # Safety
    ///
    /// Nothing that was borrowed under the old guard is left.
    unsafe fn release_old(&self, old: Self::Token);
}

/// A side held by a borrowed [reader](crate::Reader).
///
/// The pin is a field, so it is dropped after `drop` has released: the strategy is alive during
/// the whole release.
pub(crate) struct ReaderLease<'r, R: ReaderPtr> {
    guard: ManuallyDrop<GuardTokenOf<R>>,
    token: &'r ReaderTokenOf<R>,
    /// A pointer, because it may lead into what the pin owns.
    buffer: NonNull<PinnedBy<R>>,
    _pin: R::Pin,
}

impl<'r, R: ReaderPtr> ReaderLease<'r, R> {
    /// `pin` is one of `ptr`.
    #[inline]
    pub(crate) fn new(ptr: &'r R, pin: R::Pin, token: &'r ReaderTokenOf<R>) -> Self {
        let buffer = ptr.buffer(&pin);
        // SAFETY: the strategy behind this pointer made the token (C1, by P2). The token belongs
        // to a `Reader`, which is not `Sync` (C4). Pointer and pin keep the strategy in place (C6,
        // by P3).
        let guard = unsafe { buffer.strategy().acquire(token) };
        Self {
            guard: ManuallyDrop::new(guard),
            token,
            buffer: NonNull::from(buffer),
            _pin: pin,
        }
    }

    #[inline]
    fn buffer(&self) -> &PinnedBy<R> {
        // SAFETY: the borrowed pointer and the pin keep it alive and in place (P3).
        unsafe { self.buffer.as_ref() }
    }
}

// SAFETY: `&` to a lease gives access to the buffer, the extras and the side of the guard token.
// What uses the reader's token takes the guard by `&mut` or by value, and a guard is not `Send`
// (C4).
unsafe impl<R: ReaderPtr> Sync for ReaderLease<'_, R>
where
    PinnedBy<R>: Sync,
    GuardTokenOf<R>: Sync,
{
}

impl<R: ReaderPtr> Lease for ReaderLease<'_, R> {
    type Value = R::Value;
    type Extras = R::Extras;
    type Token = GuardTokenOf<R>;

    #[inline]
    fn cell(&self) -> NonNull<Versioned<R::Value>> {
        self.buffer().cell(R::Strategy::side(&self.guard))
    }

    #[inline]
    fn extras(&self) -> &R::Extras {
        self.buffer().extras()
    }

    #[inline]
    fn is_current(&self) -> bool {
        // SAFETY: the guard of this lease, acquired with this token (C1, C4).
        unsafe { self.buffer().strategy().is_current(self.token, &self.guard) }
    }

    fn acquire_again(&mut self) -> GuardTokenOf<R> {
        // SAFETY: as in `new`.
        let guard = unsafe { self.buffer().strategy().acquire(self.token) };
        ManuallyDrop::into_inner(mem::replace(&mut self.guard, ManuallyDrop::new(guard)))
    }

    unsafe fn release_old(&self, old: GuardTokenOf<R>) {
        // SAFETY: acquired with this token, and taken out of the lease (C1, C3, C4).
        unsafe { self.buffer().strategy().release(self.token, old) };
    }
}

impl<R: ReaderPtr> Drop for ReaderLease<'_, R> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: nothing else takes it out, and `self` is not used again.
        let guard = unsafe { ManuallyDrop::take(&mut self.guard) };
        // SAFETY: acquired with this token (C1, C3), on the only thread that uses the reader (C4);
        // what borrowed from the lease is gone.
        unsafe { self.buffer().strategy().release(self.token, guard) };
    }
}
