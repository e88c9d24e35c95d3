//! A guard stays on its thread: its reader is used by one thread at a time.
use dbuf_strategies::EpochStrategy;

fn main() {
    let (_writer, reader) = dbuf_strategies::core::arc(1, 1, EpochStrategy::new());
    let guard = reader.read();
    std::thread::scope(|scope| {
        scope.spawn(move || assert_eq!(*guard, 1));
    });
}
