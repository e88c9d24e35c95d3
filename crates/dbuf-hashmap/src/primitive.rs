//! The one place where this crate chooses between the real primitives and those of
//! the model checker (`--cfg dbuf_shuttle`).

pub(crate) use core::sync::atomic::{AtomicUsize, Ordering};

pub(crate) use async_lock::{Mutex, MutexGuard};
pub(crate) use dbuf_core::primitive::{block_on, thread_number};
pub(crate) use event_listener::Event;

/// How often a writer looks before it sleeps.
pub(crate) const ROUNDS: u32 = if cfg!(miri) { 1 } else { 16 };

/// Waits for as long as a few writes take. Looking more often takes the lock's line
/// away from whoever has it.
pub(crate) fn pause() {
    for _ in 0..PAUSES {
        core::hint::spin_loop();
    }
}

const PAUSES: u32 = 64;
