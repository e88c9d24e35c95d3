//! What a test of [`suite!`](crate::suite!) or [`models!`](crate::models!) runs in.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs one test. If it fails, the message says which clauses it checks. If it hangs, the
/// watchdog ends the process.
///
/// # Panics
///
/// If the test does.
pub fn run(clauses: &str, name: &str, test: impl FnOnce()) {
    #[cfg(not(any(dbuf_loom, miri)))]
    let _watched = crate::watchdog::watch(clauses, name);
    if let Err(panic) = catch_unwind(AssertUnwindSafe(test)) {
        let message = message(&*panic);
        if clauses.is_empty() {
            panic!("{name}: {message}");
        }
        panic!("{clauses}: {name}: {message}");
    }
}

/// The message of a panic.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(message), _) => message,
        (None, Some(message)) => message,
        (None, None) => "a panic without a message",
    }
}
