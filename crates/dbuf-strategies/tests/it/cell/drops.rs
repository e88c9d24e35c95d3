//! When values are dropped, and destructors that panic or use the cell.

use std::mem::forget;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Weak};

use dbuf_strategies::core::BlockingStrategy;
use dbuf_strategies::{ConcurrentCell, CountStrategy, EpochStrategy};

use super::{AnyCell, Bomb};
use crate::common::{elsewhere, panics};

/// The write that replaces a value drops it. If a reader holds it, the next write drops it, or
/// `catch_up`. The cell drops the values in it.
pub(super) fn values_are_dropped_once<S: BlockingStrategy + 'static>(new: fn() -> S) {
    let all: Vec<_> = (0..6).map(|_| Arc::new(())).collect();
    let live = || {
        all.iter()
            .map(|value| Arc::strong_count(value) - 1)
            .collect::<Vec<_>>()
    };
    let value = |n: usize| Arc::clone(&all[n]);
    let cell = AnyCell::with_strategy(value(0), new());
    cell.store(value(1));
    assert_eq!(live(), [0, 1, 0, 0, 0, 0]);
    let guard = cell.read();
    elsewhere(|| cell.store(value(2)));
    drop(guard);
    assert_eq!(live(), [0, 1, 1, 0, 0, 0]);
    cell.store(value(3));
    assert_eq!(live(), [0, 0, 0, 1, 0, 0]);
    let guard = cell.read();
    elsewhere(|| cell.rcu(|_| value(4)));
    drop(guard);
    cell.catch_up();
    cell.catch_up();
    assert_eq!(live(), [0, 0, 0, 0, 1, 0]);
    assert_eq!(Arc::strong_count(&cell.swap(value(5))), 2);
    cell.update(|_| ());
    assert_eq!(live(), [0, 0, 0, 0, 0, 1]);
    drop(cell);
    assert_eq!(live(), [0; 6]);
}

/// The first write after the last guard of a value that was set aside drops it, or `catch_up`.
/// Until then it is the only one that is kept.
pub(super) fn kept_values_are_dropped_once<S: BlockingStrategy + 'static>(new: fn() -> S) {
    let all: Vec<_> = (0..9).map(|_| Arc::new(())).collect();
    let live = || {
        let live = |value| Arc::strong_count(value) > 1;
        let live = all.iter().enumerate().filter(|(_, value)| live(*value));
        live.map(|(n, _)| n).collect::<Vec<_>>()
    };
    let value = |n: usize| Arc::clone(&all[n]);
    let cell = AnyCell::with_strategy(value(0), new());
    let guard = cell.read();
    let twin = cell.read();
    for n in 1..4 {
        cell.store(value(n));
        assert_eq!(live(), [0, n]);
    }
    drop(guard);
    cell.store(value(4));
    cell.catch_up();
    assert_eq!(live(), [0, 4], "dropped under a guard");
    drop(twin);
    assert_eq!(live(), [0, 4], "a reader dropped a value");
    cell.store(value(5));
    assert_eq!(live(), [5]);
    // Two values are kept, either of which may go first, and a third is on the front.
    for first_goes in [true, false] {
        let first = cell.read();
        cell.store(value(6));
        let second = cell.read();
        cell.store(value(7));
        let front = cell.read();
        assert_eq!(live(), [5, 6, 7]);
        let kept = if first_goes {
            drop(first);
            second
        } else {
            drop(second);
            first
        };
        cell.catch_up();
        assert_eq!(live(), [if first_goes { 6 } else { 5 }, 7]);
        cell.store(value(8));
        drop(kept);
        cell.catch_up();
        assert_eq!(live(), [7, 8]);
        drop(front);
        cell.store(value(5));
        assert_eq!(live(), [5]);
    }
    // The cell drops a value that is kept for a forgotten guard.
    forget(cell.read());
    cell.store(value(6));
    forget(cell.read());
    cell.store(value(7));
    assert_eq!(live(), [5, 6, 7]);
    drop(cell);
    assert_eq!(live(), [0; 0]);
}

pub(super) fn a_destructor_stores_again<S: BlockingStrategy + 'static>(new: fn() -> S) {
    /// Stores its predecessor.
    struct Again<S: BlockingStrategy + 'static>(usize, Weak<AnyCell<Self, S>>);
    impl<S: BlockingStrategy + 'static> Drop for Again<S> {
        fn drop(&mut self) {
            if let (1.., Some(cell)) = (self.0, self.1.upgrade()) {
                cell.store(Self(self.0 - 1, Weak::clone(&self.1)));
            }
        }
    }

    let cell = Arc::new_cyclic(|cell| AnyCell::with_strategy(Again(3, Weak::clone(cell)), new()));
    // Drops 3, which stores 2, which drops 5, and so on: 4, 1, 3, 0, 2; 0 stores nothing.
    cell.store(Again(5, Arc::downgrade(&cell)));
    assert_eq!((cell.read().0, cell.version()), (2, 7));
    elsewhere(|| assert_eq!(cell.stragglers(), 0));
}

/// The destructor of a value that was kept for a guard writes to the cell.
pub(super) fn a_destructor_stores_again_after_its_guard<S: BlockingStrategy + 'static>(
    new: fn() -> S,
) {
    /// Stores a number, and counts that it did.
    struct Again<S: BlockingStrategy + 'static>(usize, Weak<AnyCell<Self, S>>, Arc<AtomicUsize>);
    impl<S: BlockingStrategy + 'static> Drop for Again<S> {
        fn drop(&mut self) {
            if let (1.., Some(cell)) = (self.0, self.1.upgrade()) {
                let none = Self(0, Weak::new(), Arc::clone(&self.2));
                assert!(cell.try_store(none).is_ok(), "the lock was held");
                self.2.fetch_add(1, SeqCst);
            }
        }
    }

    for catches_up in [false, true] {
        let ran = Arc::new(AtomicUsize::new(0));
        let quiet = || Again(0, Weak::new(), Arc::clone(&ran));
        let cell = Arc::new_cyclic(|cell| {
            AnyCell::with_strategy(Again(1, Weak::clone(cell), Arc::clone(&ran)), new())
        });
        let guard = cell.read();
        elsewhere(|| (0..4).for_each(|_| cell.store(quiet())));
        assert_eq!((guard.0, ran.load(SeqCst)), (1, 0));
        drop(guard);
        assert_eq!(ran.load(SeqCst), 0, "a reader dropped a value");
        if catches_up {
            cell.catch_up();
        } else {
            cell.store(quiet());
        }
        assert_eq!(ran.load(SeqCst), 1);
        assert_eq!(cell.version(), 5 + u64::from(!catches_up));
        elsewhere(|| assert_eq!(cell.stragglers(), 0));
    }
}

/// The destructor of a replaced value runs with no lock held, even while a panic unwinds.
#[test]
fn values_are_dropped_unlocked() {
    struct Writes(Weak<ConcurrentCell<Option<Self>>>);
    impl Drop for Writes {
        fn drop(&mut self) {
            if let Some(cell) = self.0.upgrade() {
                assert!(cell.try_store(None).is_ok(), "the lock was held");
            }
        }
    }
    impl Clone for Writes {
        fn clone(&self) -> Self {
            Self(Weak::clone(&self.0))
        }
    }

    let cell = Arc::new(ConcurrentCell::new(None));
    let writes = || Some(Writes(Arc::downgrade(&cell)));
    cell.store(writes());
    cell.store(writes()); // drops the first, which stores `None`, which drops the second ..
    assert!(cell.read().is_none());
    cell.store(writes());
    let unwinds = || {
        cell.update(|_| panic!("closure")); // drops the clone
    };
    assert_eq!(panics(unwinds), "closure");
    assert!(cell.read().is_none());
    cell.store(writes());
    let guard = cell.read();
    elsewhere(|| cell.store(None));
    drop(guard);
    cell.catch_up();
    assert!(cell.read().is_none());
}

/// A value that the write before has kept panics in its destructor. The value that this write
/// replaced is dropped all the same.
#[test]
fn a_leftovers_destructor_may_panic() {
    let drops = Arc::new(AtomicUsize::new(0));
    let cell = AnyCell::with_strategy(Bomb(Arc::clone(&drops), true), CountStrategy::new());
    let guard = cell.read();
    elsewhere(|| cell.store(Bomb(Arc::clone(&drops), false)));
    drop(guard);
    assert_eq!(drops.load(SeqCst), 0);
    let write = || cell.store(Bomb(Arc::clone(&drops), false));
    assert_eq!(panics(write), "dropped");
    assert_eq!((drops.load(SeqCst), cell.version()), (2, 2));
    drop(cell);
    assert_eq!(drops.load(SeqCst), 3);
}

/// The destructor of the replaced value panics. The result of the closure is dropped, and so is
/// the value that `swap` would have returned.
#[test]
fn a_result_is_dropped_if_a_destructor_panics() {
    #[derive(Clone)]
    struct Value(Option<Arc<Bomb>>);
    let value = |bomb: Bomb| Value(Some(Arc::new(bomb)));
    let drops = Arc::new(AtomicUsize::new(0));
    let quiet = || Bomb(Arc::clone(&drops), false);
    let loud = || Bomb(Arc::new(AtomicUsize::new(0)), true);

    let cell = AnyCell::with_strategy(value(loud()), EpochStrategy::new());
    let update = || {
        cell.update(|value| {
            value.0 = None;
            quiet()
        });
    };
    assert_eq!(panics(update), "dropped");
    assert_eq!((drops.load(SeqCst), cell.version()), (1, 1));

    cell.store(value(loud()));
    let guard = cell.read();
    elsewhere(|| cell.store(value(quiet())));
    drop(guard);
    assert_eq!(panics(|| drop(cell.swap(Value(None)))), "dropped");
    assert_eq!((drops.load(SeqCst), cell.version()), (2, 4));
}

/// Values may own cells, even the cell that they are in.
#[test]
fn values_own_cells() {
    #[derive(Clone)]
    struct Node {
        next: Option<Arc<ConcurrentCell<Option<Node>>>>,
    }
    impl Drop for Node {
        fn drop(&mut self) {
            if let Some(next) = &self.next {
                // A use may be refused while another value is dropped.
                let _ = next.try_store(None);
                let _ = next.try_update(|_| ());
            }
        }
    }
    let cell = Arc::new(ConcurrentCell::new(None));
    let itself = || {
        let next = Some(Arc::clone(&cell));
        Some(Node { next })
    };
    cell.store(itself());
    cell.update(|node| *node = None);
    cell.store(itself());
    cell.catch_up();
    cell.store(None);
    assert_eq!(Arc::strong_count(&cell), 1, "a value was not dropped");
}
