//! Tasks that wait for a batch or for readers, together with threads. No task is woken in vain, no
//! change is lost, and every call returns.

use std::sync::Barrier;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use dbuf_hashmap::PublishPolicy;

use super::{MapStrategy, map, map_with, over_strategies};
use crate::futures::{Polled, poll_and_cancel, run_woken, yield_now};

over_strategies! {
    behind_a_batch_each_is_polled_twice
    behind_a_reader_each_is_polled_twice
    a_cancelled_batch_publishes_and_a_cancelled_transaction_does_not
    changes_outlive_tasks_that_are_cancelled
    changes_outlive_tasks_that_are_cancelled_behind_a_reader
    a_failing_task_undoes_no_pending_change
    a_batch_may_move_between_threads
}

fn behind_a_batch_each_is_polled_twice<S: MapStrategy>(new: fn() -> S) {
    let map = map(new());
    let batch = pollster::block_on(map.write_async());
    let mut waiting: Vec<_> = (0..20)
        .map(|n| Polled::new(map.insert_async(n, n)))
        .collect();
    for insert in &mut waiting {
        assert!(insert.poll().is_pending());
    }
    for _ in 0..100 {
        assert!(map.is_empty()); // readers wake no task
    }
    assert!(waiting.iter().all(|insert| insert.count.wakes() == 0));
    drop(batch);
    for (at, insert) in waiting.iter_mut().enumerate() {
        // The previous task wakes each one, once.
        assert_eq!(insert.count.wakes(), 1, "{at}");
        assert!(insert.poll().is_ready());
        assert_eq!(insert.polls, 2);
    }
    assert_eq!((map.len(), map.queued_writers()), (20, 0));
}

fn behind_a_reader_each_is_polled_twice<S: MapStrategy>(new: fn() -> S) {
    let map = map(new());
    let reader = map.reader();
    let guard = reader.read();
    pollster::block_on(map.insert_async(99, 99));
    let mut waiting: Vec<_> = (0..20)
        .map(|n| Polled::new(map.insert_async(n, n)))
        .collect();
    for insert in &mut waiting {
        assert!(insert.poll().is_pending());
    }
    for _ in 0..100 {
        assert_eq!(reader.get(&99).as_deref(), Some(&99));
    }
    assert!(waiting.iter().all(|insert| insert.count.wakes() == 0));
    assert_eq!(map.stragglers(), 1);
    drop(guard);
    for insert in &mut waiting {
        assert_eq!(insert.count.wakes(), 1);
        assert!(insert.poll().is_ready());
        assert_eq!(insert.polls, 2);
    }
    assert_eq!(map.len(), 21);
}

fn a_cancelled_batch_publishes_and_a_cancelled_transaction_does_not<S: MapStrategy>(
    new: fn() -> S,
) {
    let map = map(new());
    let batch = async {
        let mut batch = map.write_async().await;
        batch.insert(1, 1);
        yield_now().await;
        batch.insert(2, 2);
    };
    assert_eq!(poll_and_cancel(batch, 1), None);
    assert_eq!((map.get_cloned(&1), map.get_cloned(&2)), (Some(1), None));
    let transaction = map.transact_async(async |batch| {
        batch.insert(3, 3);
        yield_now().await;
        Ok::<_, ()>(())
    });
    assert_eq!(poll_and_cancel(transaction, 1), None);
    assert_eq!(map.len(), 1);
    assert_eq!(poll_and_cancel(map.insert_async(3, 4), 1), Some(None));
}

/// Rounds of threads that block, and tasks of which half are cancelled while they wait for the
/// lock.
fn changes_outlive_tasks_that_are_cancelled<S: MapStrategy>(new: fn() -> S) {
    let map = map(new());
    for round in 0..if cfg!(miri) { 2 } else { 100 } {
        let batch = pollster::block_on(map.write_async());
        let mut tasks: Vec<_> = (0..4)
            .map(|n| Polled::new(map.insert_async(n, round)))
            .collect();
        thread::scope(|scope| {
            assert!(tasks[0].poll().is_pending());
            assert!(tasks[1].poll().is_pending());
            for key in 10..13 {
                let map = &map;
                scope.spawn(move || {
                    map.insert(key, round);
                    assert_eq!(map.get_cloned(&key), Some(round), "not seen by its writer");
                });
            }
            while map.queued_writers() < 5 {
                thread::yield_now();
            }
            assert!(tasks[2].poll().is_pending());
            assert!(tasks[3].poll().is_pending());
            // One task waits before the threads and one after them.
            drop(tasks.remove(2));
            drop(batch);
            drop(tasks.remove(0));
            let left = tasks.into_iter().map(Some).collect();
            run_sleeping(left);
        });
        // The two remaining tasks are 1 and 3.
        let guard = map.read();
        for key in [1, 3, 10, 11, 12] {
            assert_eq!(guard.get(&key), Some(&round), "{key}");
        }
        assert_eq!(guard.len(), 5);
    }
    assert_eq!(map.queued_writers(), 0);
}

/// Like `run_woken`, where other threads may have to wake the tasks first.
fn run_sleeping(mut tasks: Vec<Option<Polled<'_, Option<u32>>>>) {
    while tasks.iter().any(Option::is_some) {
        for slot in &mut tasks {
            if slot.as_ref().is_some_and(|task| task.count.take()) {
                if let Some(Poll::Ready(_)) = slot.as_mut().map(Polled::poll) {
                    *slot = None;
                }
            }
        }
        thread::yield_now();
    }
}

/// The same with a straggler, which threads and tasks wait for together.
fn changes_outlive_tasks_that_are_cancelled_behind_a_reader<S: MapStrategy>(new: fn() -> S) {
    let map = map(new());
    let reader = map.reader();
    for round in 0..if cfg!(miri) { 2 } else { 100 } {
        let guard = reader.read();
        pollster::block_on(map.insert_async(99, round));
        thread::scope(|scope| {
            let mut tasks: Vec<_> = (0..2)
                .map(|n| Polled::new(map.insert_async(n, round)))
                .collect();
            assert!(tasks.iter_mut().all(|task| task.poll().is_pending()));
            for key in 10..13 {
                let map = &map;
                scope.spawn(move || {
                    map.insert(key, round);
                    assert_eq!(map.get_cloned(&key), Some(round), "not seen by its writer");
                });
            }
            while map.queued_writers() < 5 {
                thread::yield_now();
            }
            drop(tasks.remove(0));
            drop(guard);
            run_sleeping(tasks.into_iter().map(Some).collect());
        });
        let now = map.read();
        assert!(
            [1, 10, 11, 12, 99]
                .iter()
                .all(|key| now.get(key) == Some(&round))
        );
        assert_eq!(now.len(), 5);
    }
}

/// A single change of a task follows the policy, and the rollback of a task undoes no pending
/// change.
fn a_failing_task_undoes_no_pending_change<S: MapStrategy>(new: fn() -> S) {
    let map = map_with(new(), PublishPolicy::Every(100));
    map.insert(1, 1);
    map.insert(2, 2);
    assert!(map.is_empty());
    let refused = map.transact_async(async |batch| {
        assert_eq!(batch.len(), 2);
        batch.clear();
        Err::<(), _>("no")
    });
    assert_eq!(pollster::block_on(refused), Err("no"));
    let cut = map.transact_async(async |batch| {
        batch.clear();
        yield_now().await;
        Ok::<_, ()>(())
    });
    assert_eq!(poll_and_cancel(cut, 1), None);
    assert!(map.is_empty());
    assert_eq!(pollster::block_on(map.insert_async(3, 3)), None);
    assert!(map.is_empty());
    pollster::block_on(map.write_async()).publish();
    assert_eq!(map.get_cloned(&3), Some(3));
    assert_eq!((map.get_cloned(&1), map.get_cloned(&2)), (Some(1), Some(2)));
}

fn a_batch_may_move_between_threads<S: MapStrategy>(new: fn() -> S) {
    let map = map(new());
    let mut batch = pollster::block_on(map.write_async());
    batch.insert(1, 1);
    let moved = Barrier::new(2);
    thread::scope(|scope| {
        let (map, moved) = (&map, &moved);
        scope.spawn(move || {
            moved.wait();
            batch.insert(2, 2);
            drop(batch);
        });
        let mut behind = Polled::new(map.insert_async(3, 3));
        assert!(behind.poll().is_pending());
        moved.wait();
        run_sleeping(vec![Some(behind)]);
    });
    assert_eq!(map.len(), 3);
}

/// A waiter that is woken and dropped does not keep the lock from others.
#[test]
fn a_woken_task_that_is_dropped_passes_the_lock_on() {
    let map = map(dbuf_hashmap::DefaultStrategy::new());
    for dropped in 0..5 {
        let batch = pollster::block_on(map.write_async());
        let mut waiting: Vec<_> = (0..5)
            .map(|n| Some(Polled::new(map.insert_async(n, dropped))))
            .collect();
        for insert in waiting.iter_mut().flatten() {
            assert!(insert.poll().is_pending());
        }
        drop(batch);
        waiting[0] = None;
        waiting[dropped as usize] = None;
        run_woken(waiting, |_, _| {});
        assert!(map.try_write().is_some());
    }
}

/// Polls until the call has waited for longer than any patience.
fn poll_for_long<T>(waits: &mut Polled<'_, T>) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(3) {
        assert!(waits.poll().is_pending());
    }
}

/// After its patience a writer that waits for the lock is not overtaken once.
#[test]
fn a_writer_that_waited_for_long_gets_the_next_turn() {
    let map = map(dbuf_hashmap::DefaultStrategy::new());
    let batch = pollster::block_on(map.write_async());
    let mut waits = Polled::new(map.insert_async(1, 1));
    poll_for_long(&mut waits);
    drop(batch);
    let mut later = Polled::new(map.insert_async(2, 2));
    assert!(later.poll().is_pending(), "leaves the turn to the first");
    // A publish needs no turn.
    assert!(!map.publish().is_published());
    assert!(waits.poll().is_ready());
    assert!(later.poll().is_ready());
}

/// Nor is a writer that waits for readers, although others arrive after the readers are gone.
#[test]
fn a_writer_that_waited_for_readers_gets_the_next_turn() {
    let map = map(dbuf_hashmap::DefaultStrategy::new());
    let reader = map.reader();
    let guard = reader.read();
    pollster::block_on(map.insert_async(0, 0));
    let mut waits = Polled::new(map.insert_async(1, 1));
    poll_for_long(&mut waits);
    drop(guard);
    let mut later = Polled::new(map.insert_async(2, 2));
    assert!(later.poll().is_pending(), "leaves the turn to the first");
    assert!(waits.poll().is_ready());
    assert!(later.poll().is_ready());
}

/// The turn of a writer ends when the writer is dropped.
#[test]
fn a_turn_ends_with_its_writer() {
    let map = map(dbuf_hashmap::DefaultStrategy::new());
    let batch = pollster::block_on(map.write_async());
    let mut waits = Polled::new(map.insert_async(1, 1));
    poll_for_long(&mut waits);
    drop(batch);
    drop(waits);
    assert!(Polled::new(map.insert_async(2, 2)).poll().is_ready());
}

/// A task that has reserved the next turn, and is neither polled nor dropped, delays other
/// writers only until its turn lapses.
#[test]
fn an_unused_turn_lapses() {
    let map = map(dbuf_hashmap::DefaultStrategy::new());
    let batch = pollster::block_on(map.write_async());
    let mut waits = Polled::new(map.insert_async(1, 1));
    poll_for_long(&mut waits);
    drop(batch);
    // A thread waits for the turn to lapse; a task is woken by then.
    map.insert(2, 2);
    let mut later = Polled::new(map.insert_async(3, 3));
    while later.poll().is_pending() {
        assert!(
            later.count.wakes() > 0,
            "the writer sleeps until a task runs that is never polled"
        );
    }
    assert!(map.try_write().is_some());
    assert_eq!(map.len(), 2);
    assert!(waits.poll().is_ready());
}
