//! One thread may use it.
use std::cell::Cell;

use dbuf_strategies::EpochStrategy;

fn main() {
    let (_writer, reader) =
        dbuf_strategies::core::arc(Cell::new(1), Cell::new(1), EpochStrategy::new());
    reader.read().set(2);
}
