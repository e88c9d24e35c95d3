//! What the compiler says of a handle on the wrong thread.
//!
//! Nothing implements these traits. A type that is not `Sync`, or not `Send`, is so only
//! where it implements one of them: then the message is ours, and there is one of it, and
//! not one for each field.

/// Of a [`Reader`](crate::Reader) that is shared between threads.
#[diagnostic::on_unimplemented(
    message = "a reader cannot be shared between threads",
    label = "shares a `Reader` with another thread",
    note = "give each thread a reader of its own: `reader.clone()`",
    note = "or share a `SharedReader`, from which any thread reads: `reader.shared()`"
)]
pub trait ReaderOfTwoThreads {}

/// Of a guard that is sent to another thread.
#[diagnostic::on_unimplemented(
    message = "a guard cannot be sent to another thread",
    label = "sends a guard to another thread, or holds it across an `.await`",
    note = "the writer waits for guards: drop it first, or put what is needed of the value in \
            a variable",
    note = "a thread can read by itself (`reader.clone()`, `SharedReader`), or borrow the guard"
)]
pub trait GuardOfTwoThreads {}
