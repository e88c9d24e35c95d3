//! A value that is `Sync` but not `Send`: a writer on another thread would have `&mut` to it.
use std::sync::{Mutex, MutexGuard};

use dbuf_strategies::LockStrategy;

fn main() {
    let locks = (Mutex::new(1), Mutex::new(1));
    let (a, b): (MutexGuard<'_, i32>, MutexGuard<'_, i32>) =
        (locks.0.lock().unwrap(), locks.1.lock().unwrap());
    let (_writer, reader) = dbuf_strategies::core::arc(a, b, LockStrategy::new());
    std::thread::scope(|scope| {
        scope.spawn(move || assert_eq!(**reader.read(), 1));
    });
}
