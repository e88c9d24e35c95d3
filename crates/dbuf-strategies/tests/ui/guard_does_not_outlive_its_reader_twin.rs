//! A guard that owns its reader needs no other.
use dbuf_strategies::LockStrategy;

fn main() {
    let (_writer, reader) = dbuf_strategies::core::arc(1, 1, LockStrategy::new());
    let guard = Box::new(reader).into_guard();
    assert_eq!(*guard, 1);
}
