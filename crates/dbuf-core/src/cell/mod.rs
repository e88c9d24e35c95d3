//! One value that any thread reads and replaces: `ConcurrentCell`. Reads are here, writes in
//! `write`, the guard in `guard`. `docs/design.md`, 11, has the argument.
//!
//! # Idea
//!
//! A double buffer without a log, the writers' lock around its claim, and the table of reader
//! tokens that a [`SharedReader`](crate::SharedReader) has. None of them points to another:
//! the lock's functions are given the buffer, and a thread finds its token by the table's
//! id. So the cell is one value, made by a `const fn`, and may be moved between uses.
//!
//! # Invariants
//!
//! - **K1** The front holds a value. The sides are options so that `T` need not be `Clone`:
//!   the back is empty, or holds what an earlier write replaced, and so does the spare side.
//! - **K2** The tokens in the lock and in the table are those of this cell's strategy.
//! - **K3** Every use begins with `readers()`, which claims the writer's place once. So
//!   nobody else has it, and a watched cell is never closed.

mod guard;
#[cfg(feature = "serde")]
mod serialize;
mod traits;
mod write;

use core::marker::PhantomData;
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::OnceLock;

use crate::buffer::{DoubleBuffer, Version};
use crate::shared::Readers;
use crate::side::Side;
use crate::strategy::Strategy;
use crate::writer::Lent;
use crate::writer_lock::{Finish, GoOn, WriterLock};
use crate::{const_fn, if_const};

pub use self::guard::CellGuard;

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
/// A guard keeps its value, and neither readers nor writers wait for it: a write goes on with
/// another side of the buffer. There are three, so writers wait only while guards are kept on
/// *two* values that were replaced. Then a thread that keeps one of the two **panics if it
/// writes**, since it would wait for itself. The `try_` forms refuse while this thread holds
/// any guard, and while they would have to wait for one.
/// [`load`](Self::load) and [`with`](Self::with) leave no guard behind, and a task that
/// awaits a write ([`store_async`](Self::store_async)) waits where a thread panics.
///
/// What cannot be noticed, and waits forever: threads that each hold guards of one cell and
/// write to the other's; a task that awaits a write while it holds guards of two values.
///
/// # When the old value is dropped
///
/// By the write that replaces it, before that returns, if no reader holds it then. Otherwise
/// by a later write, or by [`catch_up`](Self::catch_up). It is dropped with no lock held, so
/// its destructor may read and write the cell.
///
/// # In a forked child
///
/// In the child of a process with threads, the thread that forked reads on where it had read
/// before (not with `LockStrategy`, whose reads take a lock). A first read, a write, and the drop
/// of the cell or of a guard from before the fork may wait forever for a lock that another thread
/// held: leave them out, and end the child by `exec` or `_exit`.
///
/// # Panics
///
/// Every method that writes, except the `try_` forms: if it would wait for a guard of this
/// thread ([above](Self#guards-and-writes)), or if this thread runs a closure of [`update`](Self::update) or [`rcu`](Self::rcu) on it. And with
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
    shared: Inner<T, S>,
    lock: OwnLines<WriterLock<Claim<T, S>>>,
}

/// On cache lines of its own: writers store to it, and readers load what is beside it.
#[cfg_attr(target_pointer_width = "64", repr(align(128)))]
struct OwnLines<T>(T);

/// What readers and the lock's holder share.
struct Inner<T, S: Strategy> {
    buffer: DoubleBuffer<Option<T>, S>,
    readers: OnceLock<Readers<S::ReaderToken>>,
}

impl<T, S: Strategy> Inner<T, S> {
    /// Whether this thread has a guard on the back. For the lock's holder.
    fn waits_for_itself(&self) -> bool {
        let strategy = self.buffer.strategy();
        let readers = self.readers.get();
        // SAFETY: the tokens are this strategy's (K2).
        readers.is_some_and(|readers| unsafe { readers.holds(strategy, strategy.back()) })
    }
}

/// What the lock guards.
struct Claim<T, S: Strategy> {
    /// None until the first use.
    token: Option<S::WriterToken>,
    /// The spare side holds a value, for the guards on it.
    aside: bool,
    value: PhantomData<fn() -> T>,
}

/// Given what is shared in the same cell (K2).
impl<T, S: Strategy> Finish for Claim<T, S> {
    type Shared = Inner<T, S>;
    #[inline]
    fn try_finish(&mut self, shared: &Inner<T, S>) -> bool {
        let Some(token) = &mut self.token else {
            return true;
        };
        let strategy = shared.buffer.strategy();
        // SAFETY: C1, by K2.
        let finished = unsafe { strategy.is_finished(token) };
        // SAFETY: C1, by K2.
        finished || unsafe { strategy.try_finish(token) }
    }

    fn poll_finish(&mut self, shared: &Inner<T, S>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.token {
            // SAFETY: C1, by K2.
            Some(token) => unsafe { shared.buffer.strategy().poll_finish(token, cx) },
            None => Poll::Ready(()),
        }
    }

    /// At once: a write makes a new value, so the side needs none.
    fn go_on(&mut self, shared: &Inner<T, S>, _waited: Duration, on_thread: bool) -> GoOn {
        let set_aside = |spare: &mut Option<Option<T>>| {
            spare.get_or_insert(None);
        };
        if self.writer(&shared.buffer).set_aside(set_aside) {
            self.aside = true;
            GoOn::SetAside(0)
        } else if self.try_finish(shared) {
            GoOn::Finished
        } else if on_thread && shared.waits_for_itself() {
            write::own_guard()
        } else {
            GoOn::Wait(None)
        }
    }
}

impl<T, S: Strategy> Claim<T, S> {
    /// The writer of the cell's buffer.
    #[inline]
    fn writer<'l>(
        &'l mut self,
        buffer: &'l DoubleBuffer<Option<T>, S>,
    ) -> Lent<'l, &'l DoubleBuffer<Option<T>, S>> {
        // SAFETY: the token is this buffer's (K2).
        match unsafe { Lent::new(buffer, &mut self.token) } {
            Some(writer) => writer,
            None => unreachable!("locked before it began (K3)"),
        }
    }

    /// Takes what the spare side holds, if no guard is on it any more.
    #[cold]
    #[inline(never)]
    fn take_aside(&mut self, buffer: &DoubleBuffer<Option<T>, S>) -> Option<T> {
        let mut writer = self.writer(buffer);
        let free = writer.try_free_spare();
        let kept = writer.take_spare().flatten();
        drop(writer);
        self.aside = !free;
        kept
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

    /// What threads read with. The first use of the cell makes it.
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
            // Nobody else locks before this is over (K3).
            let locked = self.lock.0.try_lock_any::<crate::writer_lock::OnThread>();
            locked
                .unwrap_or_else(|| unreachable!("used before it began (K3)"))
                .token = token;
            Readers::new(&self.shared.buffer)
        })
    }

    /// Looks at the value as it is published now.
    ///
    /// What the guard shows does not change while it lives, and stays in memory. See [guards
    /// and writes](Self#guards-and-writes).
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
        CellGuard(unsafe {
            self.readers()
                .read::<&DoubleBuffer<_, _>>(&self.shared.buffer)
        })
    }

    /// Calls `f` with the value, and returns what it returns. Costs a [`read`](Self::read).
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

    /// A clone of the value. Costs a [`read`](Self::read) and the clone.
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
        self.shared.buffer.strategy()
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
        let (front, back) = self.shared.buffer.into_buffers();
        // The back's where the strategy was not fresh, and the cell therefore never used.
        match front.or(back) {
            Some(value) => value,
            None => unreachable!("the front holds a value (K1)"),
        }
    }
}
