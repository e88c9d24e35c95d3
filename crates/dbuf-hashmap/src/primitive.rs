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

pub(crate) use dbuf_core::primitive::{block_on, thread_number};

/// How often a writer looks before it sleeps, in rounds that grow longer.
pub(crate) const ROUNDS: u32 = if cfg!(any(miri, dbuf_shuttle)) { 1 } else { 9 };
