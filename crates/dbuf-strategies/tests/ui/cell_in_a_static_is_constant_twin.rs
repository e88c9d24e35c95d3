//! Or the first use makes the cell.
use std::sync::LazyLock;

use dbuf_strategies::ConcurrentCell;

fn limit() -> u32 {
    10
}

static LIMIT: LazyLock<ConcurrentCell<u32>> = LazyLock::new(|| ConcurrentCell::new(limit()));

fn main() {
    assert_eq!(LIMIT.load(), 10);
}
