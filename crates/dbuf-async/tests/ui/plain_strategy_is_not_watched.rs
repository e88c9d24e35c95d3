//! Only a `Watched` strategy notifies watchers.
use dbuf_async::Watcher;
use dbuf_async::core::arc;
use dbuf_async::strategies::EpochStrategy;

fn main() {
    let (_writer, reader) = arc(1, 1, EpochStrategy::new());
    let _watcher = Watcher::new(reader);
}
