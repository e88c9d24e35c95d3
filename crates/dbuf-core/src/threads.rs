//! Compiler messages for a handle on the wrong thread.
//!
//! Nothing implements these traits. A handle that is not `Sync` or not `Send` requires one of them
//! for that, so the compiler prints one message, and it is this one, instead of one for each
//! field.

/// Required for a [`Reader`](crate::Reader) that is shared between threads.
#[diagnostic::on_unimplemented(
    message = "a reader cannot be shared between threads",
    label = "shares a `Reader` with another thread",
    note = "give each thread a reader of its own: `reader.clone()`",
    note = "or share a `SharedReader`, from which any thread reads: `reader.shared()`"
)]
pub trait SyncReader {}

/// Required for a guard that is sent to another thread.
#[diagnostic::on_unimplemented(
    message = "a guard cannot be sent to another thread",
    label = "sends a guard to another thread, or holds it across an `.await`",
    note = "the writer waits for guards: drop it first, or copy what is needed of the value into \
            a variable",
    note = "a thread can read by itself (`reader.clone()`, `SharedReader`), or borrow the guard"
)]
pub trait SendGuard {}

/// Required for the writers' lock, held by a thread, that is sent to another thread.
#[cfg(feature = "std")]
#[diagnostic::on_unimplemented(
    message = "a batch of a thread cannot be sent to another thread",
    label = "sends a batch to another thread, or holds it across an `.await`",
    note = "in a task, begin the batch by `write_async().await`; it may be held across an `.await`"
)]
pub(crate) trait SendBatch {}
