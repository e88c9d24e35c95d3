use dbuf_strategies::EpochStrategy;
use dbuf_strategies::core::{ReadGuard, arc};

fn main() {
    let (_writer, reader) = arc(1, 1, EpochStrategy::new());
    let mut guard = reader.read();
    let value = &*guard;
    ReadGuard::refresh(&mut guard);
    assert_eq!(*value, 1);
}
