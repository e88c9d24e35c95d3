//! A guard borrows its reader.
use dbuf_strategies::LockStrategy;

fn main() {
    let (_writer, reader) = dbuf_strategies::core::arc(1, 1, LockStrategy::new());
    let guard = reader.read();
    drop(reader);
    assert_eq!(*guard, 1);
}
