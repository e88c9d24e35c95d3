//! The same program on four executors, together with threads that block.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use super::{Map, MapStrategy, map, over_strategies};
use crate::futures::counted;

const TASKS: u32 = 4;
const WRITES: u32 = 300;

over_strategies! {
    tasks_on_tokio_see_their_writes
    tasks_on_one_thread_of_tokio_see_their_writes
    tasks_on_smol_see_their_writes
    tasks_on_pollster_see_their_writes
}

/// Writes its own keys, and sees each once the call has returned.
async fn write_and_read<S: MapStrategy>(map: Map<S>, id: u32) {
    for n in 0..WRITES {
        let key = id * WRITES + n;
        map.insert_async(key, n).await;
        assert_eq!(map.get_cloned(&key), Some(n));
        assert_eq!(map.update_async(&key, |now| *now + 1).await, Some(n + 1));
        let moved = map.transact_async(async |batch| {
            let now = batch.get(&key).copied().ok_or("gone")?;
            batch.insert(u32::MAX - key, now);
            if n % 2 == 0 { Ok(()) } else { Err("odd") }
        });
        assert_eq!(moved.await.is_ok(), n % 2 == 0);
        assert_eq!(map.contains_key(&(u32::MAX - key)), n % 2 == 0);
        if n % 3 == 0 {
            assert_eq!(map.remove_async(&key).await, Some(n));
            assert!(!map.contains_key(&key));
        }
    }
}

/// The same from a thread that blocks.
fn block_and_read<S: MapStrategy>(map: &Map<S>, id: u32) {
    for n in 0..WRITES {
        let key = id * WRITES + n;
        map.insert(key, n);
        assert_eq!(map.get_cloned(&key), Some(n));
        if n % 3 == 0 {
            assert_eq!(map.remove(&key), Some(n));
        }
    }
}

/// Runs tasks by `run` together with two threads, and checks that no write is lost.
fn beside_threads<S: MapStrategy>(new: fn() -> S, run: impl Fn(&Map<S>) + Sync) {
    let map = map(new());
    thread::scope(|scope| {
        scope.spawn(|| block_and_read(&map, TASKS));
        scope.spawn(|| block_and_read(&map, TASKS + 1));
        run(&map);
    });
    let left = WRITES - WRITES.div_ceil(3);
    let copies = WRITES.div_ceil(2);
    assert_eq!(map.len() as u32, (TASKS + 2) * left + TASKS * copies);
    // Checks the other copy too.
    let batch = map.write();
    assert_eq!(batch.as_map(), batch.published());
}

fn on_tokio<S: MapStrategy>(map: &Map<S>, mut builder: tokio::runtime::Builder) {
    builder.build().unwrap().block_on(async {
        let spawned = (0..TASKS).map(|id| tokio::spawn(write_and_read(map.clone(), id)));
        for task in spawned.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
}

fn tasks_on_tokio_see_their_writes<S: MapStrategy>(new: fn() -> S) {
    beside_threads(new, |map| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(3);
        on_tokio(map, builder);
    });
}

fn tasks_on_one_thread_of_tokio_see_their_writes<S: MapStrategy>(new: fn() -> S) {
    beside_threads(new, |map| {
        on_tokio(map, tokio::runtime::Builder::new_current_thread());
    });
}

fn tasks_on_smol_see_their_writes<S: MapStrategy>(new: fn() -> S) {
    beside_threads(new, |map| {
        let executor = Arc::new(smol::Executor::new());
        let spawned = (0..TASKS).map(|id| executor.spawn(write_and_read(map.clone(), id)));
        let spawned: Vec<_> = spawned.collect();
        thread::scope(|scope| {
            let (stop, stopped) = smol::channel::unbounded::<()>();
            for _ in 0..2 {
                let (executor, stopped) = (Arc::clone(&executor), stopped.clone());
                scope.spawn(move || smol::block_on(executor.run(stopped.recv())));
            }
            smol::block_on(async {
                for task in spawned {
                    task.await;
                }
            });
            drop(stop);
        });
    });
}

fn tasks_on_pollster_see_their_writes<S: MapStrategy>(new: fn() -> S) {
    beside_threads(new, |map| {
        thread::scope(|scope| {
            for id in 0..TASKS {
                scope.spawn(move || pollster::block_on(write_and_read(map.clone(), id)));
            }
        });
    });
}

/// Without contention, the first poll of a write returns `Ready`.
#[test]
fn an_uncontended_write_is_polled_once() {
    let map = map(dbuf_hashmap::DefaultStrategy::new());
    let polls = AtomicUsize::new(0);
    pollster::block_on(async {
        for n in 0..100 {
            counted(map.insert_async(n, n), &polls).await;
            counted(map.update_async(&n, |n| *n += 1), &polls).await;
            counted(map.remove_async(&n), &polls).await;
        }
    });
    assert_eq!(polls.load(SeqCst), 300);
}
