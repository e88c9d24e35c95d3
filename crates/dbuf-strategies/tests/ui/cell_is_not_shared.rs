//! A value that is not `Sync` is not shared between threads.
use std::cell::Cell;

use dbuf_strategies::EpochStrategy;

fn main() {
    let (_writer, reader) =
        dbuf_strategies::core::arc(Cell::new(1), Cell::new(1), EpochStrategy::new());
    std::thread::spawn(move || reader.read().set(2));
}
