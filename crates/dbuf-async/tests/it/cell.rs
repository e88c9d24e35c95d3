//! Versions that the watcher of a cell reports, and when.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use crate::common::{Count, poll_and_cancel};
use dbuf_async::CellWatcher;
use dbuf_async::strategies::{ConcurrentCell, DefaultStrategy, Watched};

type Cell<T> = ConcurrentCell<T, Watched<DefaultStrategy>>;

fn cell<T>(value: T) -> Cell<T> {
    Cell::with_strategy(value, Watched::new(DefaultStrategy::new()))
}

/// A cell is not closed before its first write.
#[test]
fn first_write_is_reported_to_an_earlier_watcher() {
    static CELL: Cell<u32> = Cell::with_strategy(0, Watched::new(DefaultStrategy::new()));
    let mut watcher = CellWatcher::new(&CELL);
    let (count, waker) = Count::waker();
    {
        let mut changed = pin!(watcher.changed());
        let mut cx = Context::from_waker(&waker);
        assert!(changed.as_mut().poll(&mut cx).is_pending());
        CELL.store(1);
        assert_eq!(count.wakes(), 1);
        assert_eq!(changed.poll(&mut cx), Poll::Ready(1));
    }
    assert_eq!((*watcher.read(), watcher.last_seen()), (1, 1));
    assert_eq!(
        poll_and_cancel(watcher.changed(), 3),
        None,
        "a write was reported twice"
    );
}

#[test]
fn new_watcher_has_seen_the_current_version() {
    let cell = cell(0);
    let mut early = CellWatcher::new(&cell);
    cell.store(1);
    cell.update(|n| *n += 1);
    let mut late = CellWatcher::new(&cell);
    let mut clone = early.clone();
    assert_eq!(
        (early.last_seen(), clone.last_seen(), late.last_seen()),
        (0, 0, 2)
    );
    assert_eq!(poll_and_cancel(early.changed(), 1), Some(2));
    assert_eq!(poll_and_cancel(clone.changed(), 1), Some(2));
    assert_eq!(poll_and_cancel(late.changed(), 1), None);
}

/// A future that is dropped after a poll removes its waker and marks nothing as seen.
#[test]
fn dropped_future_loses_nothing() {
    let cell = cell(0);
    let mut watcher = CellWatcher::new(&cell);
    let (count, waker) = Count::waker();
    {
        let mut changed = pin!(watcher.changed());
        assert!(
            changed
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    cell.store(1);
    assert_eq!(count.wakes(), 0);
    drop(waker);
    assert_eq!(Arc::strong_count(&count), 1);
    assert_eq!(poll_and_cancel(watcher.changed(), 1), Some(1));
}

/// Tasks watch a cell that threads write.
#[test]
#[cfg_attr(miri, ignore = "smol's reactor calls `timerfd_create`")]
fn tasks_watch_a_cell() {
    let cell = Arc::new(cell(0_u32));
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let mut watcher = CellWatcher::new(Arc::clone(&cell));
            smol::spawn(async move {
                let mut seen = 0;
                while seen < 100 {
                    let last_seen = watcher.changed().await;
                    let read = *watcher.read();
                    let least = last_seen.max(seen.into());
                    assert!(u64::from(read) >= least, "read {read} after {least}");
                    seen = read;
                }
            })
        })
        .collect();
    let threads = [(); 2].map(|()| {
        let cell = Arc::clone(&cell);
        thread::spawn(move || {
            for _ in 0..50 {
                smol::block_on(cell.update_async(|n| *n += 1));
            }
        })
    });
    for thread in threads {
        thread.join().unwrap();
    }
    for task in tasks {
        smol::block_on(task);
    }
    assert_eq!(cell.load(), 100);
}
