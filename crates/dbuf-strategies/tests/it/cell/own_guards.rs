//! Writes of a thread that keeps guards itself, or that writes already.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use dbuf_strategies::core::BlockingStrategy;

use super::AnyCell;
use crate::common::{elsewhere, panics_with};

/// A write that would wait for its own thread's guard panics before anything has changed.
pub(super) fn own_guards_are_refused<S: BlockingStrategy + 'static>(new: fn() -> S) {
    let cell = AnyCell::with_strategy(1, new());
    let other = AnyCell::with_strategy(1, new());
    let writes: [&dyn Fn(); 5] = [
        &|| cell.store(3),
        &|| assert_eq!(cell.store_timeout(3, Duration::MAX), Ok(())),
        &|| assert!(cell.swap(3) > 0),
        &|| cell.update(|n| *n = 3),
        &|| cell.rcu(|_| 3),
    ];
    // One guard stops no write.
    let first = cell.read();
    for write in writes {
        write();
        assert_eq!(cell.try_store(9), Err(9));
        assert_eq!(cell.try_update(|n| *n = 9), None);
    }
    assert_eq!((*first, cell.load(), cell.version()), (1, 3, 5));
    // Two guards do, on two values that were replaced.
    cell.store(2);
    let second = cell.read();
    cell.store(3);
    for write in writes {
        panics_with(write, "holds a guard");
        cell.catch_up(); // never waits for readers
    }
    assert_eq!(cell.try_store(9), Err(9));
    assert_eq!(cell.try_update(|n| *n = 9), None);
    panics_with(|| cell.with(|_| cell.store(9)), "holds a guard");
    assert_eq!((*first, *second, cell.load(), cell.version()), (1, 2, 3, 7));
    other.store(2); // another cell's
    elsewhere(|| assert_eq!(cell.store_timeout(9, Duration::ZERO), Err(9)));
    drop(first);
    cell.store(3); // on the side of the first guard
    assert_eq!((*second, cell.load(), cell.version()), (2, 3, 8));
    drop(second);
    assert_eq!(cell.try_store(4), Ok(()));
    assert_eq!((cell.load(), cell.version()), (4, 9));
}

/// A write within a write of the same thread panics, or is refused. The outer one goes on.
pub(super) fn a_write_within_a_write_is_refused<S: BlockingStrategy + 'static>(new: fn() -> S) {
    let cell = AnyCell::with_strategy(4, new());
    let writes: [&dyn Fn(); 3] = [&|| cell.store(5), &|| cell.rcu(|_| 5), &|| {
        cell.update(|n| *n = 5);
    }];
    for write in writes {
        let message = "while it changes that cell";
        panics_with(|| cell.update(|_| write()), message);
        let replaces = |_: &_| {
            write();
            6
        };
        panics_with(|| cell.rcu(replaces), message);
    }
    let refused = cell.update(|n| {
        *n += 1;
        assert_eq!(cell.load(), 4, "published too early");
        (cell.try_store(5), cell.try_update(|n| *n = 5))
    });
    assert_eq!((refused, cell.load()), ((Err(5), None), 5));
}

/// A write panics if its thread keeps the value that it would wait for. It waits if the thread
/// keeps the other value, or none.
pub(super) fn guards_of_others_are_waited_for<S: BlockingStrategy + 'static>(new: fn() -> S) {
    let cell = &AnyCell::with_strategy(0, new());
    let (kept, other_kept) = (channel(), channel::<()>());
    thread::scope(|scope| {
        scope.spawn(move || {
            let first = cell.read();
            kept.0.send(()).unwrap();
            // The other thread keeps a second value.
            other_kept.1.recv().unwrap();
            assert_eq!(cell.store_timeout(9, Duration::ZERO), Err(9));
            assert_eq!(*first, 0);
            kept.0.send(()).unwrap();
            other_kept.1.recv().unwrap();
        });
        kept.1.recv().unwrap();
        cell.store(1);
        let second = cell.read();
        cell.store(2);
        panics_with(|| cell.store(9), "holds a guard");
        other_kept.0.send(()).unwrap();
        kept.1.recv().unwrap();
        assert_eq!((*second, cell.load()), (1, 2));
        drop(second);
        let second = cell.read();
        cell.store(3);
        // The first value is still kept, and this thread's is the published one.
        drop(second);
        let newest = cell.read();
        cell.store(4);
        assert_eq!((*newest, cell.load(), cell.version()), (3, 4, 4));
        drop(newest);
        other_kept.0.send(()).unwrap();
    });
    assert_eq!(cell.try_store(5), Ok(()));
}
