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
//! | the table | the handles; a thread that ends, or asks for its own guards, has it for a moment | with the last handle |
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
mod lease;
mod readers;
mod slot;
mod thread;

use alloc::vec::Vec;
use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use std::thread::Thread;

use crate::pointer::{BufferOf, BufferPtr, ReaderTokenOf};
use crate::reader::Reader;
use crate::strategy::Strategy;

pub use self::any::{AnyReadGuard, MappedAnyReadGuard};
pub use self::lease::{MappedSharedReadGuard, SharedReadGuard};
pub(crate) use self::readers::{Readers, is_on_back};

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
/// [`OpWriter`](crate::OpWriter) with a [spare side](crate::OnStraggler) uses that instead. Guards
/// of a [`Reader`] are not noticed: the writer waits forever.
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
    // Always inlined: it is a few loads and stores, but its unwind path makes it seem long to the
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
    /// clone: those that the writer waits for, or no longer waits for. For diagnosis. Locks the
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

impl<P: BufferPtr> Reader<P> {
    /// Makes a handle that reads from any thread.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_strategies::LockStrategy;
    ///
    /// let (_writer, reader) = dbuf_core::arc(1, 1, LockStrategy::new());
    /// let shared = reader.shared();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| assert_eq!(*shared.read(), 1));
    ///     scope.spawn(|| assert_eq!(*shared.read(), 1));
    /// });
    /// ```
    #[doc(alias = "factory")]
    pub fn shared(&self) -> SharedReader<P> {
        SharedReader::new(self.ptr().clone())
    }
}
