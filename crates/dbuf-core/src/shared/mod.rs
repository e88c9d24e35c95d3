//! Reads from any thread through one shared handle.
//!
//! # Idea
//!
//! A handle and its clones share a table with a *slot* for each thread that reads: a
//! reader token of the strategy, and how many guards are on it. A thread finds its slot
//! by the id of the table, in a cache of its own. So a read shares nothing with other
//! threads that the strategy does not share.
//!
//! Nested guards are on the one token, as those of a [`Reader`] are. A second token would
//! spare them from each other's sides, but Flash turns one reader after the other: a
//! thread with two would see an old value after a new one.
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
//! So an idle thread keeps neither a buffer nor a reader once the handles are gone, and
//! a thread that ended leaves no reader behind. What a thread still has of a table that
//! is gone is an id that nobody asks for and a weak pointer, until it reads elsewhere.
//!
//! A guard may outlive its thread's slots: it may stand in a thread local. Then the slot
//! waits for it. Reads that come still later, in other destructors of thread locals,
//! make a slot for as long as they have a guard. (If such a guard is forgotten, what the
//! thread knew of its slot is never freed.)

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
/// It keeps a reader of the strategy for each thread that reads, so that nobody has to
/// carry [`Reader`]s around. Clones share them. They go with their thread, and all of
/// them with the last clone.
///
/// A guard that is passed to [`core::mem::forget`] keeps its reader, and holds the
/// writer up until the last clone is dropped.
///
/// A [`Writer`](crate::Writer) that would wait for a guard of its own thread panics; an
/// [`OpWriter`](crate::OpWriter) with a [spare side](crate::OnStraggler) takes that. Guards
/// of a [`Reader`] are not noticed: there the writer waits forever.
///
/// It works in a `static` (through `LazyLock`) and in destructors of thread locals. A
/// read in a destructor that runs after the thread's readers are gone registers one for
/// as long as it lasts.
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
    /// Reads the buffer behind `ptr`. The first read on each thread registers a
    /// reader. Allocates the table.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::LazyLock;
    ///
    /// use dbuf_core::{DoubleBuffer, SharedReader, Writer};
    /// use dbuf_strategies::EpochStrategy;
    ///
    /// type Limit = DoubleBuffer<u32, EpochStrategy>;
    /// static LIMIT: Limit = DoubleBuffer::new(10, 10, EpochStrategy::new());
    /// static READS: LazyLock<SharedReader<&Limit>> = LazyLock::new(|| SharedReader::new(&LIMIT));
    ///
    /// Writer::claim(&LIMIT).unwrap().store(20);
    /// assert_eq!(*READS.read(), 20);
    /// ```
    pub fn new(ptr: P) -> Self {
        Self {
            readers: Readers::new(&ptr),
            ptr,
        }
    }

    /// Looks at the front, from any thread.
    ///
    /// Costs a thread-local lookup more than [`Reader::read`]. The first read of a thread
    /// registers a reader and allocates.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::EpochStrategy;
    ///
    /// let (mut writer, reader) = dbuf_core::arc(1, 1, EpochStrategy::new());
    /// let shared = reader.shared();
    /// let before = shared.read();
    /// writer.store(2);
    /// assert_eq!((*before, *shared.read()), (1, 2));
    /// ```
    #[doc(alias = "load")]
    #[doc(alias = "pin")]
    // Always: it is a few loads and stores, and the way out of an unwind makes it look long.
    #[inline(always)]
    pub fn read(&self) -> SharedReadGuard<'_, P> {
        // The pointer's deref is user code, so it comes first.
        let buffer = self.buffer();
        // SAFETY: always the one buffer (P1, P2), which the handle keeps in place (P3).
        unsafe { self.readers.read(buffer) }
    }

    /// Reads the front with a closure. Costs what [`read`](Self::read) does.
    ///
    /// # Panics
    ///
    /// With `f`. The front is released then.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::EpochStrategy;
    ///
    /// let (_writer, reader) = dbuf_core::arc(1, 1, EpochStrategy::new());
    /// assert_eq!(reader.shared().with(|n, _| n + 1), 2);
    /// ```
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&P::Value, &P::Extras) -> R) -> R {
        let guard = self.read();
        f(&guard, SharedReadGuard::extras(&guard))
    }

    /// A reader of one's own for the same buffer: for a loop that reads all the time,
    /// without the look-up.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::EpochStrategy;
    ///
    /// let (_writer, reader) = dbuf_core::arc(1, 1, EpochStrategy::new());
    /// let shared = reader.shared();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         let reader = shared.reader();
    ///         assert!((0..100).all(|_| *reader.read() == 1));
    ///     });
    /// });
    /// ```
    pub fn reader(&self) -> Reader<P> {
        Reader::new(self.ptr.clone())
    }

    /// The extras.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::{DoubleBuffer, SharedReader};
    /// use dbuf_strategies::EpochStrategy;
    ///
    /// let buffer = DoubleBuffer::with_extras(1, 1, EpochStrategy::new(), "shared");
    /// assert_eq!(*SharedReader::new(&buffer).extras(), "shared");
    /// ```
    #[inline]
    pub fn extras(&self) -> &P::Extras {
        self.buffer().extras()
    }

    /// Whether nobody is there to publish: no writer is claimed at this moment. A later
    /// claim opens it again.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (writer, reader) = dbuf_core::arc(1, 1, LockStrategy::new());
    /// let shared = reader.shared();
    /// assert!(!shared.is_closed());
    /// drop(writer);
    /// assert!(shared.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        !self.buffer().strategy().is_writer_claimed()
    }

    #[inline]
    fn buffer(&self) -> &BufferOf<P> {
        &self.ptr
    }

    /// Whether this thread holds a guard of this handle or of a clone, one that was
    /// forgotten included. Then it must not wait for the writer, which may wait for
    /// that guard.
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

    /// Whether this thread has a guard on the back, from this handle or a clone of it: then a
    /// writer on this thread would wait for itself, and panics. For the holder of the claim; anybody else
    /// gets an answer that may be out of date.
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

    /// The threads that keep a side that is not the front, by guards of this handle or of a
    /// clone of it: those that the writer waits for, or has gone on without. For diagnosis.
    /// Takes the lock of the table, which a thread's first read and its end take, too.
    ///
    /// Epoch and Flash know them; Count and Lock count guards, and name nobody. A thread that
    /// ended before its guards is named, too.
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
            // SAFETY: the tokens are of this buffer's strategy (C1), and this one is alive
            // while the table is locked.
            sides
                .iter()
                .any(|&side| unsafe { strategy.holds_elsewhere(token, side) })
        })
    }
}

/// Whether this thread has a guard on the back of a buffer, from any shared handle, one that
/// was forgotten included. For the claim's holder.
#[cold]
#[inline(never)]
pub(crate) fn is_on_back<V, S: Strategy, X>(buffer: &DoubleBuffer<V, S, X>) -> bool {
    let strategy = buffer.strategy();
    buffer.known_id().is_some_and(|id| {
        thread::any_of_buffer(id, |slot| {
            // SAFETY: this thread's, and there during the call. `Readers::new` has made its
            // table for this very buffer, whose id no other one has, so the tokens in it are
            // this strategy's.
            let slot = unsafe { slot.cast::<Slot<S::ReaderToken>>().as_ref() };
            // SAFETY: made by this strategy, which may have moved with its buffer since (C1,
            // S11), and this thread's (C4, T1).
            slot.is_held() && unsafe { strategy.holds(&slot.token, strategy.back()) }
        })
    })
}

/// What the threads read with that share one buffer: a table, and its id beside it, so that
/// a read does not have to load it from there.
pub(crate) struct Readers<T> {
    id: u64,
    table: Arc<Table<T>>,
}

impl<T: 'static> Readers<T> {
    /// The readers of one buffer.
    pub(crate) fn new<V, S, X>(buffer: &DoubleBuffer<V, S, X>) -> Self
    where
        S: Strategy<ReaderToken = T>,
    {
        let (id, table) = Table::new(buffer.id());
        Self { id, table }
    }

    /// Whether this thread has a guard, one that was forgotten included.
    #[inline]
    pub(crate) fn has_guard(&self) -> bool {
        // SAFETY: the table with this id is `self.table`.
        unsafe { Table::<T>::held(self.id) }.is_some()
    }

    /// Whether this thread has a guard on `side`, one that was forgotten included.
    ///
    /// # Safety
    ///
    /// As for [`read`](Self::read).
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

    /// Looks at the front, with this thread's token. The first read of a thread makes it.
    ///
    /// # Safety
    ///
    /// Every call is given the same buffer, or one to which it was moved.
    // Always, as `enter`.
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
    /// As for [`read`](Self::read). The strategy stays in place while the guard lives.
    // Always: it is a few loads and stores, and the way out of an unwind makes it look long.
    #[inline(always)]
    unsafe fn enter<S>(&self, strategy: &S) -> (S::GuardToken, NonNull<Slot<T>>)
    where
        S: Strategy<ReaderToken = T>,
    {
        // SAFETY: the table with this id is `self.table`.
        let slot = unsafe { Table::enter(self.id) }
            .unwrap_or_else(|| self.table.enter_new(|| strategy.new_reader()));
        // SAFETY: the guard is counted on it, so it is there until that is gone (T3).
        let token = unsafe { &slot.as_ref().token };
        let counted = Counted(slot);
        // SAFETY: made by this strategy (C1, promised by the caller), for this thread (C4,
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

/// Counts a guard out again, if it is dropped: a waker panicked in the acquire (Count's may
/// take a count back, which is a leave).
struct Counted<T: 'static>(NonNull<Slot<T>>);

impl<T> Drop for Counted<T> {
    #[cold]
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: it is counted on it (T3).
        if !unsafe { self.0.as_ref() }.leave() {
            // SAFETY: as above.
            unsafe { slot::left(self.0) };
        }
    }
}

// As for `Reader`.
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

/// A side held by a reader of a [`SharedReader`], which goes back to it.
pub(crate) struct SharedLease<'s, P: BufferPtr> {
    guard: ManuallyDrop<GuardTokenOf<P>>,
    /// What the guard was acquired with. The guard keeps it ([`slot`], T3).
    slot: NonNull<Slot<ReaderTokenOf<P>>>,
    /// Borrowed from the handle. Not a reference, which would ask its value to outlive `'s`
    /// of everyone who names a guard.
    buffer: NonNull<BufferOf<P>>,
    handle: PhantomData<&'s P>,
}

// SAFETY: with `&` to a lease one gets at the buffer, the extras and the side of the guard
// token. What uses the slot takes the guard by `&mut` or by value, and a guard is not `Send`
// (C4, T1).
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
        // SAFETY: as in `Readers::enter`. It is counted as the one that it replaces.
        let guard = unsafe { strategy.acquire(token) };
        ManuallyDrop::into_inner(mem::replace(&mut self.guard, ManuallyDrop::new(guard)))
    }

    unsafe fn release_old(&self, old: GuardTokenOf<P>) {
        // SAFETY: acquired with this token, and taken out of the lease; the new guard
        // keeps the token (T3).
        unsafe { Self::release(self.buffer().strategy(), self.slot, old) };
    }
}

impl<'s, P: BufferPtr> SharedLease<'s, P> {
    #[inline]
    fn buffer(&self) -> &'s BufferOf<P> {
        // SAFETY: borrowed for `'s` in `Readers::read`.
        unsafe { self.buffer.as_ref() }
    }

    /// Releases a guard, and counts it out.
    ///
    /// # Safety
    ///
    /// The parts of a lease that is not used again.
    #[inline(always)]
    unsafe fn end(
        strategy: &P::Strategy,
        slot: NonNull<Slot<ReaderTokenOf<P>>>,
        guard: GuardTokenOf<P>,
    ) {
        // SAFETY: the guard has kept it (T3).
        if unsafe { slot.as_ref() }.leave() {
            // Counted out already: a waker that runs in there may read and write.
            // SAFETY: promised by the caller.
            unsafe { Self::release(strategy, slot, guard) };
        } else {
            // SAFETY: promised by the caller.
            unsafe { Self::release_late(strategy, slot, guard) };
        }
    }

    /// Releases a guard. Its parts come by value: so it never has to be in memory.
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
        // SAFETY: the guard has kept it (T3), and keeps it until the release is over: a
        // slot that is not late ends with its thread, and a late one after this.
        let token = unsafe { &slot.as_ref().token };
        // SAFETY: acquired with this token (C1, C3) on this thread, since guards are not
        // `Send` (C4); what borrowed from the lease is gone.
        unsafe { strategy.release(token, guard) };
    }

    /// Releases a guard that has outlived its thread's slots.
    ///
    /// # Safety
    ///
    /// As for [`release`](Self::release).
    #[cold]
    #[inline(never)]
    unsafe fn release_late(
        strategy: &P::Strategy,
        slot: NonNull<Slot<ReaderTokenOf<P>>>,
        guard: GuardTokenOf<P>,
    ) {
        /// Counts the guard out, also if a waker panics.
        struct Left<T: 'static>(NonNull<Slot<T>>);

        impl<T> Drop for Left<T> {
            fn drop(&mut self) {
                // SAFETY: it was counted on it.
                unsafe { slot::left(self.0) };
            }
        }

        // The last guard's slot is forgotten first: a waker that runs in the release sees no
        // guard, and reads with a slot of its own.
        // SAFETY: the guard is counted on it.
        unsafe { slot::is_leaving(slot) };
        let left = Left(slot);
        // SAFETY: promised by the caller.
        unsafe { Self::release(strategy, slot, guard) };
        drop(left);
    }
}

impl<P: BufferPtr> Drop for SharedLease<'_, P> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: taken out here and nowhere else, and `self` is not used again.
        let guard = unsafe { ManuallyDrop::take(&mut self.guard) };
        // SAFETY: the parts of this lease.
        unsafe { Self::end(self.buffer().strategy(), self.slot, guard) };
    }
}
