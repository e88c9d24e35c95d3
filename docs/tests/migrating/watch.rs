//! The calls of "From `tokio::sync::watch`" in `docs/migrating.md`, theirs before ours.

use dbuf_hashmap::{CellWatcher, ConcurrentCell, DefaultStrategy, Watched};
use tokio::sync::watch;

#[test]
fn calls() {
    pollster::block_on(async {
        let (tx, first) = watch::channel(1);
        let cell = ConcurrentCell::with_strategy(1, Watched::new(DefaultStrategy::new()));
        let mut rx = tx.subscribe();
        let mut watcher = CellWatcher::new(&cell);
        assert_eq!(*rx.borrow(), *watcher.read());

        assert!(tx.send(2).is_ok());
        cell.store(2);
        assert!(rx.changed().await.is_ok());
        assert_eq!(watcher.changed().await, 1); // the first write
        assert_eq!(*rx.borrow(), *watcher.read());
        assert_eq!(
            rx.has_changed().unwrap(),
            watcher.version() > watcher.last_seen()
        );

        assert_eq!(tx.send_replace(3), cell.swap(3));
        tx.send_modify(|n| *n += 1);
        cell.update(|n| *n += 1);
        assert_eq!(*rx.borrow(), *watcher.read());
        let mut other_rx = rx.clone();
        let mut other = watcher.clone();
        assert!(other_rx.changed().await.is_ok());
        assert_eq!(other.changed().await, 3); // all of it at once
        assert_eq!(*first.borrow(), cell.load());
    });
}
