//! Guards that are kept: what they show, and which writes wait for them.

use std::mem::forget;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use dbuf_strategies::core::BlockingStrategy;
use dbuf_strategies::{CellGuard, EpochStrategy};

use super::{AnyCell, Plain};
use crate::common::{elsewhere, panics_with, poll};

/// A nested guard and a refreshed one see the last write too.
pub(super) fn a_guard_keeps_its_value<S: BlockingStrategy + 'static>(new: fn() -> S) {
    let cell = AnyCell::with_strategy(Plain(0), new());
    let mut guard = cell.read();
    elsewhere(|| cell.store(Plain(1)));
    let nested = cell.read();
    elsewhere(|| {
        assert_eq!(cell.try_store(Plain(2)), Err(Plain(2)));
        cell.store(Plain(2)); // sets a side aside
    });
    let newest = cell.read();
    let shown = [&*guard, &*nested, &*newest];
    assert_eq!(shown, [&Plain(0), &Plain(1), &Plain(2)]);
    elsewhere(|| {
        assert_eq!(cell.try_store(Plain(3)), Err(Plain(3)));
        let timeout = Duration::from_millis(1);
        assert_eq!(cell.store_timeout(Plain(3), timeout), Err(Plain(3)));
        assert_eq!(cell.stragglers(), 1);
    });
    drop(nested);
    assert!(CellGuard::refresh(&mut guard));
    assert_eq!(*guard, Plain(2));
    assert!(!CellGuard::refresh(&mut guard), "nothing is new");
    elsewhere(|| (3..10).for_each(|n| cell.store(Plain(n))));
    assert_eq!((&*guard, &*newest), (&Plain(2), &Plain(2)));
    drop((guard, newest));
    assert_eq!(cell.with(|value| value.0), 9);
    assert_eq!(cell.into_inner(), Plain(9));
}

/// Guards of one value, on this thread or others, keep no write waiting. Nothing is cloned, and
/// replaced values are dropped, but for the one that is kept.
pub(super) fn a_kept_guard_stops_no_write<S: BlockingStrategy + 'static>(new: fn() -> S) {
    let live = Arc::new(());
    let cell = AnyCell::with_strategy((0, Arc::clone(&live)), new());
    for kept_since in [0, 201] {
        let guard = cell.read();
        let version = CellGuard::version(&guard);
        let store = |n: usize| {
            cell.store((n, Arc::clone(&live)));
            assert_eq!(cell.with(|value| value.0), n);
            // The kept value, the published one, and this thread's own.
            assert_eq!(Arc::strong_count(&live), 3);
        };
        elsewhere(|| (1..=100).for_each(|n| store(kept_since + n)));
        (101..=200).for_each(|n| store(kept_since + n));
        assert_eq!((guard.0, CellGuard::version(&guard)), (kept_since, version));
        drop(guard);
        cell.store((201, Arc::clone(&live)));
        assert_eq!(Arc::strong_count(&live), 2);
    }
}

/// A write waits while guards keep two replaced values, and goes on when either is gone.
pub(super) fn guards_of_two_values_stop_writes<S: BlockingStrategy + 'static>(new: fn() -> S) {
    for goes in 0..2 {
        let cell = AnyCell::with_strategy(Plain(0), new());
        let mut guards = Vec::new();
        for n in 1..3 {
            guards.push(cell.read());
            elsewhere(|| cell.store(Plain(n)));
        }
        let writes = || cell.store_timeout(Plain(3), Duration::from_millis(1));
        elsewhere(|| {
            assert_eq!(writes(), Err(Plain(3)));
            assert_eq!((cell.version(), cell.stragglers()), (2, 1));
        });
        let kept = 1 - goes;
        drop(guards.swap_remove(goes));
        elsewhere(|| {
            assert_eq!(writes(), Ok(()));
            (4..20).for_each(|n| cell.store(Plain(n)));
        });
        assert_eq!((&*guards[0], &*cell.read()), (&Plain(kept), &Plain(19)));
        // Once more, with the sides in other roles.
        let newer = cell.read();
        elsewhere(|| {
            cell.store(Plain(20));
            assert_eq!(writes(), Err(Plain(3)));
        });
        assert_eq!((&*newer, &*cell.read()), (&Plain(19), &Plain(20)));
        drop(guards);
        elsewhere(|| (21..30).for_each(|n| cell.store(Plain(n))));
        assert_eq!((&*newer, &*cell.read()), (&Plain(19), &Plain(29)));
        drop(newer);
        elsewhere(|| assert_eq!(cell.try_store(Plain(30)), Ok(())));
        assert_eq!(cell.into_inner(), Plain(30));
    }
}

/// No thread inherits a forgotten guard, and the values come out of the cell. One forgotten
/// guard stops no write; two, on two values, stop all writes and no read.
pub(super) fn a_forgotten_guard_only_delays<S: BlockingStrategy + 'static>(new: fn() -> S) {
    let cell = AnyCell::with_strategy(0, new());
    elsewhere(|| {
        forget(cell.read());
        (1..=100).for_each(|n| cell.store(n));
    });
    // Its thread has ended.
    (101..=200).for_each(|n| cell.store(n));
    assert_eq!((cell.load(), cell.version()), (200, 200));
    elsewhere(|| {
        forget(cell.read());
        cell.store(201);
        panics_with(|| cell.store(9), "holds a guard");
    });
    assert_eq!(cell.try_store(9), Err(9));
    let timeout = Duration::from_millis(1);
    assert_eq!(cell.store_timeout(9, timeout), Err(9));
    assert!(poll(Box::pin(cell.store_async(9)).as_mut(), Waker::noop()).is_pending());
    cell.catch_up();
    assert_eq!((cell.load(), cell.stragglers()), (201, 1));
    assert_eq!(cell.into_inner(), 201);
}

/// A guard that is taken in a closure may be kept or forgotten.
#[test]
fn guards_outlive_the_update_they_were_taken_in() {
    let cell = AnyCell::with_strategy(vec![0], EpochStrategy::new());
    let mut kept = None;
    cell.update(|list| {
        kept = Some(cell.read());
        list.push(1);
    });
    let guard = kept.unwrap();
    assert_eq!((&**guard, &**cell.read()), (&[0][..], &[0, 1][..]));
    elsewhere(|| assert_eq!(cell.try_store(vec![]), Err(vec![])));
    // A second guard, of another value.
    let mut kept = None;
    cell.update(|list| {
        kept = Some(cell.read());
        list.push(2);
    });
    let second = kept.unwrap();
    assert_eq!((&**second, cell.read().len()), (&[0, 1][..], 3));
    panics_with(|| cell.store(vec![]), "holds a guard");
    panics_with(|| cell.update(|_| ()), "holds a guard");
    drop((guard, second));
    for n in 3..5 {
        cell.update(|list| {
            forget(cell.read());
            list.push(n);
        });
    }
    assert_eq!(cell.try_update(|_| ()), None);
    panics_with(|| cell.update(|_| ()), "holds a guard");
    elsewhere(|| assert_eq!(cell.store_timeout(vec![], Duration::ZERO), Err(vec![])));
    assert_eq!(cell.into_inner(), [0, 1, 2, 3, 4]);
}
