//! The single-threaded strategy does not leave its thread, not even in an `Arc`.
use dbuf_strategies::LocalStrategy;

fn main() {
    let (_writer, reader) = dbuf_strategies::core::arc(1, 1, LocalStrategy::new());
    std::thread::spawn(move || drop(reader));
}
