//! The one place where this crate chooses between the real primitives and those of
//! the model checker (`--cfg dbuf_shuttle`).

#[cfg(dbuf_shuttle)]
mod model;

use core::time::Duration;

#[cfg(not(dbuf_shuttle))]
pub(crate) use core::sync::atomic::AtomicUsize;
pub(crate) use core::sync::atomic::Ordering;

#[cfg(not(dbuf_shuttle))]
pub(crate) use async_lock::{Mutex, MutexGuard};
#[cfg(not(dbuf_shuttle))]
pub(crate) use event_listener::{Event, EventListener};
#[cfg(dbuf_shuttle)]
pub(crate) use model::{AtomicUsize, Event, EventListener, Gate, GateGuard, Mutex, MutexGuard};

pub(crate) use dbuf_core::primitive::{block_on, spin_loop, thread_number};

#[cfg(not(dbuf_shuttle))]
pub(crate) use gate::{Gate, GateGuard};

/// A lock for threads alone.
#[cfg(not(any(dbuf_shuttle, miri)))]
mod gate {
    use core::time::Duration;

    use parking_lot::{Mutex, MutexGuard};

    pub(crate) type GateGuard<'g> = MutexGuard<'g, ()>;

    #[derive(Debug)]
    pub(crate) struct Gate(Mutex<()>);

    impl Gate {
        pub(crate) const fn new() -> Self {
            Self(Mutex::new(()))
        }

        #[inline]
        pub(crate) fn try_lock(&self) -> Option<GateGuard<'_>> {
            self.0.try_lock()
        }

        /// `None` after `timeout`.
        pub(crate) fn lock(&self, timeout: Option<Duration>) -> Option<GateGuard<'_>> {
            match timeout {
                None => Some(self.0.lock()),
                Some(timeout) => self.0.try_lock_for(timeout),
            }
        }
    }
}

/// The same under Miri, whose strict provenance `parking_lot` does not keep.
#[cfg(all(miri, not(dbuf_shuttle)))]
mod gate {
    use core::time::Duration;

    use super::{Mutex, MutexGuard, block_on};

    pub(crate) type GateGuard<'g> = MutexGuard<'g, ()>;

    #[derive(Debug)]
    pub(crate) struct Gate(Mutex<()>);

    impl Gate {
        pub(crate) const fn new() -> Self {
            Self(Mutex::new(()))
        }

        pub(crate) fn try_lock(&self) -> Option<GateGuard<'_>> {
            self.0.try_lock()
        }

        pub(crate) fn lock(&self, timeout: Option<Duration>) -> Option<GateGuard<'_>> {
            block_on(timeout, self.0.lock())
        }
    }
}

/// How often a writer looks before it sleeps.
pub(crate) const ROUNDS: u32 = if cfg!(any(miri, dbuf_shuttle)) { 1 } else { 12 };

/// How long a writer waits for the lock before it looks again whether it needs it.
pub(crate) const PATIENCE: Duration = if cfg!(dbuf_shuttle) {
    Duration::ZERO
} else {
    Duration::from_millis(1)
};

/// Waits for a moment, longer from round to round: looking takes the line away from
/// whoever works on it.
pub(crate) fn pause(round: u32) {
    for _ in 0..1 << round.min(LONGEST) {
        spin_loop();
    }
}

/// 2^6 steps of a spin take as long as a few writes.
const LONGEST: u32 = if cfg!(any(miri, dbuf_shuttle)) { 0 } else { 6 };
