#[cfg(feature = "alloc")]
use alloc::boxed::Box;
use core::fmt;
use core::ops::Deref;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;

use crate::Version;
use crate::buffer::Versioned;
use crate::lease::{Lease, ReaderLease};
use crate::threads::GuardOfTwoThreads;
#[cfg(feature = "alloc")]
use crate::{BufferPtr, Reader};

/// A look at the front, as it stood when the guard was taken.
///
/// Dereferences to the value, which does not change while the guard lives. The
/// writer publishes without waiting for it, but cannot write *this* copy again
/// before it is dropped: hold it briefly, or [`refresh`](Guard::refresh) it. A
/// guard that is passed to [`core::mem::forget`] holds the writer up until its
/// reader is dropped.
///
/// `L` says how the place is held: by a borrowed reader ([`ReadGuard`]), by a
/// reader of the guard's own ([`OwnedReadGuard`]), or by one of a
/// [`SharedReader`](crate::SharedReader).
///
/// It stays on its thread, and other threads may look through a reference to it where they
/// may look at the buffer.
///
/// Its methods are associated functions, so that none shadows the value's.
///
/// # Examples
///
/// ```
/// use dbuf_core::ReadGuard;
/// use dbuf_strategies::LockStrategy;
///
/// let (mut writer, reader) = dbuf_core::arc(1, 2, LockStrategy::new());
/// let guard = reader.read();
/// writer.start_swap();
/// assert_eq!((*guard, ReadGuard::version(&guard)), (1, 0));
/// ```
#[must_use = "a guard that is dropped at once has read nothing"]
pub struct Guard<L> {
    /// Leads to the value. No field refers to it: a reference would have to stay valid to the
    /// end of `drop(guard)`, which itself lets the writer in. And no pointer is kept beside
    /// the lease: a refresh would load it in addition to what tells whether it is current.
    lease: L,
}

// SAFETY: never: nothing implements the trait. (Its lease has a token of this thread, C4.)
unsafe impl<L> Send for Guard<L> where Self: GuardOfTwoThreads {}

// SAFETY: `&Guard` gives `&T` and `&X` to other threads, and else only what a shared lease
// gives. The lease ends on the thread where it began.
unsafe impl<L> Sync for Guard<L> where L: Lease<Value: Sync, Extras: Sync> + Sync {}

// As a reference to the value and the extras.
impl<L: Lease<Value: RefUnwindSafe, Extras: RefUnwindSafe>> UnwindSafe for Guard<L> {}
impl<L: Lease<Value: RefUnwindSafe, Extras: RefUnwindSafe>> RefUnwindSafe for Guard<L> {}

/// A guard that borrows its [reader](crate::Reader).
pub type ReadGuard<'r, R> = Guard<ReaderLease<'r, R>>;

/// A [`ReadGuard`] narrowed to a part of the value, or of the extras.
pub type MappedReadGuard<'r, U, R> = MappedGuard<U, ReaderLease<'r, R>>;

impl<L: Lease> Guard<L> {
    #[inline]
    pub(crate) fn new(lease: L) -> Self {
        Self { lease }
    }

    #[inline]
    fn versioned(&self) -> &Versioned<L::Value> {
        // SAFETY: the lease is on this cell, so the writer stays away from
        // it (S2, C5) and its earlier writes are visible (S4).
        unsafe { self.lease.cell().as_ref() }
    }

    #[inline]
    fn value(&self) -> &L::Value {
        // SAFETY: the side was the front when the lease acquired it (S9, B1), and the writer
        // takes its value away only once no guard is on it (C5, C7).
        unsafe { self.versioned().value() }
    }

    /// The number of the publish that this guard looks at. A plain load.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::ReadGuard;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 1, LockStrategy::new());
    /// writer.store(2);
    /// assert_eq!(ReadGuard::version(&reader.read()), 1);
    /// ```
    #[inline]
    pub fn version(guard: &Self) -> Version {
        guard.versioned().version
    }

    /// Brings the guard up to date, and returns whether it shows a newer publish than
    /// before. For a thread that reads all the time: it keeps one guard, and refreshes it
    /// where it would take a new one.
    ///
    /// While nothing was published, that is a load and a comparison, with no store and no
    /// fence. Otherwise it takes a new guard, then releases the old one; it may do so once
    /// more where a writer waits for readers. A writer that waits for
    /// this guard is freed by its next refresh, so a reader that has nothing to do for a
    /// while must drop it.
    ///
    /// # Panics
    ///
    /// With the waker of a writer that waited for the guard. The guard is up to date
    /// then.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::ReadGuard;
    /// use dbuf_strategies::EpochStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 1, EpochStrategy::new());
    /// let mut guard = reader.read();
    /// assert!(!ReadGuard::refresh(&mut guard));
    /// writer.store(2);
    /// assert_eq!(*guard, 1);
    /// assert!(ReadGuard::refresh(&mut guard));
    /// assert_eq!(*guard, 2);
    /// writer.store(3); // waits for nobody
    /// ```
    #[doc(alias = "load")]
    #[inline]
    pub fn refresh(guard: &mut Self) -> bool {
        !guard.lease.is_current() && guard.renew()
    }

    #[inline(never)]
    fn renew(&mut self) -> bool {
        let before = Self::version(self);
        let old = self.lease.acquire_again();
        let changed = Self::version(self) != before;
        // Last, since it may run a waker.
        // SAFETY: the guard is borrowed exclusively, so nothing borrows from it.
        unsafe { self.lease.release_old(old) };
        changed
    }

    /// The extras.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::{DoubleBuffer, ReadGuard, Reader};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let buffer = DoubleBuffer::with_extras(1, 1, LockStrategy::new(), "shared");
    /// let reader = Reader::new(&buffer);
    /// assert_eq!(*ReadGuard::extras(&reader.read()), "shared");
    /// ```
    #[inline]
    pub fn extras(guard: &Self) -> &L::Extras {
        guard.lease.extras()
    }

    /// Narrows the guard to a part of the value.
    ///
    /// # Panics
    ///
    /// With `f`. The guard is released then.
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
        f: impl for<'a> FnOnce(&'a L::Value, &'a L::Extras) -> &'a U,
    ) -> MappedGuard<U, L> {
        let value = NonNull::from(f(guard.value(), Self::extras(&guard)));
        MappedGuard {
            value,
            lease: guard.lease,
        }
    }

    /// Narrows the guard to a part of the value that may be missing.
    ///
    /// # Errors
    ///
    /// The guard itself, if `f` returns `None`.
    ///
    /// # Panics
    ///
    /// With `f`. The guard is released then.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::ReadGuard;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (_writer, reader) = dbuf_core::arc(vec![1, 2], vec![], LockStrategy::new());
    /// let last = ReadGuard::try_map(reader.read(), |list, _| list.last()).unwrap();
    /// assert_eq!(*last, 2);
    /// let whole = ReadGuard::try_map(reader.read(), |list, _| list.get(9)).unwrap_err();
    /// assert_eq!(*whole, [1, 2]);
    /// ```
    #[inline]
    pub fn try_map<U: ?Sized>(
        guard: Self,
        f: impl for<'a> FnOnce(&'a L::Value, &'a L::Extras) -> Option<&'a U>,
    ) -> Result<MappedGuard<U, L>, Self> {
        match f(guard.value(), Self::extras(&guard)).map(NonNull::from) {
            Some(value) => Ok(MappedGuard {
                value,
                lease: guard.lease,
            }),
            None => Err(guard),
        }
    }
}

impl<L: Lease> Deref for Guard<L> {
    type Target = L::Value;

    #[inline]
    fn deref(&self) -> &L::Value {
        self.value()
    }
}

impl<L: Lease> AsRef<L::Value> for Guard<L> {
    fn as_ref(&self) -> &L::Value {
        self
    }
}

impl<L: Lease<Value: fmt::Debug>> fmt::Debug for Guard<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<L: Lease<Value: fmt::Display>> fmt::Display for Guard<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// A [`Guard`] narrowed to a part of the value, or of the extras.
///
/// # Examples
///
/// ```
/// use dbuf_core::{MappedReadGuard, ReadGuard};
/// use dbuf_strategies::LockStrategy;
///
/// let user = ("ada", [7, 9]);
/// let (_writer, reader) = dbuf_core::arc(user, user, LockStrategy::new());
/// let scores: MappedReadGuard<'_, [i32; 2], _> = ReadGuard::map(reader.read(), |user, _| &user.1);
/// assert_eq!(scores.iter().sum::<i32>(), 16);
/// ```
#[must_use = "a guard that is dropped at once has read nothing"]
pub struct MappedGuard<U: ?Sized, L> {
    value: NonNull<U>,
    lease: L,
}

// SAFETY: as for `Guard`.
unsafe impl<U: ?Sized, L> Send for MappedGuard<U, L> where Self: GuardOfTwoThreads {}

// SAFETY: as for `Guard`, with `&U` in the place of `&T`.
unsafe impl<U: ?Sized + Sync, L: Lease<Extras: Sync> + Sync> Sync for MappedGuard<U, L> {}

impl<U: ?Sized + RefUnwindSafe, L: Lease<Extras: RefUnwindSafe>> UnwindSafe for MappedGuard<U, L> {}
impl<U: ?Sized + RefUnwindSafe, L: Lease<Extras: RefUnwindSafe>> RefUnwindSafe
    for MappedGuard<U, L>
{
}

impl<U: ?Sized, L: Lease> MappedGuard<U, L> {
    /// The number of the publish that this guard looks at. A plain load.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::{MappedGuard, ReadGuard};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc((1, 2), (1, 2), LockStrategy::new());
    /// writer.store((3, 4));
    /// let first = ReadGuard::map(reader.read(), |pair, _| &pair.0);
    /// assert_eq!((*first, MappedGuard::version(&first)), (3, 1));
    /// ```
    #[inline]
    pub fn version(guard: &Self) -> Version {
        // SAFETY: the lease stands on this cell (S2, S4, C5).
        unsafe { guard.lease.cell().as_ref() }.version
    }

    /// The extras.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::{DoubleBuffer, MappedGuard, ReadGuard, Reader};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let buffer = DoubleBuffer::with_extras((1, 2), (1, 2), LockStrategy::new(), "shared");
    /// let reader = Reader::new(&buffer);
    /// let first = ReadGuard::map(reader.read(), |pair, _| &pair.0);
    /// assert_eq!(*MappedGuard::extras(&first), "shared");
    /// ```
    #[inline]
    pub fn extras(guard: &Self) -> &L::Extras {
        guard.lease.extras()
    }

    /// Narrows the guard further.
    ///
    /// # Panics
    ///
    /// With `f`. The guard is released then.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::{MappedGuard, ReadGuard};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let user = ("ada", [7, 9]);
    /// let (_writer, reader) = dbuf_core::arc(user, user, LockStrategy::new());
    /// let scores = ReadGuard::map(reader.read(), |user, _| &user.1);
    /// let best = MappedGuard::map(scores, |scores, _| scores.iter().max().unwrap());
    /// assert_eq!(*best, 9);
    /// ```
    #[inline]
    pub fn map<W: ?Sized>(
        guard: Self,
        f: impl for<'a> FnOnce(&'a U, &'a L::Extras) -> &'a W,
    ) -> MappedGuard<W, L> {
        let value = NonNull::from(f(&guard, Self::extras(&guard)));
        MappedGuard {
            value,
            lease: guard.lease,
        }
    }

    /// Narrows the guard further, to a part that may be missing.
    ///
    /// # Errors
    ///
    /// The guard itself, if `f` returns `None`.
    ///
    /// # Panics
    ///
    /// With `f`. The guard is released then.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::{MappedGuard, ReadGuard};
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let user = ("ada", [7, 9]);
    /// let (_writer, reader) = dbuf_core::arc(user, user, LockStrategy::new());
    /// let scores = ReadGuard::map(reader.read(), |user, _| &user.1);
    /// let scores = MappedGuard::try_map(scores, |scores, _| scores.get(2)).unwrap_err();
    /// let second = MappedGuard::try_map(scores, |scores, _| scores.get(1)).unwrap();
    /// assert_eq!(*second, 9);
    /// ```
    #[inline]
    pub fn try_map<W: ?Sized>(
        guard: Self,
        f: impl for<'a> FnOnce(&'a U, &'a L::Extras) -> Option<&'a W>,
    ) -> Result<MappedGuard<W, L>, Self> {
        match f(&guard, Self::extras(&guard)).map(NonNull::from) {
            Some(value) => Ok(MappedGuard {
                value,
                lease: guard.lease,
            }),
            None => Err(guard),
        }
    }
}

impl<U: ?Sized, L: Lease> Deref for MappedGuard<U, L> {
    type Target = U;

    #[inline]
    fn deref(&self) -> &U {
        // SAFETY: the pointer was made from a reference into the cell or the
        // extras of the buffer, and the lease that keeps both in place is here
        // (S2, C5, P3).
        unsafe { self.value.as_ref() }
    }
}

/// A guard that owns its reader. It may be stored where a borrow cannot.
///
/// # Examples
///
/// ```
/// use dbuf_core::OwnedReadGuard;
/// use dbuf_strategies::LockStrategy;
///
/// let (_writer, reader) = dbuf_core::arc(1, 1, LockStrategy::new());
/// let guard = Box::new(reader).into_guard();
/// assert_eq!(*guard, 1);
/// let reader = OwnedReadGuard::into_reader(guard);
/// assert_eq!(*reader.read(), 1);
/// ```
#[cfg(feature = "alloc")]
pub type OwnedReadGuard<P> = Guard<crate::lease::OwnedLease<P>>;

#[cfg(feature = "alloc")]
impl<P: BufferPtr> OwnedReadGuard<P> {
    /// Releases the guard and gives the reader back.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::OwnedReadGuard;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 1, LockStrategy::new());
    /// let guard = Box::new(reader).into_guard();
    /// writer.store(2);
    /// assert_eq!(*guard, 1);
    /// assert_eq!(*OwnedReadGuard::into_reader(guard).read(), 2);
    /// ```
    pub fn into_reader(guard: Self) -> Box<Reader<P>> {
        guard.lease.into_reader()
    }
}

impl<U: ?Sized, L: Lease> AsRef<U> for MappedGuard<U, L> {
    fn as_ref(&self) -> &U {
        self
    }
}

impl<U: ?Sized + fmt::Debug, L: Lease> fmt::Debug for MappedGuard<U, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<U: ?Sized + fmt::Display, L: Lease> fmt::Display for MappedGuard<U, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
