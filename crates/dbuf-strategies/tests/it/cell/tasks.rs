//! Writes of tasks, and wakers that use the cell or panic.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use dbuf_strategies::core::BlockingStrategy;
use dbuf_strategies::{
    CellGuard, CountStrategy, EpochStrategy, FlashStrategy, LockStrategy, Watched,
};

use super::{AnyCell, Bomb};
use crate::common::{
    Count, elsewhere, on_wake, panicking_wake, panics, panics_with, poll, unwinds,
};

/// A write that is dropped after any poll changes nothing. One that is not is ready when one of
/// the guards is gone.
pub(super) fn a_cancelled_write_did_nothing<S: BlockingStrategy + 'static>(new: fn() -> S) {
    fn is_send(_: &impl Send) {}

    let cell = AnyCell::with_strategy(Arc::new(0), new());
    let store = |value| {
        let mut task = Box::pin(cell.store_async(value));
        assert!(poll(task.as_mut(), Waker::noop()).is_ready());
    };
    let kept = Arc::new(1);
    drop(cell.store_async(Arc::clone(&kept)));
    assert_eq!(Arc::strong_count(&kept), 1);
    store(Arc::clone(&kept));
    assert_eq!(**cell.read(), 1);

    let guard = cell.read();
    // A task does not panic: the guards of its thread may be another task's.
    store(Arc::new(2));
    let second = cell.read();
    store(Arc::new(3));
    let (woken, waker) = Count::waker();
    let mut cancelled = Box::pin(cell.store_async(Arc::clone(&kept)));
    is_send(&cancelled);
    assert!(poll(cancelled.as_mut(), &waker).is_pending());
    assert_eq!(Arc::strong_count(&kept), 3); // one on the guard's side, one in the future
    drop(cancelled);
    assert_eq!(Arc::strong_count(&kept), 2);
    let ran = Cell::new(false);
    let mut update = Box::pin(cell.update_async(|n| {
        ran.set(true);
        *n = Arc::new(**n + 1);
    }));
    assert!(poll(update.as_mut(), &waker).is_pending());
    assert!(!ran.get());
    drop(second);
    assert_eq!(woken.wakes(), 1);
    while poll(update.as_mut(), &waker).is_pending() {}
    assert!(ran.get());
    assert_eq!((**cell.read(), cell.version()), (4, 4));
    assert_eq!((**guard, Arc::strong_count(&kept)), (1, 2));
    drop(guard);
    cell.catch_up();
    assert_eq!(Arc::strong_count(&kept), 1);
}

/// When either of two guards goes, a waiting task is woken, once, and is ready. A leave that
/// frees neither side wakes no task.
pub(super) fn tasks_are_woken_by_either_guard<S: BlockingStrategy + 'static>(new: fn() -> S) {
    for goes in 0..2 {
        let cell = AnyCell::with_strategy(0, new());
        let mut guards = Vec::new();
        let mut twins = Vec::new();
        for n in 1..3 {
            guards.push(cell.read());
            twins.push(cell.read());
            cell.store(n);
        }
        let (woken, waker) = Count::waker();
        let mut task = Box::pin(cell.store_async(3));
        assert!(poll(task.as_mut(), &waker).is_pending());
        drop(twins);
        drop(cell.read());
        assert_eq!(woken.wakes(), 0, "both values are still kept");
        drop(guards.swap_remove(goes));
        assert_eq!(woken.wakes(), 1);
        assert!(poll(task.as_mut(), &waker).is_ready());
        drop(task);
        assert_eq!((*guards[0], cell.load()), (1 - goes, 3));
        drop(guards);
        assert_eq!(woken.wakes(), 1, "woken once more than it waited");
        assert_eq!(cell.try_store(4), Ok(()));
    }
}

/// A write calls the watchers' wakers. If one panics, the write was made.
#[test]
fn a_watchers_waker_may_panic() {
    let cell = AnyCell::with_strategy(Arc::new(0), Watched::new(EpochStrategy::new()));
    let first = cell.load();
    let mut waiter = cell.strategy().waiter();
    let waker = panicking_wake();
    let polled = waiter.poll_changed(0, &mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    assert_eq!(panics(|| cell.store(Arc::new(1))), "from a waker");
    assert_eq!((**cell.read(), cell.version(), waiter.version()), (1, 1, 1));
    cell.store(Arc::new(2));
    assert_eq!(Arc::strong_count(&first), 1);
    assert_eq!(**cell.read(), 2);
}

/// Every use of a cell begins with the claim (K3), so a waiter that is older is not closed.
#[test]
fn a_waiter_from_before_the_first_use_is_not_closed() {
    let cell = AnyCell::with_strategy(0, Watched::new(EpochStrategy::new()));
    let mut waiter = cell.strategy().waiter();
    let (woken, waker) = Count::waker();
    let mut cx = Context::from_waker(&waker);
    assert!(waiter.poll_changed(0, &mut cx).is_pending(), "closed");
    cell.store(1);
    assert_eq!(woken.wakes(), 1);
    assert_eq!(waiter.poll_changed(0, &mut cx), Poll::Ready(Ok(1)));
}

/// A task's waker reads and writes the cell on the thread whose guard goes: either of two guards
/// that stop all writes, by a drop or a refresh.
fn a_waker_uses_the_cell<S: BlockingStrategy + 'static>(new: fn() -> S) {
    for (goes, refreshes) in [(0, false), (0, true), (1, false), (1, true)] {
        let cell = Arc::new(AnyCell::with_strategy(0, new()));
        let mut guards = Vec::new();
        for n in 1..3 {
            guards.push(cell.read());
            elsewhere(|| cell.store(n));
        }
        let ran = Arc::new(AtomicUsize::new(0));
        let (inner, count) = (Arc::clone(&cell), Arc::clone(&ran));
        let waker = on_wake(move || {
            count.fetch_add(1, SeqCst);
            assert_eq!(inner.load(), 2);
            inner.store(3);
            // A refreshed guard is on the value that this write replaced.
            assert_eq!(unwinds(|| inner.update(|n| *n += 1)), refreshes);
            assert_eq!(unwinds(|| inner.store(5)), refreshes);
        });
        let mut task = Box::pin(cell.store_async(9));
        assert!(poll(task.as_mut(), &waker).is_pending());
        let mut guard = guards.swap_remove(goes);
        if refreshes {
            assert!(CellGuard::refresh(&mut guard));
            assert_eq!(*guard, 2);
        } else {
            drop(guard);
            assert_eq!(cell.load(), 5);
        }
        assert_eq!((ran.load(SeqCst), *guards[0]), (1, 1 - goes));
        drop(guards);
        while poll(task.as_mut(), Waker::noop()).is_pending() {}
        assert_eq!(cell.load(), 9);
    }
}

#[test]
fn wakers_use_the_cell() {
    a_waker_uses_the_cell(CountStrategy::new);
    a_waker_uses_the_cell(EpochStrategy::new);
    a_waker_uses_the_cell(FlashStrategy::new);
    a_waker_uses_the_cell(LockStrategy::new);
}

/// The waker of a task that waits for the lock panics when another write unlocks. That write
/// was made, and the values are dropped once.
#[test]
fn an_unlock_whose_waker_panics() {
    let drops = Arc::new(AtomicUsize::new(0));
    let bomb = || Bomb(Arc::clone(&drops), false);
    let cell = AnyCell::with_strategy(bomb(), FlashStrategy::new());
    let waker = panicking_wake();
    let mut task = Box::pin(cell.store_async(bomb()));
    let write = || {
        cell.rcu(|_| {
            assert!(poll(task.as_mut(), &waker).is_pending());
            bomb()
        });
    };
    assert_eq!(panics(write), "from a waker");
    assert_eq!((drops.load(SeqCst), cell.version()), (1, 1));
    assert!(poll(task.as_mut(), Waker::noop()).is_ready());
    assert_eq!((drops.load(SeqCst), cell.version()), (2, 2));
    drop(task);
    // The same while a panic unwinds.
    let waker = panicking_wake();
    let mut task = Box::pin(cell.store_async(bomb()));
    let write = || {
        cell.rcu(|_| {
            assert!(poll(task.as_mut(), &waker).is_pending());
            panic!("closure")
        });
    };
    assert_eq!(panics(write), "closure");
    assert!(poll(task.as_mut(), Waker::noop()).is_ready());
    drop(task);
    assert_eq!(cell.version(), 3);
    drop(cell);
    assert_eq!(drops.load(SeqCst), 4);
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A watcher's waker polls a write at once, under the lock of the write that called it.
#[test]
fn a_watchers_waker_writes() {
    let cell = Arc::new(AnyCell::with_strategy(
        0,
        Watched::new(CountStrategy::new()),
    ));
    cell.store(1);
    let mut waiter = cell.strategy().waiter();
    let inner = Arc::clone(&cell);
    let done = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&done);
    let waker = on_wake(move || {
        assert_eq!(inner.load(), 2);
        assert_eq!(inner.try_store(7), Err(7));
        panics_with(|| inner.store(7), "while it changes");
        let moved = Arc::clone(&inner);
        let mut task: Task = Box::pin(async move { moved.store_async(3).await });
        // The unlock wakes it, on this thread.
        let shared = Arc::new(Mutex::new(None::<Task>));
        let slot = Arc::clone(&shared);
        let again = on_wake(move || {
            let mut task = slot.lock().unwrap().take().unwrap();
            assert!(poll(task.as_mut(), Waker::noop()).is_ready());
            count.fetch_add(1, SeqCst);
        });
        assert!(poll(task.as_mut(), &again).is_pending());
        *shared.lock().unwrap() = Some(task);
    });
    assert!(
        waiter
            .poll_changed(1, &mut Context::from_waker(&waker))
            .is_pending()
    );
    cell.store(2);
    assert_eq!((done.load(SeqCst), cell.load()), (1, 3));
}
