//! `Watched` wraps any strategy.
use dbuf_async::Watcher;
use dbuf_async::core::arc;
use dbuf_async::strategies::{EpochStrategy, Watched};

fn main() {
    let (_writer, reader) = arc(1, 1, Watched::new(EpochStrategy::new()));
    let _watcher = Watcher::new(reader);
}
