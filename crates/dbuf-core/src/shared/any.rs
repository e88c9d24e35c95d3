//! One lease for the guards of [`Reader`] and [`SharedReader`], so that a higher layer has one
//! guard type for both.

use core::marker::PhantomData;
use core::mem::{self, ManuallyDrop};
use core::ptr::NonNull;

use super::SharedReader;
use super::lease::SharedLease;
use super::slot::Slot;
use crate::buffer::Versioned;
use crate::guard::guards;
use crate::lease::Lease;
use crate::pointer::{BufferOf, BufferPtr, GuardTokenOf, ReaderTokenOf};
use crate::reader::Reader;
use crate::strategy::Strategy;

/// A side held by a reader, shared or not.
// Plain fields and no enum of the two leases: an enum is built in memory by smaller stores than it
// is then moved by, which made a lookup five times as slow.
pub(crate) struct AnyLease<'a, P: BufferPtr> {
    guard: ManuallyDrop<GuardTokenOf<P>>,
    /// The slot of a shared reader, or the token of a borrowed reader.
    token_or_slot: NonNull<()>,
    buffer: &'a BufferOf<P>,
    is_shared: bool,
    /// The handle is borrowed.
    handle: PhantomData<&'a P>,
}

impl<P: BufferPtr> Reader<P> {
    /// Does what [`read`](Self::read) does, with the guard type of both kinds of reader.
    #[doc(hidden)]
    #[inline]
    pub fn read_any(&self) -> AnyReadGuard<'_, P> {
        let (buffer, token) = (self.buffer(), self.token());
        // SAFETY: the reader's own strategy and token (C1), which one thread at a time uses, like
        // the reader (C4). The borrow keeps the buffer in place (C6, P3).
        let guard = unsafe { buffer.strategy().acquire(token) };
        AnyReadGuard::new(AnyLease {
            guard: ManuallyDrop::new(guard),
            token_or_slot: NonNull::from(token).cast(),
            buffer,
            is_shared: false,
            handle: PhantomData,
        })
    }
}

impl<P: BufferPtr> SharedReader<P> {
    /// Does what [`read`](Self::read) does, with the guard type of both kinds of reader.
    #[doc(hidden)]
    // Always inlined, like `read`.
    #[inline(always)]
    pub fn read_any(&self) -> AnyReadGuard<'_, P> {
        // First, because the pointer's deref is user code.
        let buffer = self.buffer();
        // SAFETY: always the one buffer (P1, P2), which the handle keeps in place (P3).
        let (guard, slot) = unsafe { self.readers.enter(buffer.strategy()) };
        AnyReadGuard::new(AnyLease {
            guard: ManuallyDrop::new(guard),
            token_or_slot: slot.cast(),
            buffer,
            is_shared: true,
            handle: PhantomData,
        })
    }
}

impl<P: BufferPtr> AnyLease<'_, P> {
    #[inline]
    fn token(&self) -> &ReaderTokenOf<P> {
        if self.is_shared {
            // SAFETY: the guard keeps the slot (T3).
            unsafe { &self.slot().as_ref().token }
        } else {
            // SAFETY: the reader is borrowed.
            unsafe { self.token_or_slot.cast().as_ref() }
        }
    }

    #[inline]
    fn slot(&self) -> NonNull<Slot<ReaderTokenOf<P>>> {
        self.token_or_slot.cast()
    }
}

// SAFETY: see `SharedLease`, without the pointer.
unsafe impl<P: BufferPtr> Sync for AnyLease<'_, P>
where
    BufferOf<P>: Sync,
    GuardTokenOf<P>: Sync,
{
}

impl<P: BufferPtr> Lease for AnyLease<'_, P> {
    type Value = P::Value;
    type Extras = P::Extras;
    type Token = GuardTokenOf<P>;

    #[inline]
    fn cell(&self) -> NonNull<Versioned<P::Value>> {
        self.buffer.cell(P::Strategy::side(&self.guard))
    }

    #[inline]
    fn extras(&self) -> &P::Extras {
        self.buffer.extras()
    }

    #[inline]
    fn is_current(&self) -> bool {
        // SAFETY: the guard of this lease, acquired with this token (C1, C4).
        unsafe { self.buffer.strategy().is_current(self.token(), &self.guard) }
    }

    fn acquire_again(&mut self) -> GuardTokenOf<P> {
        // SAFETY: as in `read_any`. In a slot it takes over the count of the one that it replaces.
        let guard = unsafe { self.buffer.strategy().acquire(self.token()) };
        ManuallyDrop::into_inner(mem::replace(&mut self.guard, ManuallyDrop::new(guard)))
    }

    unsafe fn release_old(&self, old: GuardTokenOf<P>) {
        // SAFETY: acquired with this token, and taken out of the lease (C1, C3, C4).
        unsafe { self.buffer.strategy().release(self.token(), old) };
    }
}

impl<P: BufferPtr> Drop for AnyLease<'_, P> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: nothing else takes it out, and `self` is not used again.
        let guard = unsafe { ManuallyDrop::take(&mut self.guard) };
        if self.is_shared {
            // SAFETY: the parts of this lease.
            unsafe { end_shared::<P>(self.buffer.strategy(), self.slot(), guard) };
        } else {
            // SAFETY: acquired with this token (C1, C3), on the only thread that uses the reader
            // (C4); what borrowed from the lease is gone.
            unsafe { self.buffer.strategy().release(self.token(), guard) };
        }
    }
}

/// Releases a shared reader's guard.
///
/// # Safety
///
/// The arguments are the parts of a lease that is not used again.
// Never: otherwise the destructor is too large to be inlined, and only inlined does it know the
// kind of the lease.
#[inline(never)]
unsafe fn end_shared<P: BufferPtr>(
    strategy: &P::Strategy,
    slot: NonNull<Slot<ReaderTokenOf<P>>>,
    guard: GuardTokenOf<P>,
) {
    // SAFETY: promised by the caller.
    unsafe { SharedLease::<P>::end(strategy, slot, guard) };
}

guards! {
    /// A guard of a [`Reader`](crate::Reader) or of a [`SharedReader`](crate::SharedReader), for a guard type of
    /// a higher layer that serves both.
    #[doc(hidden)]
    AnyReadGuard<'a, P: BufferPtr> of AnyLease,
    /// An [`AnyReadGuard`] narrowed to a part of the value, or of the extras.
    #[doc(hidden)]
    MappedAnyReadGuard
}
