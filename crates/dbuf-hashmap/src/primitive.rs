//! The one place where this crate chooses between the real primitives and those of
//! the model checker (`--cfg dbuf_shuttle`).

#[cfg(dbuf_shuttle)]
mod model;

#[cfg(not(dbuf_shuttle))]
pub(crate) use core::sync::atomic::AtomicUsize;
pub(crate) use core::sync::atomic::Ordering;

#[cfg(not(dbuf_shuttle))]
pub(crate) use async_lock::{Mutex, MutexGuard};
#[cfg(not(dbuf_shuttle))]
pub(crate) use event_listener::Event;
#[cfg(dbuf_shuttle)]
pub(crate) use model::{AtomicUsize, Event, Mutex, MutexGuard};

pub(crate) use dbuf_core::primitive::{block_on, spin_loop, thread_number};

/// How often a writer looks before it sleeps.
pub(crate) const ROUNDS: u32 = if cfg!(any(miri, dbuf_shuttle)) { 1 } else { 16 };

/// Waits for as long as a few writes take. Looking more often takes the lock's line
/// away from whoever has it.
pub(crate) fn pause() {
    for _ in 0..PAUSES {
        spin_loop();
    }
}

const PAUSES: u32 = if cfg!(any(miri, dbuf_shuttle)) { 1 } else { 64 };
