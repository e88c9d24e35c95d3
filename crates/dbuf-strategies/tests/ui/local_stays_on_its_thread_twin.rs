//! The buffer without its handles may move.
use dbuf_strategies::LocalStrategy;
use dbuf_strategies::core::DoubleBuffer;

fn main() {
    let buffer = DoubleBuffer::new(1, 1, LocalStrategy::new());
    std::thread::spawn(move || drop(buffer)).join().unwrap();
}
