//! Guards that own their reader.

use alloc::boxed::Box;
use core::mem::{self, ManuallyDrop};
use core::ptr::NonNull;

use crate::buffer::Versioned;
use crate::guard::guards;
use crate::lease::Lease;
use crate::pointer::{BufferOf, BufferPtr, GuardTokenOf, PinnedBy};
use crate::reader::Reader;
use crate::strategy::Strategy;

/// A side held by a reader of its own.
pub(crate) struct OwnedLease<P: BufferPtr> {
    guard: ManuallyDrop<GuardTokenOf<P>>,
    /// The target of the reader's pointer (P1), valid while the reader lives (P3).
    buffer: NonNull<BufferOf<P>>,
    reader: Box<Reader<P>>,
}

// SAFETY: see `ReaderLease`.
unsafe impl<P: BufferPtr> Sync for OwnedLease<P>
where
    PinnedBy<P>: Sync,
    GuardTokenOf<P>: Sync,
{
}

impl<P: BufferPtr> OwnedLease<P> {
    #[inline]
    pub(crate) fn new(reader: Box<Reader<P>>) -> Self {
        let buffer = reader.buffer();
        // SAFETY: the reader's own strategy and token (C1). This lease owns the reader and is not
        // `Sync` (C4), and keeps the buffer in place (C6, P3).
        let guard = unsafe { buffer.strategy().acquire(reader.token()) };
        Self {
            guard: ManuallyDrop::new(guard),
            buffer: NonNull::from(buffer),
            reader,
        }
    }

    #[inline]
    fn buffer(&self) -> &BufferOf<P> {
        // SAFETY: the reader keeps it in place (P3), and no `&mut` to it exists (P6).
        unsafe { self.buffer.as_ref() }
    }

    /// Releases the side and returns the reader. If a waker panics, the side is released and the
    /// reader is dropped.
    #[inline(always)]
    pub(crate) fn into_reader(self) -> Box<Reader<P>> {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is never dropped or used again, so each field is moved out
        // once.
        let reader = unsafe { core::ptr::read(&raw const this.reader) };
        // SAFETY: `this` is never used again.
        let guard = unsafe { ManuallyDrop::take(&mut this.guard) };
        // SAFETY: acquired in `new` with this token (C1, C3, C4).
        unsafe { this.buffer().strategy().release(reader.token(), guard) };
        reader
    }
}

impl<P: BufferPtr> Lease for OwnedLease<P> {
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
        // SAFETY: the guard of this lease, acquired with this token (C1, C4).
        unsafe { strategy.is_current(self.reader.token(), &self.guard) }
    }

    fn acquire_again(&mut self) -> GuardTokenOf<P> {
        // SAFETY: as in `new`.
        let guard = unsafe { self.buffer().strategy().acquire(self.reader.token()) };
        ManuallyDrop::into_inner(mem::replace(&mut self.guard, ManuallyDrop::new(guard)))
    }

    unsafe fn release_old(&self, old: GuardTokenOf<P>) {
        // SAFETY: acquired with this token, and taken out of the lease (C1, C3, C4).
        unsafe { self.buffer().strategy().release(self.reader.token(), old) };
    }
}

impl<P: BufferPtr> Drop for OwnedLease<P> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: nothing else takes it out: `into_reader` forgets the lease.
        let guard = unsafe { ManuallyDrop::take(&mut self.guard) };
        // SAFETY: as in `into_reader`.
        unsafe { self.buffer().strategy().release(self.reader.token(), guard) };
    }
}

guards! {
    /// A [`ReadGuard`](crate::ReadGuard) that owns its reader, so that it can be stored where a
    /// borrow cannot. See [`Reader::into_guard`](crate::Reader::into_guard).
    OwnedReadGuard<P: BufferPtr> of OwnedLease,
    /// An [`OwnedReadGuard`] narrowed to a part of the value, or of the extras.
    MappedOwnedReadGuard
}

impl<P: BufferPtr> OwnedReadGuard<P> {
    /// Releases the guard and returns the reader.
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
        guard.0.lease.into_reader()
    }
}

impl<P: BufferPtr> Reader<P> {
    /// Reads the front with a guard that owns this reader
    /// ([`OwnedReadGuard::into_reader`](OwnedReadGuard::into_reader) returns it). Costs
    /// what [`read`](Self::read) costs.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::ops::Deref;
    /// use dbuf_strategies::LockStrategy;
    ///
    /// // The guard keeps all that it needs.
    /// fn limit() -> impl Deref<Target = u32> {
    ///     let (_writer, reader) = dbuf_core::arc(10, 10, LockStrategy::new());
    ///     Box::new(reader).into_guard()
    /// }
    ///
    /// assert_eq!(*limit(), 10);
    /// ```
    #[inline]
    pub fn into_guard(self: Box<Self>) -> OwnedReadGuard<P> {
        OwnedReadGuard::new(OwnedLease::new(self))
    }
}
