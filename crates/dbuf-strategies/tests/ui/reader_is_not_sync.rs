//! A reader is used by one thread at a time.
use dbuf_strategies::CountStrategy;

fn main() {
    let (_writer, reader) = dbuf_strategies::core::arc(1, 1, CountStrategy::new());
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(*reader.read(), 1));
    });
}
