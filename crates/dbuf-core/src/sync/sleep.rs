//! How a thread sleeps until it is woken.

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

/// Calls `f` with this thread's sleeper, which is made at its first use. A nested call makes
/// another one, and so does a call in a late destructor of a thread local.
#[cfg(not(dbuf_loom))]
pub fn with_sleeper<R>(f: impl FnOnce(&Arc<Sleeper>) -> R) -> R {
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
#[cfg(dbuf_loom)]
pub fn with_sleeper<R>(f: impl FnOnce(&Arc<Sleeper>) -> R) -> R {
    f(&Arc::new(Sleeper::new()))
}
