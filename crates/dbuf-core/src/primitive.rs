//! The one place where this workspace chooses between the real primitives and
//! those of the model checkers: loom (`--cfg dbuf_loom`), which sees every atomic
//! and cell, and shuttle (`--cfg dbuf_shuttle`), which sees who sleeps and who is
//! woken. Not part of the public API.

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

#[cfg(feature = "std")]
pub use crate::wait::block_on;

/// Thread locals, or shuttle's for each task.
#[cfg(all(feature = "std", dbuf_shuttle))]
pub use shuttle::thread_local;
#[cfg(all(feature = "std", not(dbuf_shuttle)))]
pub use std::thread_local;

/// One thread's sleep, or a model of it.
#[cfg(feature = "std")]
pub use sleep::Sleeper;

#[cfg(all(feature = "std", not(any(dbuf_loom, dbuf_shuttle))))]
mod sleep {
    use core::sync::atomic::{AtomicBool, Ordering};
    use core::time::Duration;
    use std::thread::{Thread, current, park, park_timeout};

    /// Parks the thread that made it until it is woken.
    ///
    /// It remembers a wake that came first, and sleeps on when `park` returns by
    /// itself or on a token that was meant for somebody else.
    #[derive(Debug)]
    pub struct Sleeper {
        thread: Thread,
        woken: AtomicBool,
    }

    impl Sleeper {
        /// For the current thread.
        #[expect(clippy::new_without_default, reason = "it belongs to one thread")]
        pub fn new() -> Self {
            Self {
                thread: current(),
                woken: AtomicBool::new(false),
            }
        }

        /// Ends this sleep, or the next.
        pub fn wake(&self) {
            // ORDERING: Release; partner: the swap in `sleep`. Who is woken sees
            // what was done before.
            self.woken.store(true, Ordering::Release);
            self.thread.unpark();
        }

        /// Sleeps until woken, or for about `timeout`. Whether it was woken.
        pub fn sleep(&self, timeout: Option<Duration>) -> bool {
            // ORDERING: Acquire; partner: the store in `wake`.
            while !self.woken.swap(false, Ordering::Acquire) {
                match timeout {
                    None => park(),
                    Some(timeout) => {
                        park_timeout(timeout);
                        // ORDERING: as above.
                        return self.woken.swap(false, Ordering::Acquire);
                    }
                }
            }
            true
        }
    }
}

#[cfg(all(feature = "std", dbuf_loom))]
mod sleep {
    use core::time::Duration;
    use loom::sync::{Condvar, Mutex};

    /// A sleep made of what loom models well; its `park` may lose a token.
    #[derive(Debug)]
    pub struct Sleeper {
        woken: Mutex<bool>,
        changed: Condvar,
    }

    impl Sleeper {
        /// For the current thread.
        #[expect(clippy::new_without_default, reason = "it belongs to one thread")]
        pub fn new() -> Self {
            Self {
                woken: Mutex::new(false),
                changed: Condvar::new(),
            }
        }

        /// Ends this sleep, or the next.
        pub fn wake(&self) {
            *self.woken.lock().unwrap() = true;
            self.changed.notify_one();
        }

        /// Sleeps until woken. The model has no time.
        pub fn sleep(&self, _: Option<Duration>) -> bool {
            let mut woken = self.woken.lock().unwrap();
            while !*woken {
                woken = self.changed.wait(woken).unwrap();
            }
            *woken = false;
            true
        }
    }
}

#[cfg(all(feature = "std", dbuf_shuttle))]
mod sleep {
    use core::future::poll_fn;
    use core::task::{Poll, Waker};
    use core::time::Duration;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    /// A sleep by the model's own waker: `wake` never switches tasks, so that it may
    /// be called while a panic unwinds ([`step`](super::step)).
    #[derive(Debug)]
    pub struct Sleeper(Mutex<State>);

    #[derive(Debug)]
    struct State {
        woken: bool,
        sleeps: Option<Waker>,
    }

    impl Sleeper {
        /// For the current task.
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

        /// Sleeps until woken. The model has no time.
        pub fn sleep(&self, _: Option<Duration>) -> bool {
            super::step();
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
}

/// A point at which shuttle may go on with another task.
///
/// Not while a panic unwinds: all tasks run on one thread, so they would all believe
/// to be unwinding, and take their batches back.
#[cfg(all(feature = "std", dbuf_shuttle))]
pub fn step() {
    if !std::thread::panicking() {
        shuttle::sync::atomic::AtomicBool::new(false).load(atomic::Ordering::Relaxed);
    }
}

/// How often a wait looks before it sleeps. A model checker gains nothing from
/// a spin but executions.
pub const SPINS: u32 = if cfg!(any(dbuf_loom, dbuf_shuttle, miri)) {
    0
} else {
    64
};

/// One step of a spin.
#[inline]
pub fn spin_loop() {
    #[cfg(dbuf_loom)]
    loom::thread::yield_now();
    #[cfg(dbuf_shuttle)]
    shuttle::thread::yield_now();
    #[cfg(not(any(dbuf_loom, dbuf_shuttle)))]
    core::hint::spin_loop();
}

/// Not the number of any thread.
#[cfg(feature = "std")]
pub const NO_THREAD: usize = 0;

/// The number of this task of a model, as below.
#[cfg(all(feature = "std", dbuf_shuttle))]
pub fn thread_number() -> usize {
    shuttle::current::try_get_current_task().map_or(usize::MAX, |task| usize::from(task) + 1)
}

/// The number of this thread: never another thread's, so where a word has 32 bits the
/// process ends with the 2³¹st thread that asks. Works in destructors of thread locals.
#[cfg(all(feature = "std", not(dbuf_shuttle)))]
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
        // Long before it wraps, since other threads go on until the process has ended.
        if number > isize::MAX as usize {
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

/// Ends the process: for a state that no caller may survive, such as a count of
/// guards that would wrap.
#[cold]
#[inline(never)]
pub fn abort(message: &str) -> ! {
    #[cfg(feature = "std")]
    {
        // The message is best effort; a closed stderr must not turn the abort
        // into an unwind.
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "dbuf: {message}");
        std::process::abort()
    }
    #[cfg(not(feature = "std"))]
    {
        // Unwinding out of an `extern "C"` function ends the process.
        extern "C" fn never_unwinds(message: &&str) -> ! {
            panic!("dbuf: {message}")
        }
        never_unwinds(&message)
    }
}

/// Declares a function that is `const` everywhere but under the model checker,
/// whose constructors are not.
#[cfg(not(dbuf_loom))]
#[doc(hidden)]
#[macro_export]
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => {
        $(#[$meta])* $vis const fn $($rest)*
    };
}

/// Declares a function that is `const` everywhere but under the model checker,
/// whose constructors are not.
#[cfg(dbuf_loom)]
#[doc(hidden)]
#[macro_export]
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => {
        $(#[$meta])* $vis fn $($rest)*
    };
}
