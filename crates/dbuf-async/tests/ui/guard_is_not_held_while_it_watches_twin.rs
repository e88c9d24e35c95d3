//! The guard is dropped before the wait.
use dbuf_async::Watcher;
use dbuf_async::core::arc;
use dbuf_async::strategies::{EpochStrategy, Watched};

fn main() {
    let (_writer, reader) = arc(1, 1, Watched::new(EpochStrategy::new()));
    let mut watcher = Watcher::new(reader);
    let guard = watcher.read();
    assert_eq!(*guard, 1);
    drop(guard);
    drop(watcher.changed());
}
