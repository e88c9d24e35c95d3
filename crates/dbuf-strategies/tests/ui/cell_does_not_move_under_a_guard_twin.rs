use dbuf_strategies::ConcurrentCell;

fn main() {
    let cell = ConcurrentCell::new(1);
    assert_eq!(*cell.read(), 1);
    let moved = Box::new(cell);
    assert_eq!(*moved.read(), 1);
}
