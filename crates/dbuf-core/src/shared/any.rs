//! One lease for the guards of [`Reader`](crate::Reader) and [`SharedReader`].

use core::ptr::NonNull;

use super::SharedLease;
use crate::buffer::Versioned;
use crate::lease::sealed::Sealed;
use crate::lease::{GuardTokenOf, ReaderLease};
use crate::{BufferPtr, Guard};

/// A place held by a reader, shared or not, so that a guard type above this crate need not
/// say by which. Where the guard was made in sight, the compiler knows which.
#[derive(Debug)]
pub enum AnyLease<'a, P: BufferPtr> {
    /// A [`Reader`](crate::Reader)'s.
    Reader(ReaderLease<'a, P>),
    /// A [`SharedReader`](crate::SharedReader)'s.
    Shared(SharedLease<'a, P>),
}

/// Does the same with either.
macro_rules! either {
    ($lease:expr, $inner:ident => $do:expr) => {
        match $lease {
            AnyLease::Reader($inner) => $do,
            AnyLease::Shared($inner) => $do,
        }
    };
}

#[allow(private_interfaces, reason = "nobody outside can name the trait")]
impl<P: BufferPtr> Sealed for AnyLease<'_, P> {
    type Value = P::Value;
    type Extras = P::Extras;
    type Token = GuardTokenOf<P>;

    #[inline]
    fn cell(&self) -> NonNull<Versioned<P::Value>> {
        either!(self, lease => lease.cell())
    }

    #[inline]
    fn extras(&self) -> &P::Extras {
        either!(self, lease => lease.extras())
    }

    #[inline]
    fn is_current(&self) -> bool {
        either!(self, lease => lease.is_current())
    }

    fn acquire_again(&mut self) -> GuardTokenOf<P> {
        either!(self, lease => lease.acquire_again())
    }

    unsafe fn release_old(&self, old: GuardTokenOf<P>) {
        // SAFETY: promised by the caller.
        either!(self, lease => unsafe { lease.release_old(old) });
    }
}

impl<'a, P: BufferPtr> From<Guard<ReaderLease<'a, P>>> for Guard<AnyLease<'a, P>> {
    #[inline]
    fn from(guard: Guard<ReaderLease<'a, P>>) -> Self {
        guard.map_lease(AnyLease::Reader)
    }
}

impl<'a, P: BufferPtr> From<Guard<SharedLease<'a, P>>> for Guard<AnyLease<'a, P>> {
    #[inline]
    fn from(guard: Guard<SharedLease<'a, P>>) -> Self {
        guard.map_lease(AnyLease::Shared)
    }
}
