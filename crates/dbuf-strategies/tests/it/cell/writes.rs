//! What writes do, alone and at once, and what is left of one that panics.

use std::collections::VecDeque;
use std::mem::{replace, swap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Wake, Waker};
use std::thread;
use std::time::Duration;

use dbuf_strategies::core::BlockingStrategy;
use dbuf_strategies::{CellGuard, ConcurrentCell};
use dbuf_testing::Tracked;

use super::AnyCell;
use crate::common::{elsewhere, panics, panics_with, poll, unwinds};

/// No update is lost, every read that starts after a write sees it, and no thread sees an
/// older value after a newer one.
pub(super) fn no_write_is_lost<S: BlockingStrategy + 'static>(new: fn() -> S) {
    let cell = &AnyCell::with_strategy(Tracked::new(0), new());
    let (writers, writes) = (3, if cfg!(miri) { 8 } else { 500 });
    thread::scope(|scope| {
        for _ in 0..writers {
            scope.spawn(move || {
                for _ in 0..writes {
                    let written = cell.update(|value| {
                        value.set(value.get() + 1);
                        value.get()
                    });
                    assert!(
                        cell.read().get() >= written,
                        "a read missed a write that had returned"
                    );
                }
            });
        }
        scope.spawn(move || {
            let mut seen = 0;
            while seen < writers * writes {
                let guard = cell.read();
                assert!(guard.get() >= seen, "{} after {seen}", guard.get());
                seen = guard.get();
                assert_eq!(CellGuard::version(&guard), seen as u64);
            }
        });
    });
    assert_eq!(cell.load().get(), writers * writes);
    assert_eq!(cell.version(), (writers * writes) as u64);
    assert_eq!(cell.stragglers(), 0);
}

/// A cell can be moved: strategy, sides and lock are in it.
pub(super) fn a_cell_moves_between_uses<S: BlockingStrategy + 'static>(new: fn() -> S) {
    let mut cell = AnyCell::with_strategy(vec![0], new());
    for round in 1..4 {
        assert_eq!(cell.read().len(), round);
        let mut moved = Box::new(cell);
        moved.update(|list| list.push(round));
        assert_eq!(moved.read().len(), round + 1);
        // The token of the same thread, at the old address of another cell.
        let mut other = Box::new(AnyCell::with_strategy(vec![], new()));
        assert!(other.read().is_empty());
        swap(&mut *moved, &mut *other);
        assert_eq!((moved.read().len(), other.read().len()), (0, round + 1));
        moved.store(vec![9; 9]);
        assert_eq!((moved.read().len(), other.read().len()), (9, round + 1));
        cell = thread::spawn(move || {
            assert_eq!(other.read().len(), round + 1);
            *other
        })
        .join()
        .unwrap();
    }
    assert_eq!(cell.into_inner(), [0, 1, 2, 3]);
}

pub(super) fn a_panic_publishes_nothing<S: BlockingStrategy + 'static>(new: fn() -> S) {
    /// Panics at the clone of that number.
    #[derive(Debug)]
    struct Fragile(usize, Arc<AtomicUsize>);
    impl Clone for Fragile {
        fn clone(&self) -> Self {
            let clones = self.1.fetch_sub(1, SeqCst);
            assert_ne!(clones, 1, "cloned");
            Self(self.0, Arc::clone(&self.1))
        }
    }

    let clones = Arc::new(AtomicUsize::new(0));
    let value = |n| Fragile(n, Arc::clone(&clones));
    let cell = AnyCell::with_strategy(value(0), new());
    let check = |n: usize, version: u64| {
        assert_eq!((cell.read().0, cell.version()), (n, version));
        elsewhere(|| assert_eq!(cell.stragglers(), 0));
    };
    let closure = || {
        cell.update(|fragile| {
            fragile.0 = 9;
            panic!("closure")
        });
    };
    assert_eq!(panics(closure), "closure");
    check(0, 0);
    assert_eq!(panics(|| cell.rcu(|_| panic!("closure"))), "closure");
    check(0, 0);
    clones.store(1, SeqCst);
    panics_with(|| cell.update(|fragile| fragile.0 = 9), "cloned");
    check(0, 0);
    clones.store(1, SeqCst);
    panics_with(|| drop(cell.load()), "cloned");
    cell.update(|fragile| fragile.0 += 1);
    check(1, 1);
    // Only a value that a reader holds when it was replaced is cloned.
    clones.store(1, SeqCst);
    assert_eq!(cell.swap(value(2)).0, 1);
    let guard = cell.read();
    elsewhere(|| panics_with(|| drop(cell.swap(value(3))), "cloned"));
    drop(guard);
    check(3, 3);
    cell.store(value(4));
    check(4, 4);
}

/// Threads, tasks and cancelled tasks write, and guards are refreshed. No write is lost and none
/// waits forever.
pub(super) fn writers_of_all_kinds<S: BlockingStrategy<GuardToken: Sync>>(new: fn() -> S) {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let rounds = if cfg!(miri) { 5 } else { 300 };
    let cell = &AnyCell::with_strategy(Box::new(0_usize), new());
    let made = &AtomicUsize::new(0);
    thread::scope(|scope| {
        for kind in 0..5_usize {
            scope.spawn(move || {
                let waker = Waker::from(Arc::new(Unpark(thread::current())));
                for round in 0..rounds {
                    let add = |n: &mut Box<usize>| **n += 1;
                    let mut task = Box::pin(cell.update_async(add));
                    let wrote = match kind {
                        0 => cell.try_update(add).is_some(),
                        1 => {
                            cell.update(add);
                            true
                        }
                        2 => {
                            while poll(task.as_mut(), &waker).is_pending() {
                                thread::park();
                            }
                            true
                        }
                        // Cancelled before the first poll, or after it, or after the second.
                        3 => (0..round % 3).any(|_| poll(task.as_mut(), &waker).is_ready()),
                        // Under a guard of its own, a write may panic at most.
                        _ => {
                            let guard = cell.read();
                            let before = **guard;
                            let wrote = !unwinds(|| cell.update(add));
                            assert_eq!(**guard, before, "a guarded value was written");
                            assert!(!wrote || **cell.read() > before, "a write was lost");
                            wrote
                        }
                    };
                    made.fetch_add(usize::from(wrote), SeqCst);
                }
            });
        }
        // Keep guards on up to three values.
        scope.spawn(move || {
            let mut kept = VecDeque::new();
            for round in 0..rounds {
                let guard = cell.read();
                let value = **guard;
                kept.push_back((value, guard));
                if kept.len() > round % 4 {
                    kept.pop_front();
                }
                if round % 7 == 0 {
                    kept.pop_back();
                }
                thread::yield_now();
                for (value, guard) in &kept {
                    assert_eq!(***guard, *value, "a guarded value was written");
                }
            }
        });
        for _ in 0..2 {
            scope.spawn(move || {
                let mut guard = cell.read();
                for round in 0..rounds {
                    let before = **guard;
                    if round % 5 == 0 {
                        let nested = cell.read();
                        assert!(**nested >= before, "{} after {before}", **nested);
                        thread::yield_now();
                        drop(replace(&mut guard, nested));
                    }
                    CellGuard::refresh(&mut guard);
                    assert!(**guard >= before, "{} after {before}", **guard);
                    assert_eq!(CellGuard::version(&guard), **guard as u64);
                    thread::scope(|scope| {
                        let guard = &guard;
                        if round % 50 == 0 {
                            scope.spawn(move || assert!(***guard >= before, "on another thread"));
                        }
                    });
                }
            });
        }
    });
    assert_eq!(**cell.read(), made.load(SeqCst));
    assert_eq!(cell.store_timeout(Box::new(0), Duration::ZERO), Ok(()));
}

#[test]
fn an_update_that_need_not_wait_is_made() {
    let cell = ConcurrentCell::new(1);
    assert_eq!(cell.try_update(|n| replace(n, 2)), Some(1));
    assert_eq!(cell.load(), 2);
}
