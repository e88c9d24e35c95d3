//! The primitives of the workspace: the real ones, or those of the model checkers loom (`--cfg
//! dbuf_loom`), which tracks every atomic and cell, and shuttle (`--cfg dbuf_shuttle`), which
//! tracks sleeps and wakes. Not part of the public API.

/// Atomics, or loom's models of them.
pub mod atomic {
    #[cfg(all(not(dbuf_loom), target_has_atomic = "64"))]
    pub use core::sync::atomic::AtomicU64;
    #[cfg(not(dbuf_loom))]
    pub use core::sync::atomic::{AtomicBool, AtomicUsize, fence};
    #[cfg(dbuf_loom)]
    pub use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, fence};

    pub use core::sync::atomic::Ordering;
}

/// A cell whose accesses the model checker tracks.
pub mod cell {
    #[cfg(dbuf_loom)]
    pub use loom::cell::UnsafeCell;

    /// `core`'s cell with the access functions of loom's.
    #[cfg(not(dbuf_loom))]
    #[derive(Debug)]
    pub struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

    #[cfg(not(dbuf_loom))]
    impl<T> UnsafeCell<T> {
        /// Wraps a value.
        pub const fn new(value: T) -> Self {
            Self(core::cell::UnsafeCell::new(value))
        }

        /// Calls `f` with a pointer to the value, for reading.
        #[inline]
        pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        /// Calls `f` with a pointer to the value, for writing.
        #[inline]
        pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}

/// Thread locals, or those of a model's threads.
#[cfg(all(feature = "std", dbuf_loom))]
macro_rules! loom_thread_local {
    // loom's macro takes no inline const.
    ($(static $name:ident: $Type:ty = const $init:block;)*) => {
        loom::thread_local! { $(static $name: $Type = $init;)* }
    };
}
#[cfg(all(feature = "std", dbuf_loom))]
pub(crate) use loom_thread_local as thread_local;
#[cfg(all(feature = "std", dbuf_shuttle))]
pub use shuttle::thread_local;
#[cfg(all(feature = "std", not(any(dbuf_loom, dbuf_shuttle))))]
pub use std::thread_local;

/// One thread's sleep, or a model of it.
#[cfg(feature = "std")]
pub use sleep::Sleeper;

/// The standard library's mutex, or loom's, for data that no user code accesses while it is
/// locked. So no panic can leave the data half changed, and poison is ignored.
///
/// Shuttle uses the standard library's too: no step of the model happens while it is locked.
#[cfg(feature = "std")]
pub mod mutex {
    #[cfg(dbuf_loom)]
    use loom::sync;
    #[cfg(not(dbuf_loom))]
    use std::sync;

    use crate::const_fn;

    /// A mutex without poison.
    #[derive(Debug)]
    pub struct Mutex<T>(sync::Mutex<T>);

    /// The guard that [`Mutex::lock`] returns.
    pub type MutexGuard<'m, T> = sync::MutexGuard<'m, T>;

    impl<T> Mutex<T> {
        const_fn! {
            /// Wraps a value.
            pub const fn new(value: T) -> Self {
                Self(sync::Mutex::new(value))
            }
        }

        /// Waits for the lock.
        #[inline]
        pub fn lock(&self) -> MutexGuard<'_, T> {
            match self.0.lock() {
                Ok(guard) => guard,
                Err(poisoned) => poisoned.into_inner(),
            }
        }
    }
}

#[cfg(all(feature = "std", not(dbuf_shuttle)))]
mod sleep {
    use alloc::sync::Arc;
    use alloc::task::Wake;
    use core::mem;
    use core::time::Duration;
    #[cfg(dbuf_loom)]
    use loom::sync::Condvar;
    #[cfg(not(dbuf_loom))]
    use std::sync::Condvar;

    use super::mutex::Mutex;

    /// Puts a thread to sleep until it is woken. A wake that comes first is remembered.
    ///
    /// Uses a condition variable and not `thread::park`, because the park token belongs to the
    /// program, which may use it for another purpose.
    #[derive(Debug)]
    pub struct Sleeper {
        woken: Mutex<bool>,
        changed: Condvar,
    }

    impl Sleeper {
        /// Makes a sleeper for one thread.
        #[expect(clippy::new_without_default, reason = "it belongs to one thread")]
        pub fn new() -> Self {
            Self {
                woken: Mutex::new(false),
                changed: Condvar::new(),
            }
        }

        /// Ends this sleep, or the next.
        pub fn wake(&self) {
            *self.woken.lock() = true;
            self.changed.notify_one();
        }

        /// Clears a wake that came too late for an earlier sleep.
        #[cfg(not(dbuf_loom))]
        pub(super) fn clear(&self) {
            *self.woken.lock() = false;
        }

        /// Sleeps until woken, or for about `timeout` (the model has no time). Returns whether it
        /// was woken.
        pub fn sleep(&self, timeout: Option<Duration>) -> bool {
            let mut woken = self.woken.lock();
            match timeout {
                #[cfg(not(dbuf_loom))]
                Some(timeout) => {
                    if !*woken {
                        woken = match self.changed.wait_timeout(woken, timeout) {
                            Ok((woken, _)) => woken,
                            Err(poisoned) => poisoned.into_inner().0,
                        };
                    }
                }
                _ => {
                    while !*woken {
                        woken = match self.changed.wait(woken) {
                            Ok(woken) => woken,
                            Err(poisoned) => poisoned.into_inner(),
                        };
                    }
                }
            }
            mem::take(&mut *woken)
        }
    }

    impl Wake for Sleeper {
        fn wake(self: Arc<Self>) {
            Self::wake(&self);
        }

        fn wake_by_ref(self: &Arc<Self>) {
            Self::wake(self);
        }
    }
}

/// Calls `f` with this thread's sleeper, which is made at its first use. A nested call makes
/// another one, and so does a call in a late destructor of a thread local.
#[cfg(all(feature = "std", not(any(dbuf_loom, dbuf_shuttle))))]
pub fn with_sleeper<R>(f: impl FnOnce(&alloc::sync::Arc<Sleeper>) -> R) -> R {
    use alloc::sync::Arc;
    use core::cell::Cell;

    std::thread_local! {
        static SLEEPER: Cell<Option<Arc<Sleeper>>> = const { Cell::new(None) };
    }

    let kept = SLEEPER.try_with(Cell::take).ok().flatten();
    let sleeper = match kept {
        Some(sleeper) => {
            sleeper.clear();
            sleeper
        }
        None => Arc::new(Sleeper::new()),
    };
    let result = f(&sleeper);
    // An error means that the thread ends: the sleeper is dropped with the closure.
    let _ = SLEEPER.try_with(|kept| kept.set(Some(sleeper)));
    result
}

/// Calls `f` with a new sleeper: each wait of a model has its own.
#[cfg(all(feature = "std", any(dbuf_loom, dbuf_shuttle)))]
pub fn with_sleeper<R>(f: impl FnOnce(&alloc::sync::Arc<Sleeper>) -> R) -> R {
    f(&alloc::sync::Arc::new(Sleeper::new()))
}

#[cfg(all(feature = "std", dbuf_shuttle))]
mod sleep {
    use alloc::sync::Arc;
    use alloc::task::Wake;
    use core::future::poll_fn;
    use core::task::{Poll, Waker};
    use core::time::Duration;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    /// A sleep by the model's own waker. `wake` never switches tasks, so it may be called while a
    /// panic unwinds ([`step`](super::step)).
    #[derive(Debug)]
    pub struct Sleeper(Mutex<State>);

    #[derive(Debug)]
    struct State {
        woken: bool,
        sleeps: Option<Waker>,
    }

    impl Sleeper {
        /// Makes a sleeper for the current task.
        #[expect(clippy::new_without_default, reason = "it belongs to one task")]
        pub fn new() -> Self {
            Self(Mutex::new(State {
                woken: false,
                sleeps: None,
            }))
        }

        fn state(&self) -> MutexGuard<'_, State> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        /// Ends this sleep, or the next.
        pub fn wake(&self) {
            let mut state = self.state();
            state.woken = true;
            if let Some(waker) = state.sleeps.take() {
                waker.wake();
            }
        }

        /// Sleeps until woken. The model has no time: any timeout may end at once.
        pub fn sleep(&self, timeout: Option<Duration>) -> bool {
            super::step();
            if timeout.is_some() {
                shuttle::thread::yield_now();
                return core::mem::take(&mut self.state().woken);
            }
            shuttle::future::block_on(poll_fn(|cx| {
                let mut state = self.state();
                if core::mem::take(&mut state.woken) {
                    return Poll::Ready(true);
                }
                state.sleeps = Some(cx.waker().clone());
                Poll::Pending
            }))
        }
    }

    impl Wake for Sleeper {
        fn wake(self: Arc<Self>) {
            Self::wake(&self);
        }

        fn wake_by_ref(self: &Arc<Self>) {
            Self::wake(self);
        }
    }
}

/// A point at which shuttle may switch to another task.
///
/// It does not switch while a panic unwinds: all tasks run on one thread, so `thread::panicking`
/// would be true in all of them, and they would roll back their batches.
#[cfg(all(feature = "std", dbuf_shuttle))]
pub fn step() {
    if !std::thread::panicking() {
        shuttle::sync::atomic::AtomicBool::new(false).load(atomic::Ordering::Relaxed);
    }
}

/// The atomics of shuttle's models, where each access is a step at which other tasks may run.
/// Otherwise the same as in [`atomic`].
#[cfg(feature = "std")]
pub mod stepped {
    #[cfg(not(dbuf_shuttle))]
    pub use super::atomic::AtomicUsize;
    #[cfg(dbuf_shuttle)]
    pub use model::AtomicUsize;

    #[cfg(dbuf_shuttle)]
    mod model {
        use core::sync::atomic::{self, Ordering};

        use crate::sync::step;

        /// An atomic whose accesses are steps of the model.
        #[derive(Debug)]
        pub struct AtomicUsize(atomic::AtomicUsize);

        macro_rules! steps {
            ($($name:ident($($arg:ident: $Type:ty),*) -> $Result:ty;)*) => {$(
                /// Does a step, then the access.
                pub fn $name(&self, $($arg: $Type),*) -> $Result {
                    step();
                    self.0.$name($($arg),*)
                }
            )*};
        }

        impl AtomicUsize {
            /// Wraps a value.
            pub const fn new(value: usize) -> Self {
                Self(atomic::AtomicUsize::new(value))
            }

            steps! {
                load(order: Ordering) -> usize;
                store(value: usize, order: Ordering) -> ();
                swap(value: usize, order: Ordering) -> usize;
                fetch_add(value: usize, order: Ordering) -> usize;
                fetch_sub(value: usize, order: Ordering) -> usize;
                fetch_or(value: usize, order: Ordering) -> usize;
                compare_exchange(old: usize, new: usize, ok: Ordering, no: Ordering) -> Result<usize, usize>;
                compare_exchange_weak(old: usize, new: usize, ok: Ordering, no: Ordering) -> Result<usize, usize>;
            }
        }
    }
}

/// Returns the time since an instant. In the models time does not pass (loom), or passes at random
/// (shuttle).
#[cfg(feature = "std")]
pub fn elapsed(since: std::time::Instant) -> core::time::Duration {
    #[cfg(dbuf_loom)]
    let elapsed = {
        let _ = since;
        core::time::Duration::ZERO
    };
    #[cfg(dbuf_shuttle)]
    let elapsed = {
        use shuttle::rand::{Rng, thread_rng};
        let _ = since;
        core::time::Duration::from_secs(thread_rng().gen_range(0..2))
    };
    #[cfg(not(any(dbuf_loom, dbuf_shuttle)))]
    let elapsed = since.elapsed();
    elapsed
}

/// How often a wait checks before it sleeps. In a model checker, spins only add executions.
pub const SPINS: u32 = if cfg!(any(dbuf_loom, dbuf_shuttle, miri)) {
    0
} else {
    64
};

/// Does one step of a spin.
#[inline]
pub fn spin_loop() {
    #[cfg(dbuf_loom)]
    loom::thread::yield_now();
    #[cfg(dbuf_shuttle)]
    shuttle::thread::yield_now();
    #[cfg(not(any(dbuf_loom, dbuf_shuttle)))]
    core::hint::spin_loop();
}

/// A number that no thread has.
#[cfg(feature = "std")]
pub const NO_THREAD: usize = 0;

/// Returns the number of this task of a model.
#[cfg(all(feature = "std", dbuf_shuttle))]
pub fn thread_number() -> usize {
    shuttle::current::try_get_current_task().map_or(usize::MAX, |task| usize::from(task) + 1)
}

/// Returns the number of this thread of a model.
#[cfg(all(feature = "std", dbuf_loom))]
pub fn thread_number() -> usize {
    use core::sync::atomic::{AtomicUsize, Ordering};

    // A real atomic: the model's behaviour does not depend on the number.
    static LAST: AtomicUsize = AtomicUsize::new(NO_THREAD);
    loom::thread_local! {
        static THREAD: usize = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    }
    THREAD.with(|number| *number)
}

/// Returns the number of this thread. No other thread ever has the same number, so where a word
/// has 32 bits the process ends with the 2³⁰th thread that calls this (`writer_lock` packs two
/// bits into the same word). Works in destructors of thread locals.
#[cfg(all(feature = "std", not(any(dbuf_loom, dbuf_shuttle))))]
#[inline]
pub fn thread_number() -> usize {
    std::thread_local! {
        static THREAD: core::cell::Cell<usize> = const { core::cell::Cell::new(NO_THREAD) };
    }

    #[cold]
    fn next() -> usize {
        use core::sync::atomic::{AtomicUsize, Ordering};

        static LAST: AtomicUsize = AtomicUsize::new(NO_THREAD);
        // Relaxed: nothing but the number depends on it.
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        // Long before the count wraps, since other threads run until the process has ended.
        if number >= usize::MAX >> 2 {
            abort("too many threads");
        }
        THREAD.set(number);
        number
    }

    match THREAD.get() {
        NO_THREAD => next(),
        number => number,
    }
}

/// Ends the process, in a state that must not be continued from, such as a count of guards that
/// would wrap.
#[cold]
#[inline(never)]
pub fn abort(message: &str) -> ! {
    #[cfg(feature = "std")]
    {
        // The message is best effort: a closed stderr must not turn the abort into an unwind.
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "dbuf: {message}");
        std::process::abort()
    }
    #[cfg(not(feature = "std"))]
    {
        // An unwind out of an `extern "C"` function ends the process.
        extern "C" fn never_unwinds(message: &&str) -> ! {
            panic!("dbuf: {message}")
        }
        never_unwinds(&message)
    }
}

/// Declares a function that is `const`, except under the model checker, whose constructors are
/// not.
#[cfg(not(dbuf_loom))]
#[doc(hidden)]
#[macro_export]
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => {
        $(#[$meta])* $vis const fn $($rest)*
    };
}

/// Declares a function that is `const`, except under the model checker, whose constructors are
/// not.
#[cfg(dbuf_loom)]
#[doc(hidden)]
#[macro_export]
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => {
        $(#[$meta])* $vis fn $($rest)*
    };
}

/// Items that need `const` constructors: not under the model checker.
#[cfg(not(dbuf_loom))]
#[doc(hidden)]
#[macro_export]
macro_rules! if_const {
    ($($items:item)*) => {
        $($items)*
    };
}

/// Items that need `const` constructors: not under the model checker.
#[cfg(dbuf_loom)]
#[doc(hidden)]
#[macro_export]
macro_rules! if_const {
    ($($items:item)*) => {};
}
