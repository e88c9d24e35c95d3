//! One value that any thread reads and replaces: `ConcurrentCell` (design.md, section 11). Reads
//! are here, writes in `write`, the guard in `guard`.
//!
//! # Idea
//!
//! A double buffer without a log, the writers' lock around its claim, and the table of reader
//! tokens of a [`SharedReader`](crate::SharedReader). None of them points to another: the lock's
//! functions are given the buffer, and a thread finds its token by the table's id. So the cell is
//! one value, made by a `const fn`, and may be moved between uses.
//!
//! # Invariants
//!
//! - **K1** The front holds a value. The sides are options so that `T` need not be `Clone`:
//!   the back is empty, or holds what an earlier write replaced, and so does the spare side.
//! - **K2** The tokens in the lock and in the table are those of this cell's strategy.
//! - **K3** Every use begins with `readers()`, which makes the one claim, and it is never
//!   released. So no other writer exists, and a watched cell is never closed.

mod claim;
mod guard;
#[cfg(feature = "serde")]
mod serialize;
mod task;
mod traits;
mod write;

use core::marker::PhantomData;
use std::sync::OnceLock;

use self::claim::{Claim, Inner};
use crate::buffer::{DoubleBuffer, Version};
use crate::shared::Readers;
use crate::side::Side;
use crate::strategy::Strategy;
use crate::writer_lock::WriterLock;
use crate::{const_fn, if_const};

pub use self::guard::CellGuard;

/// A value that any thread reads and replaces, through `&self`.
///
/// Reads never wait: a [guard](Self::read) shows the value that was published when the guard was
/// taken, for as long as it lives. Writers take turns. Once a write has returned, every read that
/// starts later, on any thread, sees its value.
///
/// It suits values that are read far more often than written: a configuration, a routing table,
/// feature flags. Share it in an `Arc`, or put it in a `static`. For many entries with keys, use a
/// `ConcurrentHashMap`.
///
/// `T` need not be `Clone` to be read and replaced. [`update`](Self::update) changes a clone.
///
/// The default of `S`, and [`new`](Self::new), come from `dbuf-strategies`:
/// `dbuf_strategies::ConcurrentCell<T>`, which `dbuf-hashmap` exports too.
///
/// # Guards and writes
///
/// A guard keeps its value, and neither readers nor writers wait for it, since the buffer has room
/// for three values. Writers wait only while guards are kept on *two* replaced values. Then a
/// thread that keeps one of the two **panics if it writes**, because it would wait for itself. The
/// `try_` methods refuse while this thread holds any guard, and while they would have to wait.
/// [`load`](Self::load) and [`with`](Self::with) return no guard. A task that awaits a write
/// ([`store_async`](Self::store_async)) waits where a thread panics.
///
/// The cell cannot detect these deadlocks: two threads that each hold guards of one cell and write
/// to the other's, and a task that awaits a write while it holds guards of two values.
///
/// # When the old value is dropped
///
/// By the write that replaces it, before that returns, if no reader holds it then. Otherwise by a
/// later write, or by [`catch_up`](Self::catch_up). It is dropped with no lock held, so its
/// destructor may read and write the cell.
///
/// # In a forked child
///
/// In the child of a multi-threaded process, the thread that forked can read cells that it has read
/// before (except with `LockStrategy`, whose reads take a lock). Its first read of a cell, a write,
/// and the drop of a cell or guard from before the fork may wait forever for a lock that another
/// thread held. Avoid them, and end the child with `exec` or `_exit`.
///
/// # Panics
///
/// Every method that writes panics if it would wait for a guard of this thread
/// ([above](Self#guards-and-writes)), or if this thread runs a closure of [`update`](Self::update)
/// or [`rcu`](Self::rcu) on this cell; the `try_` methods do not. It also panics if user code does:
/// closures and `Clone`, which leave the published value as it was, and `Drop`, which runs after
/// the value was replaced. The next write works.
///
/// The first use of a cell panics if its strategy is not fresh.
///
/// # Examples
///
/// ```
/// use dbuf_strategies::ConcurrentCell;
///
/// struct Config {
///     retries: u32,
/// }
///
/// static CONFIG: ConcurrentCell<Config> = ConcurrentCell::new(Config { retries: 3 });
///
/// let before = CONFIG.read(); // shows the same value as long as it lives
/// std::thread::scope(|scope| {
///     scope.spawn(|| CONFIG.store(Config { retries: 5 }));
/// });
/// assert_eq!(before.retries, 3);
/// assert_eq!(CONFIG.read().retries, 5);
/// ```
///
/// Changed in place, by many threads:
///
/// ```
/// use std::sync::Arc;
/// use std::thread;
///
/// use dbuf_strategies::ConcurrentCell;
///
/// let names = Arc::new(ConcurrentCell::new(Vec::new()));
/// let threads = [(); 3].map(|()| {
///     let names = Arc::clone(&names);
///     thread::spawn(move || names.update(|list| list.push("worker")))
/// });
/// for thread in threads {
///     thread.join().unwrap();
/// }
/// assert_eq!(names.load(), ["worker"; 3]);
/// ```
#[doc(alias = "ArcSwap")]
pub struct ConcurrentCell<T, S: Strategy> {
    shared: Inner<T, S>,
    lock: OwnLines<WriterLock<Claim<T, S>>>,
}

/// On cache lines of its own: writers store to it, and readers load what is next to it.
#[cfg_attr(target_pointer_width = "64", repr(align(128)))]
struct OwnLines<T>(T);

/// Names the strategy of [`ConcurrentCell::new`] without being it. `Fresh` is implemented once, so
/// a call of `new` that names no strategy has one.
#[doc(hidden)]
#[derive(Debug)]
pub struct Preset;

/// Makes a fresh strategy in a constant.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`ConcurrentCell::new` makes a cell with the default strategy, and not with `{S}`",
    label = "use `ConcurrentCell::with_strategy`"
)]
pub trait Fresh<S> {
    if_const! {
        /// A fresh strategy.
        const FRESH: S;
    }
}

if_const! {
    impl<T, S: Strategy> ConcurrentCell<T, S> {
        /// Makes a cell with the default strategy. It allocates at its first use.
        ///
        /// # Examples
        ///
        /// ```
        /// use dbuf_strategies::ConcurrentCell;
        ///
        /// static LIMIT: ConcurrentCell<u32> = ConcurrentCell::new(10);
        ///
        /// assert_eq!(LIMIT.load(), 10);
        /// ```
        pub const fn new(value: T) -> Self
        where
            Preset: Fresh<S>,
        {
            Self::with_strategy(value, <Preset as Fresh<S>>::FRESH)
        }
    }
}

impl<T, S: Strategy> ConcurrentCell<T, S> {
    const_fn! {
        /// Makes a cell with this strategy, which must be fresh. It allocates at its first use.
        ///
        /// # Examples
        ///
        /// ```
        /// use dbuf_strategies::{ConcurrentCell, FlashStrategy};
        ///
        /// static LIMIT: ConcurrentCell<u32, FlashStrategy> =
        ///     ConcurrentCell::with_strategy(10, FlashStrategy::new());
        ///
        /// LIMIT.store(20);
        /// assert_eq!(LIMIT.load(), 20);
        /// ```
        pub const fn with_strategy(value: T, strategy: S) -> Self {
            Self {
                shared: Inner {
                    // K1: a fresh strategy's front is A.
                    buffer: DoubleBuffer::new(Some(value), None, strategy),
                    readers: OnceLock::new(),
                },
                lock: OwnLines(WriterLock::new(Claim {
                    token: None,
                    aside: false,
                    value: PhantomData,
                })),
            }
        }
    }

    /// Returns the table of reader tokens. The first use of the cell makes it, and the claim.
    #[inline]
    fn readers(&self) -> &Readers<S::ReaderToken> {
        match self.shared.readers.get() {
            Some(readers) => readers,
            None => self.begin(),
        }
    }

    #[cold]
    #[inline(never)]
    fn begin(&self) -> &Readers<S::ReaderToken> {
        self.shared.readers.get_or_init(|| {
            let token = self.shared.buffer.strategy().try_claim_writer();
            // S9: the front of a fresh strategy is A.
            let is_fresh = token.is_some() && self.shared.buffer.strategy().front() == Side::A;
            assert!(is_fresh, "the strategy of a cell is not fresh");
            // No other thread locks before this is over (K3).
            let locked = self.lock.0.try_lock_any::<crate::writer_lock::OnThread>();
            locked
                .unwrap_or_else(|| unreachable!("used before it began (K3)"))
                .token = token;
            Readers::new(&self.shared.buffer)
        })
    }

    /// Reads the value that is published now.
    ///
    /// The value of the guard does not change while it lives: see [guards and
    /// writes](Self#guards-and-writes).
    ///
    /// Never waits for a writer. Costs what a read of a [`SharedReader`](crate::SharedReader)
    /// costs. The first read of a thread registers a reader and allocates.
    ///
    /// # Examples
    ///
    /// ```
    /// let cell = dbuf_strategies::ConcurrentCell::new(vec![1, 2]);
    /// let guard = cell.read();
    /// assert_eq!(guard.len() + guard[0], 3);
    /// ```
    #[inline]
    pub fn read(&self) -> CellGuard<'_, T, S> {
        // SAFETY: the tokens in this table are of this buffer's strategy only, wherever the cell
        // was moved since (K2).
        CellGuard(unsafe {
            self.readers()
                .read::<&DoubleBuffer<_, _>>(&self.shared.buffer)
        })
    }

    /// Calls `f` with the value, and returns the result. Costs a [`read`](Self::read).
    ///
    /// # Panics
    ///
    /// If `f` panics. The guard is released then.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        f(&self.read())
    }

    /// Returns a clone of the value. Costs a [`read`](Self::read) and the clone.
    ///
    /// # Examples
    ///
    /// ```
    /// let cell = dbuf_strategies::ConcurrentCell::new("a");
    /// assert_eq!(cell.load(), "a");
    /// ```
    #[inline]
    pub fn load(&self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    /// Returns the number of the last write: 0 for the first value. Costs a [`read`](Self::read).
    #[inline]
    pub fn version(&self) -> Version {
        CellGuard::version(&self.read())
    }

    /// Returns the strategy. The cell keeps the claim on it.
    #[inline]
    pub fn strategy(&self) -> &S {
        self.readers();
        self.shared.buffer.strategy()
    }

    /// Takes the value out.
    pub fn into_inner(self) -> T {
        let (front, back) = self.shared.buffer.into_buffers();
        // The back's if the strategy was not fresh, in which case the cell was never used.
        match front.or(back) {
            Some(value) => value,
            None => unreachable!("the front holds a value (K1)"),
        }
    }
}
