//! `ConcurrentHashMap`: what a write promises, and that no writer loses another one's changes.

mod policies;
mod refusals;
mod stragglers;

use std::collections::BTreeMap;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use dbuf_hashmap::strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use dbuf_hashmap::{BlockingStrategy, Builder, ConcurrentHashMap, PublishPolicy};

use crate::common::{unwind, unwinds};

const POLICIES: [PublishPolicy; 3] = [
    PublishPolicy::Immediate,
    PublishPolicy::Every(3),
    PublishPolicy::Within(Duration::from_secs(3600)),
];

fn with_policy(policy: PublishPolicy) -> ConcurrentHashMap<u32, u32> {
    Builder::new().publish_policy(policy).build_concurrent()
}

/// Starts threads behind an open batch, each with one write, and ends the batch when `queue` of
/// them wait.
fn queue_up<R: Send>(
    map: &ConcurrentHashMap<u32, u32>,
    queue: usize,
    writes: Vec<Box<dyn FnOnce() -> R + Send + '_>>,
) -> Vec<R> {
    let batch = map.write();
    thread::scope(|scope| {
        let writers: Vec<_> = writes.into_iter().map(|write| scope.spawn(write)).collect();
        while map.queued_writers() < queue {
            thread::yield_now();
        }
        drop(batch);
        writers.into_iter().map(|w| w.join().unwrap()).collect()
    })
}

#[test]
fn a_write_is_seen_when_it_returns_by_the_same_and_by_another_thread() {
    let map = with_policy(PublishPolicy::Immediate);
    thread::scope(|scope| {
        for writer in 0..2 {
            let map = &map;
            let (last_seen, hears) = mpsc::sync_channel::<(u32, u32)>(0);
            scope.spawn(move || {
                for round in 0..if cfg!(miri) { 5 } else { 500 } {
                    let (key, value) = (writer * 10 + round % 3, round);
                    map.insert(key, value);
                    assert_eq!(map.get_cloned(&key), Some(value));
                    last_seen.send((key, value)).unwrap();
                    map.remove(&key);
                    assert_eq!(map.get_cloned(&key), None);
                }
            });
            scope.spawn(move || {
                for (key, value) in hears {
                    // The write was seen; later writes may be seen by now.
                    let seen = map.get_cloned(&key).unwrap_or(value);
                    assert!(seen >= value, "{seen} is seen after {value}");
                }
            });
        }
    });
}

/// Queued writers that fail lose no change of others.
#[test]
fn failing_writers_lose_no_queued_change() {
    for round in 0..if cfg!(miri) { 2 } else { 100 } {
        let map = with_policy(PublishPolicy::Immediate);
        map.insert(0, 0);
        let (map, done) = (&map, &AtomicUsize::new(0));
        let insert = |key| {
            move || {
                map.insert(key, key);
                assert_eq!(map.get_cloned(&key), Some(key), "not seen by its writer");
                done.fetch_add(1, SeqCst);
            }
        };
        let refused = || {
            map.transact(|batch| {
                batch.clear();
                Err::<(), _>("refused")
            })
        };
        let writes: Vec<Box<dyn FnOnce() + Send>> = vec![
            Box::new(insert(1)),
            Box::new(|| assert!(unwinds(|| _ = map.update(&0, |_| unwind())))),
            Box::new(insert(2)),
            Box::new(move || assert_eq!(refused(), Err("refused"))),
            Box::new(|| assert_eq!(map.remove(&5), None)),
            Box::new(move || drop(map.write_timeout(Duration::from_micros(round)))),
        ];
        queue_up(map, 5, writes);
        assert_eq!(done.load(SeqCst), 2);
        assert_eq!(map.len(), 3);
    }
}

/// The state of the map after a panic, at each place where a closure runs.
#[test]
fn a_panic_leaves_the_map_consistent_and_the_lock_free() {
    type Write = fn(&ConcurrentHashMap<u32, u32>);
    let writes: [(&str, Write); 6] = [
        ("update", |map| {
            map.update(&1, |n| {
                *n = 9;
                unwind()
            });
        }),
        ("retain", |map| {
            map.retain(|k, _| if *k == 1 { false } else { unwind() });
        }),
        ("transact", |map| {
            _ = map.transact(|batch| -> Result<(), ()> {
                batch.clear();
                unwind()
            });
        }),
        ("get_with", |map| _ = map.get_with(&1, |_| unwind())),
        ("get_or_insert_with", |map| {
            _ = map.get_or_insert_with(3, || unwind());
        }),
        ("a batch that goes on", |map| {
            let mut batch = map.write();
            assert!(unwinds(|| _ = batch.upsert(1, 1, |_| unwind())), "upsert");
            batch.publish();
        }),
    ];
    for policy in POLICIES {
        let map = with_policy(policy);
        map.write().extend([(1, 1), (2, 2)]);
        for (name, write) in writes {
            assert!(unwinds(|| write(&map)), "{name}");
            let back = map.write();
            assert_eq!(
                (back.get(&1), back.len()),
                (Some(&1), 2),
                "{policy:?}, {name}"
            );
        }
        map.write().insert(4, 4);
        let mut all: Vec<_> = map.read().iter().map(|(k, v)| (*k, *v)).collect();
        all.sort_unstable();
        assert_eq!(all, [(1, 1), (2, 2), (4, 4)], "{policy:?}");
    }
}

#[test]
fn every_strategy_and_every_way_to_make_one() {
    fn works(strategy: impl BlockingStrategy) {
        let each = if cfg!(miri) { 5 } else { 100 };
        let map = Builder::new().strategy(strategy).build_concurrent();
        let other = map.clone();
        thread::scope(|scope| {
            scope.spawn(|| (0..each).for_each(|n| _ = other.insert(n, n)));
            scope.spawn(|| (each..2 * each).for_each(|n| _ = map.insert(n, n)));
        });
        let entries: BTreeMap<_, _> = map.iter().map(|entry| (*entry.key(), *entry)).collect();
        assert_eq!(entries, (0..2 * each).map(|n| (n, n)).collect());
    }
    works(CountStrategy::new());
    works(EpochStrategy::new());
    works(FlashStrategy::new());
    works(LockStrategy::new());

    let map: ConcurrentHashMap<_, _> = [("a", 1), ("b", 2), ("a", 3)].into_iter().collect();
    assert_eq!((map.len(), map.get_cloned("a")), (2, Some(3)));
    let mut map = ConcurrentHashMap::from([("a", 1)]);
    map.extend([("b", 2)]);
    let other = ConcurrentHashMap::from([("b", 2), ("a", 1)]);
    assert_eq!(map.read(), other.read());
    assert_eq!(
        format!("{:?}", ConcurrentHashMap::from([("a", 1)])),
        r#"{"a": 1}"#
    );
    let empty: ConcurrentHashMap<String, Vec<u8>> = ConcurrentHashMap::default();
    assert_eq!((empty.len(), empty.get_cloned("a")), (0, None));
}

/// The last handle may be dropped while readers of other threads are still registered.
#[test]
fn handles_come_and_go() {
    let map = ConcurrentHashMap::from([(1, Arc::new(()))]);
    let value = map.get_cloned(&1).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            let map = map.clone();
            scope.spawn(move || assert!(map.contains_key(&1)));
        }
    });
    let reader = map.reader();
    drop(map);
    assert_eq!(reader.read().len(), 1);
    drop(reader);
    assert_eq!(Arc::strong_count(&value), 1);
    let map = ConcurrentHashMap::from([(1, 1)]);
    mem::forget(map.read());
    drop(map);
}
