//! The reader tokens of all threads for one buffer.

use alloc::sync::Arc;
use core::marker::PhantomData;
use core::mem::{self, ManuallyDrop};
use core::ptr::NonNull;

use super::lease::{SharedLease, SharedReadGuard};
use super::slot::{self, Slot, Table};
use super::thread;
use crate::buffer::DoubleBuffer;
use crate::pointer::{BufferOf, BufferPtr};
use crate::side::Side;
use crate::strategy::Strategy;

/// Returns whether this thread has a guard on the back of a buffer, from any shared handle,
/// forgotten ones included. For the holder of the claim.
#[cold]
#[inline(never)]
pub(crate) fn is_on_back<V, S: Strategy, X>(buffer: &DoubleBuffer<V, S, X>) -> bool {
    let strategy = buffer.strategy();
    buffer.known_id().is_some_and(|id| {
        thread::any_of_buffer(id, |slot| {
            // SAFETY: this thread's, and valid during the call. `Readers::new` made its table for
            // this very buffer, whose id no other one has and whose `S` no subtyping changes, so
            // its tokens are this strategy's.
            let slot = unsafe { slot.cast::<Slot<S::ReaderToken>>().as_ref() };
            // SAFETY: this strategy made it, and may have moved with its buffer since (C1, S11);
            // it is this thread's (C4, T1).
            slot.is_held() && unsafe { strategy.holds(&slot.token, strategy.back()) }
        })
    })
}

/// The reader tokens of all threads for one buffer: a table, and a copy of its id, so that a read
/// need not load it from the table.
pub(crate) struct Readers<T> {
    id: u64,
    pub(super) table: Arc<Table<T>>,
}

impl<T: 'static> Readers<T> {
    /// Makes the table of one buffer.
    pub(crate) fn new<V, S, X>(buffer: &DoubleBuffer<V, S, X>) -> Self
    where
        S: Strategy<ReaderToken = T>,
    {
        let (id, table) = Table::new(buffer.id());
        Self { id, table }
    }

    /// Returns whether this thread has a guard, forgotten ones included.
    #[inline]
    pub(crate) fn has_guard(&self) -> bool {
        // SAFETY: the table with this id is `self.table`.
        unsafe { Table::<T>::held(self.id) }.is_some()
    }

    /// Returns whether this thread has a guard on `side`, forgotten ones included.
    ///
    /// # Safety
    ///
    /// See [`read`](Self::read).
    pub(crate) unsafe fn holds<S: Strategy<ReaderToken = T>>(
        &self,
        strategy: &S,
        side: Side,
    ) -> bool {
        // SAFETY: the table with this id is `self.table`.
        let slot = unsafe { Table::<T>::held(self.id) };
        // SAFETY: the token in this thread's slot (C4, T1) is this strategy's (C1, promised).
        slot.is_some_and(|slot| unsafe { strategy.holds(&slot.token, side) })
    }

    /// Reads the front with this thread's token. The first read of a thread makes it.
    ///
    /// # Safety
    ///
    /// Every call gets the same buffer, which may have been moved in between.
    // Always inlined, like `enter`.
    #[inline(always)]
    pub(crate) unsafe fn read<'s, P>(&'s self, buffer: &'s BufferOf<P>) -> SharedReadGuard<'s, P>
    where
        P: BufferPtr<Strategy: Strategy<ReaderToken = T>>,
    {
        // SAFETY: promised by the caller.
        let (guard, slot) = unsafe { self.enter(buffer.strategy()) };
        SharedReadGuard::new(SharedLease {
            guard: ManuallyDrop::new(guard),
            slot,
            buffer: NonNull::from(buffer),
            handle: PhantomData,
        })
    }

    /// Acquires a guard with this thread's token, and counts it on the slot.
    ///
    /// # Safety
    ///
    /// See [`read`](Self::read). The strategy stays in place while the guard lives.
    // Always inlined: it is a few loads and stores, but its unwind path makes it seem long to the
    // compiler.
    #[inline(always)]
    pub(super) unsafe fn enter<S>(&self, strategy: &S) -> (S::GuardToken, NonNull<Slot<T>>)
    where
        S: Strategy<ReaderToken = T>,
    {
        // SAFETY: the table with this id is `self.table`.
        let slot = unsafe { Table::enter(self.id) }
            .unwrap_or_else(|| self.table.enter_new(|| strategy.new_reader()));
        // SAFETY: the guard is counted on the slot, which is valid until the count is subtracted
        // (T3).
        let token = unsafe { &slot.as_ref().token };
        let counted = Counted(slot);
        // SAFETY: this strategy made the token (C1, promised by the caller), for this thread (C4,
        // T1); it stays in place (C6, promised).
        let guard = unsafe { strategy.acquire(token) };
        mem::forget(counted);
        (guard, slot)
    }
}

impl<T> Clone for Readers<T> {
    fn clone(&self) -> Self {
        Self {
            id: self.id,
            table: Arc::clone(&self.table),
        }
    }
}

/// Subtracts a guard when dropped: a waker panicked in the acquire (Count's may take a count back,
/// which is a leave).
struct Counted<T: 'static>(NonNull<Slot<T>>);

impl<T> Drop for Counted<T> {
    #[cold]
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: the guard is counted on it (T3).
        if !unsafe { self.0.as_ref() }.leave() {
            // SAFETY: the guard is counted on it, and is not used again.
            unsafe { slot::after_release(self.0) };
        }
    }
}
