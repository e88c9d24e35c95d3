//! One value that any thread reads and replaces: `ConcurrentCell`. Reads are here, writes in
//! `write`, the guard in `guard`. `docs/concurrent.md` has the argument.
//!
//! # Idea
//!
//! A double buffer without a log, the writers' lock around its claim, and the table of reader
//! tokens that a [`SharedReader`](crate::SharedReader) has. None of them points to another:
//! the lock's functions are given the strategy, and a thread finds its token by the table's
//! id. So the cell is one value, made by a `const fn`, and may be moved between uses.
//!
//! # Invariants
//!
//! - **K1** The front holds a value. The sides are options so that `T` need not be `Clone`:
//!   the back is empty, or holds what the last write replaced.
//! - **K2** The tokens in the lock and in the table are those of this cell's strategy.
//! - **K3** Every use begins with `readers()`, which claims the writer's place once. So
//!   nobody else has it, and a watched cell is never closed.

mod guard;
#[cfg(feature = "serde")]
mod serialize;
mod traits;
mod write;

use core::task::{Context, Poll};
use std::sync::OnceLock;

pub use self::guard::CellGuard;
use crate::shared::Readers;
use crate::writer_lock::{Finish, WriterLock};
use crate::{DoubleBuffer, Side, Strategy, Version, const_fn, if_const};

/// A value that any thread reads and replaces, through `&self`.
///
/// Reads never wait: a [guard](Self::read) shows the value that was published when it was
/// taken, for as long as it lives. Writers take turns. Once a write has returned, every read
/// that starts later, on any thread, sees its value.
///
/// It suits values that are read far more often than written: a configuration, a routing
/// table, feature flags. In an `Arc` it is shared between threads; in a `static` it needs
/// nothing. A map has entries of its own in a `ConcurrentHashMap`.
///
/// `T` need not be `Clone` to be read and replaced. What changes the value in place
/// ([`update`](Self::update)) clones it.
///
/// The default of `S`, and [`new`](Self::new), come from `dbuf-strategies`:
/// `dbuf_strategies::ConcurrentCell<T>`, which `dbuf-hashmap` exports too.
///
/// # Guards and writes
///
/// A guard never keeps another thread from reading, and never from making *one* write. The
/// next one waits until the guard is gone. So hold it briefly, or
/// [refresh](CellGuard::refresh) it. **A thread that holds a guard of a cell and writes to
/// that cell could wait for itself: every such write panics**, whether it would have to wait
/// or not, before it changes anything. The `try_` forms refuse instead.
/// [`load`](Self::load) and [`with`](Self::with) leave no guard behind, and a task that
/// awaits a write ([`store_async`](Self::store_async)) waits where a thread panics.
///
/// What cannot be noticed, and waits forever: two threads that each hold a guard of one cell
/// and write to the other's; a task that awaits a write while it holds a guard.
///
/// # When the old value is dropped
///
/// By the write that replaces it, before that returns, if no reader holds it then. Otherwise
/// by the next write, or by [`catch_up`](Self::catch_up). It is dropped with no lock held, so
/// its destructor may read and write the cell.
///
/// # Panics
///
/// Every method that writes, except the `try_` forms: if this thread holds a guard of this
/// cell, or runs a closure of [`update`](Self::update) or [`rcu`](Self::rcu) on it. And with
/// the user's own code: closures and `Clone`, where the published value stays as it was, and
/// `Drop`, where it is replaced already. The next write works.
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
    buffer: DoubleBuffer<Option<T>, S>,
    readers: OnceLock<Readers<S::ReaderToken>>,
    lock: OwnLines<WriterLock<Claim<S>>>,
}

/// On cache lines of its own: writers store to it, and readers load what is beside it.
#[cfg_attr(target_pointer_width = "64", repr(align(128)))]
struct OwnLines<T>(T);

/// What the lock guards: the claim, once it is made.
struct Claim<S: Strategy>(Option<S::WriterToken>);

/// Given the cell's own strategy (K2).
impl<S: Strategy> Finish for Claim<S> {
    type Shared = S;

    #[inline]
    fn try_finish(&mut self, strategy: &S) -> bool {
        let Some(token) = &mut self.0 else {
            return true;
        };
        // SAFETY: C1, by K2.
        let finished = unsafe { strategy.is_finished(token) };
        // SAFETY: C1, by K2.
        finished || unsafe { strategy.try_finish(token) }
    }

    fn poll_finish(&mut self, strategy: &S, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            // SAFETY: C1, by K2.
            Some(token) => unsafe { strategy.poll_finish(token, cx) },
            None => Poll::Ready(()),
        }
    }
}

/// Names the strategy of [`ConcurrentCell::new`] without being it, so that a call of `new`
/// that names no strategy has one: `Fresh` is implemented once.
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
        /// A cell with the default strategy. It allocates with its first use.
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
        /// A cell with this strategy, which must be fresh. It allocates with its first use.
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
                // K1: a fresh strategy's front is A.
                buffer: DoubleBuffer::new(Some(value), None, strategy),
                readers: OnceLock::new(),
                lock: OwnLines(WriterLock::new(Claim(None))),
            }
        }
    }

    /// What threads read with. The first use of the cell makes it.
    #[inline]
    fn readers(&self) -> &Readers<S::ReaderToken> {
        match self.readers.get() {
            Some(readers) => readers,
            None => self.begin(),
        }
    }

    #[cold]
    #[inline(never)]
    fn begin(&self) -> &Readers<S::ReaderToken> {
        self.readers.get_or_init(|| {
            let token = self.buffer.strategy().try_claim_writer();
            // S9: the front of a fresh strategy is A.
            let is_fresh = token.is_some() && self.buffer.strategy().front() == Side::A;
            assert!(is_fresh, "the strategy of a cell is not fresh");
            // Nobody else locks before this is over (K3).
            let locked = self.lock.0.try_lock_any::<crate::writer_lock::OnThread>();
            locked
                .unwrap_or_else(|| unreachable!("used before it began (K3)"))
                .0 = token;
            Readers::new()
        })
    }

    /// Looks at the value as it is published now.
    ///
    /// What the guard shows does not change while it lives. Hold it briefly: writers wait for
    /// it, and [this thread must not write](Self#guards-and-writes) meanwhile.
    ///
    /// Never waits for a writer. Costs what a read of a
    /// [`SharedReader`](crate::SharedReader) does. The first read of a thread registers a
    /// reader and allocates.
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
        // SAFETY: the tokens in this table are of this buffer's strategy only, wherever the
        // cell was moved since (K2).
        CellGuard(unsafe { self.readers().read::<&DoubleBuffer<_, _>>(&self.buffer) })
    }

    /// Calls `f` with the value, and returns what it returns. Costs a [`read`](Self::read).
    ///
    /// A guard lives while `f` runs, so `f` must not write to this cell.
    ///
    /// # Panics
    ///
    /// With `f`. Its look at the cell ends then.
    ///
    /// # Examples
    ///
    /// ```
    /// let cell = dbuf_strategies::ConcurrentCell::new(vec![1, 2]);
    /// assert_eq!(cell.with(|list| list.len()), 2);
    /// ```
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        f(&self.read())
    }

    /// A clone of the value. Costs a [`read`](Self::read) and the clone, which writers wait
    /// for.
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

    /// The number of the last write: 0 for the value that the cell was made with. Costs a
    /// [`read`](Self::read).
    ///
    /// # Examples
    ///
    /// ```
    /// let cell = dbuf_strategies::ConcurrentCell::new("a");
    /// cell.store("b");
    /// assert_eq!(cell.version(), 1);
    /// ```
    #[inline]
    pub fn version(&self) -> Version {
        CellGuard::version(&self.read())
    }

    /// The strategy, whose writer's place the cell has.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_core::Strategy;
    ///
    /// let cell = dbuf_strategies::ConcurrentCell::new("a");
    /// assert!(cell.strategy().is_writer_claimed());
    /// ```
    #[inline]
    pub fn strategy(&self) -> &S {
        self.readers();
        self.buffer.strategy()
    }

    /// Takes the value out.
    ///
    /// # Examples
    ///
    /// ```
    /// let cell = dbuf_strategies::ConcurrentCell::new("a");
    /// cell.store("b");
    /// assert_eq!(cell.into_inner(), "b");
    /// ```
    pub fn into_inner(self) -> T {
        let (front, back) = self.buffer.into_buffers();
        // The back's where the strategy was not fresh, and the cell therefore never used.
        match front.or(back) {
            Some(value) => value,
            None => unreachable!("the front holds a value (K1)"),
        }
    }
}
