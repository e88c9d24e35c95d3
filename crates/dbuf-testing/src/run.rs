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
    #[cfg(dbuf_loom)]
    announce::begin(format!("{clauses}: {name} fails:\n"));
    #[cfg(not(any(dbuf_loom, miri)))]
    let _watched = crate::watchdog::watch(clauses, name);
    if let Err(panic) = catch_unwind(AssertUnwindSafe(test)) {
        #[cfg(dbuf_loom)]
        announce::begin(String::new());
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

/// Names the test at each panic. The model checker drops what a deadlock leaves behind, and
/// that may abort the process before `run` has its turn.
#[cfg(dbuf_loom)]
mod announce {
    use std::cell::RefCell;
    use std::io::{Write, stderr};
    use std::panic;
    use std::sync::Once;

    std::thread_local! {
        static NAME: RefCell<String> = const { RefCell::new(String::new()) };
    }

    pub(super) fn begin(name: String) {
        static HOOKED: Once = Once::new();
        NAME.set(name);
        HOOKED.call_once(|| {
            let hook = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                // Not `eprint`, whose output a test captures.
                NAME.with_borrow(|name| drop(stderr().write_all(name.as_bytes())));
                hook(info);
            }));
        });
    }
}
