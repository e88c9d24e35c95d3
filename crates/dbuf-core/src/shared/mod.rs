//! Reads from any thread through one shared handle.
//!
//! A handle and its clones share a table with a *slot* for each thread that reads: a reader token
//! of the strategy, and the number of guards on it. A thread finds its slot by the id of the
//! table, in a thread-local cache. So a read shares nothing with other threads that the strategy
//! does not share.
//!
//! Nested guards use the one token, like those of a [`Reader`]. With a second token, Flash, which
//! flips one reader after another, could show a thread an old value after a new one.
//!
//! # Lifetimes
//!
//! | what | owned by | ends |
//! |---|---|---|
//! | the buffer | the pointer in each handle; slots have none | with the last pointer |
//! | a slot and its token | the table | with its thread, or with the table |
//! | the table | the handles; a thread that ends has it for a moment | with the last handle |
//! | a guard's token | the slot; the guard borrows a handle | after the guard |
//!
//! So an idle thread keeps neither a buffer nor a reader once the handles are gone, and a thread
//! that ended leaves no reader behind. Of a table that is gone, a thread keeps an unused id and a
//! weak pointer until it reads through another handle.
//!
//! A guard may outlive its thread's slots, if it is in a thread local. Then its slot ends with it.
//! Still later reads, in other destructors of thread locals, make a slot for as long as they have
//! a guard. (If such a guard is forgotten, the thread's entry is never freed.)

mod any;
mod slot;
mod thread;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::mem::{self, ManuallyDrop};
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;
use std::thread::Thread;

use self::slot::{Slot, Table};
use crate::buffer::{BufferOf, DoubleBuffer, Versioned};
use crate::guard::SharedReadGuard;
use crate::lease::{GuardTokenOf, Lease};
use crate::pointer::BufferPtr;
use crate::reader::{Reader, ReaderTokenOf};
use crate::side::Side;
use crate::strategy::Strategy;

pub(crate) use self::any::AnyLease;
pub(crate) use self::thread::new_id;

/// A handle that reads from any thread, through `&self`.
///
/// It keeps a reader of the strategy for each thread that reads, so that threads need no
/// [`Reader`] of their own. Clones share these readers. A reader is dropped with its thread, and
/// all of them with the last clone.
///
/// A guard that is passed to [`core::mem::forget`] keeps its reader, and blocks the writer until
/// the last clone is dropped.
///
/// A [`Writer`](crate::Writer) that would wait for a guard of its own thread panics; an
/// [`OpWriter`](crate::OpWriter) with a [spare side](crate::OnStraggler) goes on there. Guards of
/// a [`Reader`] are not noticed: the writer waits forever.
///
/// It works in a `static` (through `LazyLock`) and in destructors of thread locals. A read in a
/// destructor that runs after the thread's readers are gone registers a temporary one.
///
/// # Examples
///
/// ```
/// use dbuf_core::SharedReader;
/// use dbuf_strategies::EpochStrategy;
///
/// let (mut writer, reader) = dbuf_core::arc(1, 1, EpochStrategy::new());
/// let shared: SharedReader<_> = reader.shared();
/// std::thread::scope(|scope| {
///     for _ in 0..3 {
///         scope.spawn(|| while *shared.read() != 2 {});
///     }
///     writer.store(2);
/// });
/// ```
#[doc(alias = "ReadHandleFactory")]
pub struct SharedReader<P: BufferPtr> {
    ptr: P,
    readers: Readers<ReaderTokenOf<P>>,
}

impl<P: BufferPtr> SharedReader<P> {
    /// Makes a handle that reads the buffer behind `ptr`. Allocates the table. The first read on
    /// each thread registers a reader.
    pub fn new(ptr: P) -> Self {
        Self {
            readers: Readers::new(&ptr),
            ptr,
        }
    }

    /// Reads the front, from any thread.
    ///
    /// Costs a thread-local lookup more than [`Reader::read`]. The first read of a thread
    /// registers a reader and allocates.
    #[doc(alias = "load")]
    #[doc(alias = "pin")]
    // Always: it is a few loads and stores, but its unwind path makes it seem long to the
    // compiler.
    #[inline(always)]
    pub fn read(&self) -> SharedReadGuard<'_, P> {
        // First, because the pointer's deref is user code.
        let buffer = self.buffer();
        // SAFETY: always the one buffer (P1, P2), which the handle keeps in place (P3).
        unsafe { self.readers.read(buffer) }
    }

    /// Reads the front with a closure. See [`read`](Self::read).
    ///
    /// # Panics
    ///
    /// If `f` panics. The guard is released then.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&P::Value, &P::Extras) -> R) -> R {
        let guard = self.read();
        f(&guard, SharedReadGuard::extras(&guard))
    }

    /// Makes a [`Reader`] of the same buffer: for a loop that reads all the time, without the
    /// lookup.
    pub fn reader(&self) -> Reader<P> {
        Reader::new(self.ptr.clone())
    }

    /// Returns the extras.
    #[inline]
    pub fn extras(&self) -> &P::Extras {
        self.buffer().extras()
    }

    /// Returns whether no writer is claimed at this moment. See [`Reader::is_closed`].
    pub fn is_closed(&self) -> bool {
        !self.buffer().strategy().is_writer_claimed()
    }

    #[inline]
    fn buffer(&self) -> &BufferOf<P> {
        &self.ptr
    }

    /// Returns whether this thread holds a guard of this handle or of a clone, forgotten ones
    /// included. Then it must not wait for the writer, which may wait for that guard.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::EpochStrategy;
    ///
    /// let (_writer, reader) = dbuf_core::arc(1, 1, EpochStrategy::new());
    /// let shared = reader.shared();
    /// let guard = shared.read();
    /// assert!(shared.has_guard());
    /// drop(guard);
    /// assert!(!shared.has_guard());
    /// ```
    #[inline]
    pub fn has_guard(&self) -> bool {
        self.readers.has_guard()
    }

    /// Returns whether this thread has a guard on the back, from this handle or a clone: then a
    /// writer on this thread would wait for itself, and panics. The answer is exact for the holder
    /// of the claim only.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::EpochStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 1, EpochStrategy::new());
    /// let shared = reader.shared();
    /// let guard = shared.read();
    /// assert!(!shared.has_guard_on_back());
    /// writer.store(2);
    /// assert!(shared.has_guard_on_back()); // `writer.store(3)` would panic
    /// drop(guard);
    /// assert!(!shared.has_guard_on_back());
    /// ```
    pub fn has_guard_on_back(&self) -> bool {
        let strategy = self.ptr.strategy();
        // SAFETY: the tokens are of this buffer's strategy.
        unsafe { self.readers.holds(strategy, strategy.back()) }
    }

    /// Returns the threads that hold a side other than the front, by guards of this handle or of a
    /// clone: those that the writer waits for, or has gone on without. For diagnosis. Locks the
    /// table, which a thread's first read and its end lock too.
    ///
    /// Epoch and Flash know the threads; Count and Lock count guards, and return none. A thread
    /// that ended before its guards is returned too.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::EpochStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 1, EpochStrategy::new());
    /// let shared = reader.shared();
    /// let _guard = shared.read();
    /// assert!(shared.straggling_threads().is_empty());
    /// writer.store(2);
    /// let threads = shared.straggling_threads();
    /// assert_eq!(threads[0].id(), std::thread::current().id());
    /// ```
    pub fn straggling_threads(&self) -> Vec<Thread> {
        let strategy = self.ptr.strategy();
        let sides = [strategy.back(), strategy.spare()];
        self.readers.table.threads(|token| {
            // SAFETY: the tokens are of this buffer's strategy (C1), and a token is alive while
            // the table is locked.
            sides
                .iter()
                .any(|&side| unsafe { strategy.holds_elsewhere(token, side) })
        })
    }
}

/// Returns whether this thread has a guard on the back of a buffer, from any shared handle,
/// forgotten ones included. For the holder of the claim.
#[cold]
#[inline(never)]
pub(crate) fn is_on_back<V, S: Strategy, X>(buffer: &DoubleBuffer<V, S, X>) -> bool {
    let strategy = buffer.strategy();
    buffer.known_id().is_some_and(|id| {
        thread::any_of_buffer(id, |slot| {
            // SAFETY: this thread's, and valid during the call. `Readers::new` made its table for
            // this very buffer, whose id no other one has, so its tokens are this strategy's.
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
    table: Arc<Table<T>>,
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
    // Always, see `enter`.
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
    // Always: it is a few loads and stores, but its unwind path makes it seem long to the
    // compiler.
    #[inline(always)]
    unsafe fn enter<S>(&self, strategy: &S) -> (S::GuardToken, NonNull<Slot<T>>)
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

// See `Reader`.
impl<P: BufferPtr<Value: RefUnwindSafe, Extras: RefUnwindSafe>> UnwindSafe for SharedReader<P> {}
impl<P: BufferPtr<Value: RefUnwindSafe, Extras: RefUnwindSafe>> RefUnwindSafe for SharedReader<P> {}

impl<P: BufferPtr> Clone for SharedReader<P> {
    fn clone(&self) -> Self {
        Self {
            ptr: self.ptr.clone(),
            readers: self.readers.clone(),
        }
    }
}

impl<P: BufferPtr> fmt::Debug for SharedReader<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedReader").finish_non_exhaustive()
    }
}

/// A side held by a reader of a [`SharedReader`].
pub(crate) struct SharedLease<'s, P: BufferPtr> {
    guard: ManuallyDrop<GuardTokenOf<P>>,
    /// The slot with the token that acquired the guard. The guard keeps it (T3).
    slot: NonNull<Slot<ReaderTokenOf<P>>>,
    /// Borrowed from the handle. Not a reference, which would require `P: 's` wherever a guard is
    /// named.
    buffer: NonNull<BufferOf<P>>,
    handle: PhantomData<&'s P>,
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
    unsafe fn end(
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
