//! Sleeps and atomics as steps of shuttle's models.

use alloc::sync::Arc;
use alloc::task::Wake;
use core::future::poll_fn;
use core::sync::atomic::{self, Ordering};
use core::task::{Poll, Waker};
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A sleep by the model's own waker. `wake` never switches tasks, so it may be called while a
/// panic unwinds ([`step`]).
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
        step();
        if timeout.is_some() {
            ::shuttle::thread::yield_now();
            return core::mem::take(&mut self.state().woken);
        }
        ::shuttle::future::block_on(poll_fn(|cx| {
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

/// Calls `f` with a new sleeper: each wait of a model has its own.
pub fn with_sleeper<R>(f: impl FnOnce(&Arc<Sleeper>) -> R) -> R {
    f(&Arc::new(Sleeper::new()))
}

/// A point at which shuttle may switch to another task.
///
/// It does not switch while a panic unwinds: all tasks run on one thread, so `thread::panicking`
/// would be true in all of them, and they would roll back their batches.
pub fn step() {
    if !std::thread::panicking() {
        ::shuttle::sync::atomic::AtomicBool::new(false).load(Ordering::Relaxed);
    }
}

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
