//! A guard borrows its cell, which may move only between reads.
use dbuf_strategies::ConcurrentCell;

fn main() {
    let cell = ConcurrentCell::new(1);
    let guard = cell.read();
    let moved = Box::new(cell);
    assert_eq!(*guard, *moved.read());
}
