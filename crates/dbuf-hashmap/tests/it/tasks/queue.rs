//! Tasks that wait for a batch or for readers, together with threads. No task is woken in vain, no
//! change is lost, and every call returns.

use std::sync::Barrier;
use std::task::Poll;
use std::thread::{self, Scope};

use dbuf_hashmap::PublishPolicy;

use super::{Map, MapStrategy, map, map_with, over_strategies};
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

/// Inserts that wait for what the map is used for now.
fn waiting<S: MapStrategy>(map: &Map<S>, number: u32, value: u32) -> Vec<Insert<'_>> {
    let inserts = (0..number).map(|key| {
        let mut insert = Polled::new(map.insert_async(key, value));
        assert!(insert.poll().is_pending(), "{key} does not wait");
        insert
    });
    inserts.collect()
}

type Insert<'m> = Polled<'m, Option<u32>>;

/// Checks that reads wake no task, and that each task is woken once when `held` is dropped.
fn each_is_polled_twice<S: MapStrategy, T>(map: &Map<S>, held: T) {
    let len = map.len();
    let mut waiting = waiting(map, 20, 7);
    for _ in 0..100 {
        assert_eq!(map.get_cloned(&0), None);
    }
    let wakes: usize = waiting.iter().map(|insert| insert.count.wakes()).sum();
    assert_eq!(wakes, 0, "a read wakes a task");
    drop(held);
    for (at, insert) in waiting.iter_mut().enumerate() {
        // The previous task wakes each one, once.
        assert_eq!(insert.count.wakes(), 1, "wakes of task {at}");
        assert!(insert.poll().is_ready(), "task {at} waits on");
        assert_eq!(insert.polls, 2);
    }
    assert_eq!((map.len(), map.queued_writers()), (len + 20, 0));
}

fn behind_a_batch_each_is_polled_twice<S: MapStrategy>(new: fn() -> S) {
    let map = map(new());
    each_is_polled_twice(&map, pollster::block_on(map.write_async()));
}

fn behind_a_reader_each_is_polled_twice<S: MapStrategy>(new: fn() -> S) {
    let map = map(new());
    let reader = map.reader();
    let guard = reader.read();
    pollster::block_on(map.insert_async(99, 99));
    assert_eq!(map.stragglers(), 1);
    each_is_polled_twice(&map, guard);
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

/// Starts threads that insert 10, 11 and 12, and returns when `queue` writers wait.
fn block<'s, S: MapStrategy>(scope: &'s Scope<'s, '_>, map: &'s Map<S>, value: u32, queue: usize) {
    for key in 10..13 {
        scope.spawn(move || {
            map.insert(key, value);
            assert_eq!(map.get_cloned(&key), Some(value), "not seen by its writer");
        });
    }
    while map.queued_writers() < queue {
        thread::yield_now();
    }
}

/// Like `run_woken`, where other threads may have to wake the tasks first.
fn run_sleeping(tasks: Vec<Insert<'_>>) {
    let mut tasks: Vec<_> = tasks.into_iter().map(Some).collect();
    while tasks.iter().any(Option::is_some) {
        for slot in &mut tasks {
            if slot.as_ref().is_some_and(|task| task.count.take())
                && let Some(Poll::Ready(_)) = slot.as_mut().map(Polled::poll)
            {
                *slot = None;
            }
        }
        thread::yield_now();
    }
}

const ROUNDS: u32 = if cfg!(miri) { 2 } else { 100 };

/// Rounds of threads that block, and tasks of which half are cancelled while they wait for the
/// lock.
fn changes_outlive_tasks_that_are_cancelled<S: MapStrategy>(new: fn() -> S) {
    let map = map(new());
    for round in 0..ROUNDS {
        let batch = pollster::block_on(map.write_async());
        thread::scope(|scope| {
            let mut tasks = waiting(&map, 2, round);
            block(scope, &map, round, 5);
            // One task waits before the threads and one after them.
            let mut late = [2, 3].map(|key| Polled::new(map.insert_async(key, round)));
            assert!(late.iter_mut().all(|task| task.poll().is_pending()));
            let [cancelled, kept] = late;
            drop(cancelled);
            drop(batch);
            drop(tasks.remove(0));
            tasks.push(kept);
            run_sleeping(tasks);
        });
        let now = map.read();
        assert_eq!(
            [1, 3, 10, 11, 12].map(|key| now.get(&key)),
            [Some(&round); 5]
        );
        assert_eq!(now.len(), 5);
    }
    assert_eq!(map.queued_writers(), 0);
}

/// The same with a straggler, which threads and tasks wait for together.
fn changes_outlive_tasks_that_are_cancelled_behind_a_reader<S: MapStrategy>(new: fn() -> S) {
    let map = map(new());
    let reader = map.reader();
    for round in 0..ROUNDS {
        let guard = reader.read();
        pollster::block_on(map.insert_async(99, round));
        thread::scope(|scope| {
            let mut tasks = waiting(&map, 2, round);
            block(scope, &map, round, 5);
            drop(tasks.remove(0));
            drop(guard);
            run_sleeping(tasks);
        });
        let now = map.read();
        assert_eq!(
            [1, 10, 11, 12, 99].map(|key| now.get(&key)),
            [Some(&round); 5]
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
        run_sleeping(vec![behind]);
    });
    assert_eq!(map.len(), 3);
}

/// A waiter that is woken and dropped does not keep the lock from others.
#[test]
fn a_woken_task_that_is_dropped_passes_the_lock_on() {
    let map = map(dbuf_hashmap::DefaultStrategy::new());
    for dropped in 0..5 {
        let batch = pollster::block_on(map.write_async());
        let mut waiting: Vec<_> = waiting(&map, 5, dropped).into_iter().map(Some).collect();
        drop(batch);
        waiting[0] = None;
        waiting[dropped as usize] = None;
        run_woken(waiting, |_, _| {});
        assert!(map.try_write().is_some(), "the lock is not free");
    }
}
