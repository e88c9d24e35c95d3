//! The mutex itself is both.
use std::sync::Mutex;

use dbuf_strategies::LockStrategy;

fn main() {
    let (_writer, reader) =
        dbuf_strategies::core::arc(Mutex::new(1), Mutex::new(1), LockStrategy::new());
    std::thread::scope(|scope| {
        scope.spawn(move || assert_eq!(*reader.read().lock().unwrap(), 1));
    });
}
