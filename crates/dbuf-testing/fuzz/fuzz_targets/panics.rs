//! Panics that are part of a run.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::process::abort;
use std::sync::Once;

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs `f`. A panic that it catches is of no interest; one that escapes ends the process
/// with its message. (libFuzzer's own hook aborts at every panic.)
pub(crate) fn end_the_process_if_they_escape(f: impl FnOnce()) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        set_hook(Box::new(|info| {
            LAST.with_borrow_mut(|last| *last = info.to_string());
        }));
    });
    if catch_unwind(AssertUnwindSafe(f)).is_err() {
        eprintln!("{}", LAST.take());
        abort();
    }
}
