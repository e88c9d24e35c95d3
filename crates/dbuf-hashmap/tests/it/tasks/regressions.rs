//! Bugs that other crates had with wakes and cancelled swaps, by their numbers.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use super::{MapStrategy, map, over_strategies};
use crate::futures::{Polled, poll_and_cancel};

over_strategies! {
    bug_09_leave_before_the_first_poll_is_not_lost
    bug_09_no_wake_is_lost_to_a_reader_on_another_thread
    bug_10_spurious_polls_and_other_wakers_end_no_wait
    bug_11_cancelled_wait_allows_no_write_under_a_guard
    bug_11_cancelled_wait_takes_no_wake_of_another
}

fn bug_09_leave_before_the_first_poll_is_not_lost<S: MapStrategy>(new: fn() -> S) {
    let map = map(new());
    let reader = map.reader();
    let guard = reader.read();
    pollster::block_on(map.insert_async(1, 1));
    let mut insert = Polled::new(map.insert_async(2, 2));
    drop(guard);
    assert!(insert.poll().is_ready());
}

/// A lost wake hangs this test: every insert meets the previous guard, at any point of its
/// release.
fn bug_09_no_wake_is_lost_to_a_reader_on_another_thread<S: MapStrategy>(new: fn() -> S) {
    let map = map(new());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut seen = None;
            while !done.load(SeqCst) {
                let now = map.get_with(&1, |value| *value);
                assert!(now >= seen, "read {now:?} after {seen:?}");
                seen = now;
            }
        });
        pollster::block_on(async {
            for value in 0..if cfg!(miri) { 20 } else { 20_000 } {
                map.insert_async(1, value).await;
            }
        });
        done.store(true, SeqCst);
    });
}

fn bug_10_spurious_polls_and_other_wakers_end_no_wait<S: MapStrategy>(new: fn() -> S) {
    let map = map(new());
    let reader = map.reader();
    let guard = reader.read();
    pollster::block_on(map.insert_async(1, 1));
    let mut insert = Polled::new(map.insert_async(2, 2));
    let mut stale = vec![];
    for _ in 0..3 {
        assert!(insert.poll().is_pending());
        assert!(insert.poll().is_pending());
        stale.push(insert.count.clone());
        insert.change_waker();
    }
    assert!(insert.poll().is_pending());
    drop(guard);
    assert_eq!(insert.count.wakes(), 1);
    for waker in stale {
        assert_eq!(waker.wakes(), 0, "a replaced waker is called");
    }
    assert!(insert.poll().is_ready());
}

fn bug_11_cancelled_wait_allows_no_write_under_a_guard<S: MapStrategy>(new: fn() -> S) {
    let map = map(new());
    map.insert(1, 1);
    let reader = map.reader();
    let guard = reader.read();
    assert_eq!(poll_and_cancel(map.insert_async(1, 2), 1), Some(Some(1)));
    for _ in 0..3 {
        assert!(poll_and_cancel(map.insert_async(1, 3), 2).is_none());
        assert!(poll_and_cancel(map.write_async(), 2).is_none());
        assert!(map.try_write().is_none());
    }
    assert_eq!((guard.get(&1), map.get_cloned(&1)), (Some(&1), Some(2)));
    drop(guard);
    // The next writer finishes the swap, by either kind of call.
    map.insert(1, 4);
    assert_eq!(poll_and_cancel(map.insert_async(1, 5), 1), Some(Some(4)));
}

/// One of two waiting tasks is dropped. The other one still gets its wake.
fn bug_11_cancelled_wait_takes_no_wake_of_another<S: MapStrategy>(new: fn() -> S) {
    for dropped in 0..2 {
        let map = map(new());
        let reader = map.reader();
        let guard = reader.read();
        map_insert_elsewhere(&map);
        let mut waiting: Vec<_> = (0..2)
            .map(|n| Polled::new(map.insert_async(n, n)))
            .collect();
        for insert in &mut waiting {
            assert!(insert.poll().is_pending());
        }
        let gone = waiting.swap_remove(dropped).count.clone();
        drop(guard);
        assert_eq!((gone.wakes(), waiting[0].count.wakes()), (0, 1));
        assert!(waiting[0].poll().is_ready());
    }
}

/// Inserts from a thread that holds no guard.
fn map_insert_elsewhere<S: MapStrategy>(map: &super::Map<S>) {
    thread::scope(|scope| {
        scope.spawn(|| map.insert(9, 9));
    });
}
