//! Guards: what reads return. Each kind is a named type around a [`RawGuard`] of its lease.

use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;

use crate::buffer::{Version, Versioned};
use crate::lease::{Lease, ReaderLease};
use crate::pointer::ReaderPtr;

/// A guard on one side, which the lease holds.
pub(crate) struct RawGuard<L> {
    /// Leads to the value. No field refers to the value: a reference would have to stay valid to
    /// the end of `drop(guard)`, which itself lets the writer in. And no pointer is kept in
    /// addition to the lease: a refresh would load it as well.
    pub(crate) lease: L,
}

// SAFETY: `&RawGuard` gives `&T` and `&X` to other threads, and otherwise only what a shared lease
// gives. The lease ends on the thread where it began.
unsafe impl<L> Sync for RawGuard<L> where L: Lease<Value: Sync, Extras: Sync> + Sync {}

// Like a reference to the value and the extras.
impl<L: Lease<Value: RefUnwindSafe, Extras: RefUnwindSafe>> UnwindSafe for RawGuard<L> {}
impl<L: Lease<Value: RefUnwindSafe, Extras: RefUnwindSafe>> RefUnwindSafe for RawGuard<L> {}

impl<L: Lease> RawGuard<L> {
    #[inline]
    pub(crate) fn new(lease: L) -> Self {
        Self { lease }
    }

    #[inline]
    fn versioned(&self) -> &Versioned<L::Value> {
        // SAFETY: the lease is on this cell, so the writer does not write it (S2, C5), and its
        // earlier writes are visible (S4).
        unsafe { self.lease.cell().as_ref() }
    }

    #[inline]
    pub(crate) fn value(&self) -> &L::Value {
        // SAFETY: the side was the front when the lease acquired it (S9, B1), and the writer
        // takes its value away only once no guard is on it (C5, C7).
        unsafe { self.versioned().value() }
    }

    #[inline]
    pub(crate) fn version(&self) -> Version {
        self.versioned().version
    }

    #[inline]
    pub(crate) fn refresh(&mut self) -> bool {
        !self.lease.is_current() && self.renew()
    }

    #[inline(never)]
    fn renew(&mut self) -> bool {
        let before = self.version();
        let old = self.lease.acquire_again();
        let changed = self.version() != before;
        // Last, because it may run a waker.
        // SAFETY: the guard is borrowed exclusively, so nothing borrows from it.
        unsafe { self.lease.release_old(old) };
        changed
    }

    /// Returns the part of the value, or of the extras, that `f` returns.
    #[inline]
    pub(crate) fn part<U: ?Sized>(
        &self,
        f: impl for<'a> FnOnce(&'a L::Value, &'a L::Extras) -> Option<&'a U>,
    ) -> Option<NonNull<U>> {
        f(self.value(), self.lease.extras()).map(NonNull::from)
    }
}

/// A [`RawGuard`] narrowed to a part of the value, or of the extras.
pub(crate) struct RawMappedGuard<U: ?Sized, L> {
    pub(crate) value: NonNull<U>,
    pub(crate) lease: L,
}

// SAFETY: see `RawGuard`, with `&U` instead of `&T`.
unsafe impl<U: ?Sized + Sync, L: Lease<Extras: Sync> + Sync> Sync for RawMappedGuard<U, L> {}

impl<U: ?Sized + RefUnwindSafe, L: Lease<Extras: RefUnwindSafe>> UnwindSafe
    for RawMappedGuard<U, L>
{
}
impl<U: ?Sized + RefUnwindSafe, L: Lease<Extras: RefUnwindSafe>> RefUnwindSafe
    for RawMappedGuard<U, L>
{
}

impl<U: ?Sized, L: Lease> RawMappedGuard<U, L> {
    #[inline]
    pub(crate) fn value(&self) -> &U {
        // SAFETY: the pointer was made from a reference into the cell or the extras of the buffer,
        // and this lease keeps both in place (S2, C5, P3).
        unsafe { self.value.as_ref() }
    }

    #[inline]
    pub(crate) fn version(&self) -> Version {
        // SAFETY: the lease is on this cell (S2, S4, C5).
        unsafe { self.lease.cell().as_ref() }.version
    }

    /// Returns the part of the part, or of the extras, that `f` returns.
    #[inline]
    pub(crate) fn part<W: ?Sized>(
        &self,
        f: impl for<'a> FnOnce(&'a U, &'a L::Extras) -> Option<&'a W>,
    ) -> Option<NonNull<W>> {
        f(self.value(), self.lease.extras()).map(NonNull::from)
    }
}

/// Declares a kind of guard and the type that its `map` returns: public names for a lease.
macro_rules! guards {
    (
        $(#[$attr:meta])*
        $Guard:ident<$($lt:lifetime,)? $P:ident: $Ptr:ident> of $Lease:ident,
        $(#[$mapped_attr:meta])*
        $Mapped:ident
    ) => {
        $(#[$attr])*
        #[must_use = "a guard that is dropped at once has read nothing"]
        pub struct $Guard<$($lt,)? $P: $Ptr>($crate::guard::RawGuard<$Lease<$($lt,)? $P>>);

        // SAFETY: never: nothing implements the trait. (Its lease has a token of this thread, C4.)
        unsafe impl<$($lt,)? $P: $Ptr> Send for $Guard<$($lt,)? $P> where Self: $crate::threads::SendGuard {}

        impl<$($lt,)? $P: $Ptr> $Guard<$($lt,)? $P> {
            #[inline]
            pub(crate) fn new(lease: $Lease<$($lt,)? $P>) -> Self {
                Self($crate::guard::RawGuard::new(lease))
            }

            /// Returns the number of the publish that this guard shows. Costs a plain load.
            #[inline]
            pub fn version(guard: &Self) -> $crate::buffer::Version {
                guard.0.version()
            }

            /// Brings the guard up to date. Returns whether it shows a newer publish than before.
            /// For a thread that reads all the time and keeps one guard.
            ///
            /// While nothing was published, this is a load and a comparison, with no store and no
            /// fence. Otherwise it takes a new guard, then releases the old one; it may do so once
            /// more where a writer waits for readers. A writer that waits for this guard is woken
            /// by the next refresh, so a reader that pauses must drop its guard.
            ///
            /// # Panics
            ///
            /// If the waker of a writer that waited for the guard panics. The guard is up to date
            /// then.
            #[doc(alias = "load")]
            #[inline]
            pub fn refresh(guard: &mut Self) -> bool {
                guard.0.refresh()
            }

            /// Returns the extras.
            #[inline]
            pub fn extras(guard: &Self) -> &$P::Extras {
                guard.0.lease.extras()
            }

            /// Narrows the guard to a part of the value or of the extras.
            ///
            /// # Panics
            ///
            /// If `f` panics. The guard is released then.
            #[inline]
            pub fn map<U: ?Sized>(
                guard: Self,
                f: impl for<'f> FnOnce(&'f $P::Value, &'f $P::Extras) -> &'f U,
            ) -> $Mapped<$($lt,)? U, $P> {
                let value = core::ptr::NonNull::from(f(guard.0.value(), guard.0.lease.extras()));
                let lease = guard.0.lease;
                $Mapped($crate::guard::RawMappedGuard { value, lease })
            }

            /// Narrows the guard to a part that may be missing.
            ///
            /// # Errors
            ///
            /// Returns the guard itself if `f` returns `None`.
            ///
            /// # Panics
            ///
            /// If `f` panics. The guard is released then.
            #[inline]
            pub fn try_map<U: ?Sized>(
                guard: Self,
                f: impl for<'f> FnOnce(&'f $P::Value, &'f $P::Extras) -> Option<&'f U>,
            ) -> Result<$Mapped<$($lt,)? U, $P>, Self> {
                // Moves nothing before the result is known: lookups are built on this.
                let Some(value) = guard.0.part(f) else {
                    return Err(guard);
                };
                let lease = guard.0.lease;
                Ok($Mapped($crate::guard::RawMappedGuard { value, lease }))
            }
        }

        impl<$($lt,)? $P: $Ptr> core::ops::Deref for $Guard<$($lt,)? $P> {
            type Target = $P::Value;

            #[inline]
            fn deref(&self) -> &$P::Value {
                self.0.value()
            }
        }

        impl<$($lt,)? $P: $Ptr> AsRef<$P::Value> for $Guard<$($lt,)? $P> {
            fn as_ref(&self) -> &$P::Value {
                self
            }
        }

        impl<$($lt,)? $P: $Ptr<Value: core::fmt::Debug>> core::fmt::Debug for $Guard<$($lt,)? $P> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<$($lt,)? $P: $Ptr<Value: core::fmt::Display>> core::fmt::Display for $Guard<$($lt,)? $P> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                (**self).fmt(f)
            }
        }

        $(#[$mapped_attr])*
        #[must_use = "a guard that is dropped at once has read nothing"]
        pub struct $Mapped<$($lt,)? U: ?Sized, $P: $Ptr>($crate::guard::RawMappedGuard<U, $Lease<$($lt,)? $P>>);

        // SAFETY: never: nothing implements the trait. (Its lease has a token of this thread, C4.)
        unsafe impl<$($lt,)? U: ?Sized, $P: $Ptr> Send for $Mapped<$($lt,)? U, $P>
        where
            Self: $crate::threads::SendGuard,
        {
        }

        impl<$($lt,)? U: ?Sized, $P: $Ptr> $Mapped<$($lt,)? U, $P> {
            /// Returns the number of the publish that this guard shows. Costs a plain load.
            #[inline]
            pub fn version(guard: &Self) -> $crate::buffer::Version {
                guard.0.version()
            }

            /// Returns the extras.
            #[inline]
            pub fn extras(guard: &Self) -> &$P::Extras {
                guard.0.lease.extras()
            }

            /// Narrows the guard further.
            ///
            /// # Panics
            ///
            /// If `f` panics. The guard is released then.
            #[inline]
            pub fn map<W: ?Sized>(
                guard: Self,
                f: impl for<'f> FnOnce(&'f U, &'f $P::Extras) -> &'f W,
            ) -> $Mapped<$($lt,)? W, $P> {
                let value = core::ptr::NonNull::from(f(guard.0.value(), guard.0.lease.extras()));
                let lease = guard.0.lease;
                $Mapped($crate::guard::RawMappedGuard { value, lease })
            }

            /// Narrows the guard further, to a part that may be missing.
            ///
            /// # Errors
            ///
            /// Returns the guard itself if `f` returns `None`.
            ///
            /// # Panics
            ///
            /// If `f` panics. The guard is released then.
            #[inline]
            pub fn try_map<W: ?Sized>(
                guard: Self,
                f: impl for<'f> FnOnce(&'f U, &'f $P::Extras) -> Option<&'f W>,
            ) -> Result<$Mapped<$($lt,)? W, $P>, Self> {
                // Moves nothing before the result is known: lookups are built on this.
                let Some(value) = guard.0.part(f) else {
                    return Err(guard);
                };
                let lease = guard.0.lease;
                Ok($Mapped($crate::guard::RawMappedGuard { value, lease }))
            }
        }

        impl<$($lt,)? U: ?Sized, $P: $Ptr> core::ops::Deref for $Mapped<$($lt,)? U, $P> {
            type Target = U;

            #[inline]
            fn deref(&self) -> &U {
                self.0.value()
            }
        }

        impl<$($lt,)? U: ?Sized, $P: $Ptr> AsRef<U> for $Mapped<$($lt,)? U, $P> {
            fn as_ref(&self) -> &U {
                self
            }
        }

        impl<$($lt,)? U: ?Sized + core::fmt::Debug, $P: $Ptr> core::fmt::Debug for $Mapped<$($lt,)? U, $P> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<$($lt,)? U: ?Sized + core::fmt::Display, $P: $Ptr> core::fmt::Display for $Mapped<$($lt,)? U, $P> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                (**self).fmt(f)
            }
        }
    };
}

#[cfg(feature = "alloc")]
pub(crate) use guards;

guards! {
    /// A guard of a [`Reader`](crate::Reader), which it borrows. It shows the value that was the
    /// front when the guard was taken.
    ///
    /// Dereferences to the value, which does not change while the guard lives. The writer
    /// publishes without waiting for the guard, but cannot write *this* copy again before the
    /// guard is dropped: drop it soon, or [`refresh`](Self::refresh) it. A guard that is passed to
    /// [`core::mem::forget`] keeps its copy until its reader is dropped.
    ///
    /// A guard stays on its thread. Other threads may read through a reference to it if they may
    /// read the buffer.
    ///
    /// Its methods are associated functions, so that none hides a method of the value.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::ReadGuard;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 1, LockStrategy::new());
    /// let mut guard = reader.read();
    /// writer.store(2);
    /// assert_eq!((*guard, ReadGuard::version(&guard)), (1, 0));
    /// assert!(ReadGuard::refresh(&mut guard));
    /// assert_eq!((*guard, ReadGuard::version(&guard)), (2, 1));
    /// assert!(!ReadGuard::refresh(&mut guard)); // nothing is newer
    /// ```
    ///
    /// Narrowed to a part of the value, or of the extras:
    ///
    /// ```
    /// use dbuf_core::{DoubleBuffer, ReadGuard, Reader};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let buffer = DoubleBuffer::with_extras(vec![1, 2], vec![], LockStrategy::new(), "shared");
    /// let reader = Reader::new(&buffer);
    /// assert_eq!(*ReadGuard::extras(&reader.read()), "shared");
    /// let last = ReadGuard::try_map(reader.read(), |list, _| list.last()).unwrap();
    /// assert_eq!(*last, 2);
    /// let whole = ReadGuard::try_map(reader.read(), |list, _| list.get(9)).unwrap_err();
    /// assert_eq!(*whole, [1, 2]);
    /// ```
    ReadGuard<'r, R: ReaderPtr> of ReaderLease,
    /// A [`ReadGuard`] narrowed to a part of the value, or of the extras.
    MappedReadGuard
}
