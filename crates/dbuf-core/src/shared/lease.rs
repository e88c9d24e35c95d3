//! The lease and the guards of a shared reader.

use core::marker::PhantomData;
use core::mem::{self, ManuallyDrop};
use core::ptr::NonNull;

use super::slot::{self, Slot};
use crate::buffer::Versioned;
use crate::guard::guards;
use crate::lease::Lease;
use crate::pointer::{BufferOf, BufferPtr, GuardTokenOf, ReaderTokenOf};
use crate::strategy::Strategy;

/// A side held by a reader of a [`SharedReader`].
pub(crate) struct SharedLease<'s, P: BufferPtr> {
    pub(super) guard: ManuallyDrop<GuardTokenOf<P>>,
    /// The slot with the token that acquired the guard. The guard keeps it (T3).
    pub(super) slot: NonNull<Slot<ReaderTokenOf<P>>>,
    /// Borrowed from the handle. Not a reference, which would require `P: 's` wherever a guard is
    /// named.
    pub(super) buffer: NonNull<BufferOf<P>>,
    pub(super) handle: PhantomData<&'s P>,
}

// SAFETY: `&` to a lease gives access to the buffer, the extras and the side of the guard token.
// What uses the slot takes the guard by `&mut` or by value, and a guard is not `Send` (C4, T1).
unsafe impl<P: BufferPtr> Sync for SharedLease<'_, P>
where
    BufferOf<P>: Sync,
    GuardTokenOf<P>: Sync,
{
}

impl<P: BufferPtr> Lease for SharedLease<'_, P> {
    type Value = P::Value;
    type Extras = P::Extras;
    type Token = GuardTokenOf<P>;

    #[inline]
    fn cell(&self) -> NonNull<Versioned<P::Value>> {
        self.buffer().cell(P::Strategy::side(&self.guard))
    }

    #[inline]
    fn extras(&self) -> &P::Extras {
        self.buffer().extras()
    }

    #[inline]
    fn is_current(&self) -> bool {
        let strategy = self.buffer().strategy();
        // SAFETY: the guard keeps it (T3).
        let token = unsafe { &self.slot.as_ref().token };
        // SAFETY: the guard of this lease, acquired with this token (C1, C4).
        unsafe { strategy.is_current(token, &self.guard) }
    }

    fn acquire_again(&mut self) -> GuardTokenOf<P> {
        let strategy = self.buffer().strategy();
        // SAFETY: the guard keeps it (T3).
        let token = unsafe { &self.slot.as_ref().token };
        // SAFETY: as in `Readers::enter`. It takes over the count of the one that it replaces.
        let guard = unsafe { strategy.acquire(token) };
        ManuallyDrop::into_inner(mem::replace(&mut self.guard, ManuallyDrop::new(guard)))
    }

    unsafe fn release_old(&self, old: GuardTokenOf<P>) {
        // SAFETY: acquired with this token, and taken out of the lease; the new guard keeps the
        // token (T3).
        unsafe { Self::release(self.buffer().strategy(), self.slot, old) };
    }
}

impl<'s, P: BufferPtr> SharedLease<'s, P> {
    #[inline]
    fn buffer(&self) -> &'s BufferOf<P> {
        // SAFETY: borrowed for `'s` in `Readers::read`.
        unsafe { self.buffer.as_ref() }
    }

    /// Releases a guard, and subtracts it from its slot.
    ///
    /// # Safety
    ///
    /// The arguments are the parts of a lease that is not used again.
    #[inline(always)]
    pub(super) unsafe fn end(
        strategy: &P::Strategy,
        slot: NonNull<Slot<ReaderTokenOf<P>>>,
        guard: GuardTokenOf<P>,
    ) {
        // SAFETY: the guard has kept it (T3).
        if unsafe { slot.as_ref() }.leave() {
            // Already subtracted: a waker that runs in the release may read and write.
            // SAFETY: promised by the caller.
            unsafe { Self::release(strategy, slot, guard) };
        } else {
            // SAFETY: promised by the caller.
            unsafe { Self::release_late(strategy, slot, guard) };
        }
    }

    /// Releases a guard. Takes its parts by value, so that the lease is never in memory.
    ///
    /// # Safety
    ///
    /// They are those of one lease, and none is used again.
    #[inline(always)]
    unsafe fn release(
        strategy: &P::Strategy,
        slot: NonNull<Slot<ReaderTokenOf<P>>>,
        guard: GuardTokenOf<P>,
    ) {
        // SAFETY: the guard has kept it (T3), and keeps it until the release is over: a slot that
        // is not late ends with its thread, and a late one after this.
        let token = unsafe { &slot.as_ref().token };
        // SAFETY: acquired with this token (C1, C3) on this thread, since guards are not `Send`
        // (C4); what borrowed from the lease is gone.
        unsafe { strategy.release(token, guard) };
    }

    /// Releases a guard that has outlived its thread's slots.
    ///
    /// # Safety
    ///
    /// See [`release`](Self::release).
    #[cold]
    #[inline(never)]
    unsafe fn release_late(
        strategy: &P::Strategy,
        slot: NonNull<Slot<ReaderTokenOf<P>>>,
        guard: GuardTokenOf<P>,
    ) {
        /// Subtracts the guard, also if a waker panics.
        struct Released<T: 'static>(NonNull<Slot<T>>);

        impl<T> Drop for Released<T> {
            fn drop(&mut self) {
                // SAFETY: the guard was counted on it, and is released.
                unsafe { slot::after_release(self.0) };
            }
        }

        // The last guard's slot loses its entry first: a waker that runs in the release finds no
        // guard, and reads with a new slot.
        // SAFETY: the guard is counted on it.
        unsafe { slot::before_release(slot) };
        let left = Released(slot);
        // SAFETY: promised by the caller.
        unsafe { Self::release(strategy, slot, guard) };
        drop(left);
    }
}

impl<P: BufferPtr> Drop for SharedLease<'_, P> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: nothing else takes it out, and `self` is not used again.
        let guard = unsafe { ManuallyDrop::take(&mut self.guard) };
        // SAFETY: the parts of this lease.
        unsafe { Self::end(self.buffer().strategy(), self.slot, guard) };
    }
}

guards! {
    /// A [`ReadGuard`](crate::ReadGuard) of a [`SharedReader`](crate::SharedReader).
    SharedReadGuard<'s, P: BufferPtr> of SharedLease,
    /// A [`SharedReadGuard`] narrowed to a part of the value, or of the extras.
    MappedSharedReadGuard
}
