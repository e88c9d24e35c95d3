//! What a static cell begins with is a constant.
use dbuf_strategies::ConcurrentCell;

fn limit() -> u32 {
    10
}

static LIMIT: ConcurrentCell<u32> = ConcurrentCell::new(limit());

fn main() {
    assert_eq!(LIMIT.load(), 10);
}
