//! The primitives of the workspace: the real ones, or those of the model checkers loom (`--cfg
//! dbuf_loom`), which tracks every atomic and cell, and shuttle (`--cfg dbuf_shuttle`), which
//! tracks sleeps and wakes. Not part of the public API.

#[cfg(all(feature = "std", dbuf_shuttle))]
mod shuttle;
#[cfg(all(feature = "std", not(dbuf_shuttle)))]
mod sleep;
#[cfg(feature = "std")]
mod thread;

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
#[cfg(all(feature = "std", dbuf_shuttle))]
pub use ::shuttle::thread_local;
#[cfg(all(feature = "std", dbuf_loom))]
pub(crate) use loom_thread_local as thread_local;
#[cfg(all(feature = "std", not(any(dbuf_loom, dbuf_shuttle))))]
pub use std::thread_local;

#[cfg(all(feature = "std", dbuf_shuttle))]
pub use shuttle::{Sleeper, step, with_sleeper};
#[cfg(all(feature = "std", not(dbuf_shuttle)))]
pub use sleep::{Sleeper, with_sleeper};
#[cfg(feature = "std")]
pub use thread::{NO_THREAD, thread_number};

/// The atomics of shuttle's models, where each access is a step at which other tasks may run.
/// Otherwise the same as in [`atomic`].
#[cfg(feature = "std")]
pub mod stepped {
    #[cfg(not(dbuf_shuttle))]
    pub use super::atomic::AtomicUsize;
    #[cfg(dbuf_shuttle)]
    pub use super::shuttle::AtomicUsize;
}

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
        use ::shuttle::rand::{Rng, thread_rng};
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
    ::shuttle::thread::yield_now();
    #[cfg(not(any(dbuf_loom, dbuf_shuttle)))]
    core::hint::spin_loop();
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
