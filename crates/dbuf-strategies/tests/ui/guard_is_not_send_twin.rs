//! The reader itself may be sent.
use dbuf_strategies::EpochStrategy;

fn main() {
    let (_writer, reader) = dbuf_strategies::core::arc(1, 1, EpochStrategy::new());
    std::thread::scope(|scope| {
        scope.spawn(move || assert_eq!(*reader.read(), 1));
    });
}
