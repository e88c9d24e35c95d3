//! Ids of buffers and tables.

use std::sync::{Mutex, PoisonError};

/// Returns an id that no other table or buffer ever has. Never 0.
pub(crate) fn new_id() -> u64 {
    static LAST: Mutex<u64> = Mutex::new(0);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    *last += 1;
    *last
}
