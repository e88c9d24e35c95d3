//! Panics on purpose, in a fuzz target.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::process::abort;
use std::sync::Once;

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs `f`, which may panic and catch it. If a panic escapes, prints its message and aborts.
/// libFuzzer's own hook would abort at every panic.
pub(crate) fn abort_if_one_escapes(f: impl FnOnce()) {
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
