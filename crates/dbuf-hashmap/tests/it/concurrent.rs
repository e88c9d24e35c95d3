//! `ConcurrentHashMap`: what a write promises, when a thread may write, and that no writer loses
//! another one's changes.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use dbuf_hashmap::strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use dbuf_hashmap::{
    BlockingStrategy, Builder, ConcurrentHashMap, ConcurrentHashSet, OnStraggler, Operation,
    PublishPolicy,
};

const POLICIES: [PublishPolicy; 3] = [
    PublishPolicy::Immediate,
    PublishPolicy::Every(3),
    PublishPolicy::Within(Duration::from_secs(3600)),
];

fn panics<R>(f: impl FnOnce() -> R) -> Option<String> {
    let payload = catch_unwind(AssertUnwindSafe(f)).err()?;
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .or(Some(String::new()))
}

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
                    let seen = map.get_cloned(&key);
                    assert!(seen.is_none_or(|seen| seen >= value));
                }
            });
        }
    });
}

#[test]
fn every_counts_changes_and_not_calls() {
    let map = with_policy(PublishPolicy::Every(3));
    map.insert(1, 1);
    map.insert(2, 2);
    for _ in 0..5 {
        map.remove(&7);
        map.update(&7, |n| *n += 1);
        map.retain(|_, _| true);
    }
    assert!(map.is_empty());
    map.remove(&1);
    assert_eq!(map.len(), 1);
    map.insert(3, 3);
    map.insert(1, 1);
    assert_eq!(map.len(), 1);
    assert!(map.publish().is_published());
    assert!(!map.publish().is_published());
    assert_eq!(map.len(), 3);
    map.insert(4, 4);
    assert_eq!(map.len(), 3);
    drop(map.write()); // even an empty batch publishes pending changes
    assert_eq!(map.len(), 4);
    let zero = with_policy(PublishPolicy::Every(0));
    zero.insert(1, 1);
    assert_eq!(zero.len(), 1);
}

#[test]
fn within_publishes_what_has_been_pending_for_long() {
    let never = with_policy(PublishPolicy::Within(Duration::from_secs(3600)));
    never.insert(1, 1);
    never.insert(2, 2);
    assert!(never.is_empty());
    assert!(never.publish().is_published());
    assert_eq!(never.len(), 2);

    let at_once = with_policy(PublishPolicy::Within(Duration::ZERO));
    at_once.insert(1, 1);
    assert_eq!(at_once.len(), 1);

    let age = Duration::from_millis(1);
    let map = with_policy(PublishPolicy::Within(age));
    for round in 1..4 {
        // Changes that were published do not add to the age of later ones.
        map.insert(round * 10, 0);
        map.publish();
        let began = Instant::now();
        map.insert(round * 10 + 1, 0);
        let version = map.read().version();
        while map.read().version() == version {
            map.insert(round * 10 + 2, 0);
        }
        assert!(began.elapsed() >= age, "published before its time");
        assert_eq!(map.len(), 3 * round as usize);
    }
}

/// The failure of another writer loses no pending change.
#[test]
fn pending_changes_survive_later_writers() {
    type Failure = fn(&ConcurrentHashMap<u32, u32>);
    let failures: [Failure; 5] = [
        |map| {
            assert_eq!(
                map.transact(|b| {
                    b.clear();
                    Err::<(), _>(())
                }),
                Err(())
            );
        },
        |map| assert!(panics(|| map.update(&1, |_| panic!("closure"))).is_some()),
        |map| {
            let mut batch = map.write();
            batch.insert(9, 9);
            batch.rollback();
        },
        |map| assert!(panics(|| map.retain(|_, _| panic!("closure"))).is_some()),
        |map| assert_eq!(map.remove(&77), None),
    ];
    for (number, fail) in failures.into_iter().enumerate() {
        let map = with_policy(PublishPolicy::Every(100));
        map.insert(1, 10);
        fail(&map);
        map.insert(2, 20);
        map.publish();
        let all: std::collections::BTreeMap<u32, u32> =
            map.read().iter().map(|(k, v)| (*k, *v)).collect();
        assert_eq!(all, [(1, 10), (2, 20)].into(), "failure {number}");
    }
}

/// Queued writers that fail lose no change of others.
#[test]
fn failing_writers_lose_no_queued_change() {
    for round in 0..if cfg!(miri) { 2 } else { 100 } {
        let map = with_policy(PublishPolicy::Immediate);
        map.insert(0, 0);
        let (map, done) = (&map, AtomicUsize::new(0));
        let done = &done;
        let writes: Vec<Box<dyn FnOnce() + Send>> = vec![
            Box::new(move || {
                map.insert(1, 1);
                assert_eq!(map.get_cloned(&1), Some(1));
                done.fetch_add(1, SeqCst);
            }),
            Box::new(move || assert!(panics(|| map.update(&0, |_| panic!("closure"))).is_some())),
            Box::new(move || {
                map.insert(2, 2);
                assert_eq!(map.get_cloned(&2), Some(2));
                done.fetch_add(1, SeqCst);
            }),
            Box::new(move || {
                assert!(
                    map.transact(|batch| {
                        batch.clear();
                        Err::<(), _>(())
                    })
                    .is_err()
                );
            }),
            Box::new(move || assert_eq!(map.remove(&5), None)),
            Box::new(move || drop(map.write_timeout(Duration::from_micros(round)))),
        ];
        queue_up(map, 5, writes);
        assert_eq!(done.load(SeqCst), 2);
        assert_eq!(map.len(), 3);
    }
}

#[test]
fn a_thread_that_keeps_two_copies_is_refused_before_anything_changed() {
    for policy in POLICIES {
        let map = with_policy(policy);
        map.write().insert(1, 1);
        type Write = fn(&ConcurrentHashMap<u32, u32>);
        let writes: [Write; 25] = [
            |map| drop(map.write()),
            |map| drop(map.write_timeout(Duration::ZERO)),
            |map| _ = map.transact(|_| Ok::<_, ()>(())),
            |map| _ = map.insert(2, 2),
            |map| _ = map.remove(&1),
            |map| _ = map.remove_if(&1, |_, _| true),
            |map| _ = map.update(&1, |n| *n += 1),
            |map| _ = map.upsert(1, 2, |n| *n += 1),
            |map| _ = map.upsert_with(1, || 2, |n| *n += 1),
            |map| _ = map.get_or_insert_with(5, || 2),
            |map| _ = map.get_or_try_insert_with(5, || Ok::<_, ()>(2)),
            |map| _ = map.try_insert(1, 2),
            |map| _ = map.remove_entry(&1),
            |map| _ = map.compute(1, |_| Operation::<_>::Remove),
            |map| map.entry(1, |entry| *entry.or_insert(2) += 1),
            |map| drop(map.drain()),
            |map| map.shrink_to_fit(),
            |map| _ = map.try_reserve(1),
            |map| map.catch_up(),
            |map| map.retain(|_, _| false),
            |map| map.retain_mut(|_, _| false),
            |map| map.clear(),
            |map| map.reserve(1),
            |mut map| map.extend([(3, 3)]),
            |mut map| map.extend([(&3, &3)]),
        ];
        for (number, write) in writes.into_iter().enumerate() {
            for kind in 0..3 {
                let (first, version) = (map.read(), map.read().version());
                map.write().insert(9, 9);
                // A guard holds the second copy too. This write takes the third.
                map.write().insert(9, 10);
                let second = match kind {
                    0 => (Some(map.read()), None),
                    1 => (None, map.get(&1)),
                    // The first of two nested guards is dropped.
                    _ => {
                        let (gone, nested) = (map.read(), map.read());
                        drop(gone);
                        (Some(nested), None)
                    }
                };
                map.write().insert(9, 11);
                assert_eq!(map.spare_stragglers(), 1);
                let message = panics(|| write(&map));
                let message = message.unwrap_or_else(|| panic!("{number} is not refused"));
                assert!(message.contains("drop the guard"), "{number}: {message}");
                assert!(map.try_write().is_none());
                assert_eq!(map.read().version(), version + 3);
                // Dropping either guard is enough.
                if number % 2 == 0 {
                    drop(first);
                } else {
                    drop(second);
                }
                map.write().insert(9, 12);
            }
        }
        assert_eq!(map.spare_stragglers(), 0);
        assert!(map.try_write().is_some());
        assert_eq!(map.get_cloned(&1), Some(1));
        assert_eq!(map.len(), 2);
        // A guard of another map, or of another thread, does not refuse a write.
        let other = with_policy(policy);
        let _guard = other.read();
        thread::scope(|scope| drop(scope.spawn(|| drop(map.read())).join()));
        map.insert(2, 2);
        // A call that need not wait for readers is not refused.
        let guard = map.read();
        map.publish();
        drop(guard);
        assert_eq!(map.len(), 3);
    }
}

#[test]
fn a_thread_with_an_open_batch_is_refused() {
    let map = with_policy(PublishPolicy::Immediate);
    let mut batch = map.write();
    batch.insert(1, 1);
    let message = panics(|| map.insert(2, 2)).expect("refused");
    assert!(message.contains("batch"), "{message}");
    assert!(panics(|| map.publish()).is_some());
    assert!(map.try_write().is_none());
    assert_eq!(map.len(), 0, "reads are not refused");
    thread::scope(|scope| {
        scope.spawn(|| assert!(map.try_write().is_none()));
        scope.spawn(|| assert!(map.write_timeout(Duration::from_millis(1)).is_none()));
    });
    batch.publish();
    // A write in a closure is refused too; its change is undone, and the map still works.
    assert!(
        panics(|| map.update(&1, |n| {
            *n = 9;
            map.insert(3, 3)
        }))
        .is_some()
    );
    assert_eq!(map.get_cloned(&1), Some(1));
    map.insert(2, 2);
    assert_eq!(map.len(), 2);
}

/// A guard of another thread blocks writers after one publish. `stragglers` shows it, and the
/// waiting writers do not hold the lock.
#[test]
fn a_stuck_reader_is_visible_and_holds_no_lock() {
    let map = with_policy(PublishPolicy::Immediate);
    let (taken, release) = (Barrier::new(2), Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| {
            let _guard = map.read();
            taken.wait();
            release.wait();
        });
        taken.wait();
        assert_eq!(map.stragglers(), 0);
        map.insert(1, 1);
        assert_eq!(map.stragglers(), 1);
        assert!(map.try_write().is_none());
        let waits = scope.spawn(|| map.insert(2, 2));
        assert!(map.write_timeout(Duration::from_millis(5)).is_none());
        // The waiting writer does not hold the lock, which this call needs.
        assert!(!map.publish().is_published());
        assert_eq!((map.stragglers(), map.len()), (1, 1));
        release.wait();
        assert_eq!(waits.join().unwrap(), None);
    });
    assert_eq!(map.len(), 2);
    let mut batch = map.write_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(batch.insert(2, 3), Some(2));
}

/// Strategies that know the threads name them, for the copy that the next write waits for and for
/// the one that was set aside. A thread that forgot a guard is named even after its end.
#[test]
fn straggling_threads_are_named() {
    fn check<S: BlockingStrategy>(strategy: S, knows: bool) {
        let on_straggler = OnStraggler::Spare {
            after: Duration::ZERO,
            up_to: usize::MAX,
        };
        let map = Builder::new()
            .strategy(strategy)
            .on_straggler(on_straggler)
            .build_concurrent();
        let named = |expected: &[&str]| {
            let threads = map.straggling_threads();
            let mut names: Vec<_> = threads
                .iter()
                .map(|thread| thread.name().unwrap())
                .collect();
            names.sort_unstable();
            assert_eq!(names, if knows { expected } else { &[] });
        };
        let (kept, end) = (Barrier::new(2), Barrier::new(3));
        let thread = |name: &str| thread::Builder::new().name(name.to_owned());
        thread::scope(|scope| {
            let keeps = || {
                let guard = map.read();
                kept.wait();
                end.wait();
                drop(guard);
            };
            thread("first").spawn_scoped(scope, keeps).unwrap();
            kept.wait();
            named(&[]);
            map.insert(1, 1);
            named(&["first"]);
            map.insert(1, 2);
            named(&["first"]);
            thread("second").spawn_scoped(scope, keeps).unwrap();
            kept.wait();
            map.insert(1, 3);
            named(&["first", "second"]);
            end.wait();
        });
        named(&[]);
        let forgets = || mem::forget(map.read());
        thread::scope(|scope| _ = thread("third").spawn_scoped(scope, forgets).unwrap());
        map.insert(1, 4);
        named(&["third"]);
        map.insert(1, 5);
        named(&["third"]);
    }
    check(EpochStrategy::new(), true);
    check(FlashStrategy::new(), true);
    check(CountStrategy::new(), false);
    check(LockStrategy::new(), false);
}

/// The values write to the map when they are dropped.
#[test]
fn destructors_of_replaced_values_may_write_to_the_map() {
    struct Counts {
        map: Option<Arc<ConcurrentHashMap<u32, Value>>>,
        dropped: Arc<AtomicUsize>,
    }
    struct Value(Arc<Mutex<Counts>>);
    impl Clone for Value {
        fn clone(&self) -> Self {
            Self(Arc::clone(&self.0))
        }
    }
    impl Drop for Value {
        fn drop(&mut self) {
            let (map, dropped) = {
                let counts = self.0.lock().unwrap();
                (counts.map.clone(), Arc::clone(&counts.dropped))
            };
            if dropped.fetch_add(1, SeqCst) < 200
                && let Some(map) = map
            {
                map.remove(&1000);
                map.write().remove(&1001);
            }
        }
    }
    let map = Arc::new(ConcurrentHashMap::new());
    let dropped = Arc::new(AtomicUsize::new(0));
    let counts = Arc::new(Mutex::new(Counts {
        map: Some(Arc::clone(&map)),
        dropped: Arc::clone(&dropped),
    }));
    let value = || Value(Arc::clone(&counts));
    for round in 0..3 {
        for key in 0..4 {
            map.insert(key, value());
            map.insert(key, value());
        }
        map.remove(&0);
        map.update(&1, |_| ());
        map.retain(|key, _| *key != 2);
        map.retain_mut(|key, _| *key != 3);
        map.insert(2, value());
        let mut batch = map.write();
        batch.insert(5, value());
        batch.clear();
        batch.publish();
        map.clear();
        assert!(map.is_empty(), "round {round}");
    }
    assert!(dropped.load(SeqCst) > 30);
    // Breaks the reference cycle from the map to its values and back.
    counts.lock().unwrap().map = None;
}

#[test]
fn a_panic_leaves_the_map_consistent_and_the_lock_free() {
    for policy in POLICIES {
        let map = with_policy(policy);
        map.write().extend([(1, 1), (2, 2)]);
        assert!(
            panics(|| map.update(&1, |n| {
                *n = 9;
                panic!("closure")
            }))
            .is_some()
        );
        assert!(
            panics(|| map.retain(|k, _| if *k == 1 { false } else { panic!("closure") })).is_some()
        );
        assert!(
            panics(|| map.transact(|b| -> Result<(), ()> {
                b.clear();
                panic!("closure")
            }))
            .is_some()
        );
        assert!(panics(|| map.get_with(&1, |_| panic!("closure"))).is_some());
        assert!(panics(|| map.get_or_insert_with(3, || panic!("closure"))).is_some());
        let mut batch = map.write();
        assert!(panics(|| batch.upsert(1, 1, |_| panic!("closure"))).is_some());
        assert!(panics(|| batch.publish()).is_some(), "a torn batch panics");
        map.write().insert(4, 4);
        let mut all: Vec<_> = map.read().iter().map(|(k, v)| (*k, *v)).collect();
        all.sort_unstable();
        assert_eq!(all, [(1, 1), (2, 2), (4, 4)], "{policy:?}");
    }
}

#[test]
fn every_strategy_and_every_way_to_make_one() {
    fn works<S>(strategy: S)
    where
        S: BlockingStrategy,
        S: Send + Sync,
    {
        let map = Builder::new().strategy(strategy).build_concurrent();
        let other = map.clone();
        thread::scope(|scope| {
            scope.spawn(|| (0..100).for_each(|n| _ = other.insert(n, n)));
            scope.spawn(|| (100..200).for_each(|n| _ = map.insert(n, n)));
        });
        assert_eq!(map.len(), 200);
        assert!((0..200).all(|n| map.get(&n).as_deref() == Some(&n)));
    }
    works(CountStrategy::new());
    works(EpochStrategy::new());
    works(FlashStrategy::new());
    works(LockStrategy::new());

    let map: ConcurrentHashMap<_, _> = [("a", 1), ("b", 2), ("a", 3)].into_iter().collect();
    assert_eq!((map.len(), map.get_cloned("a")), (2, Some(3)));
    let mut map = ConcurrentHashMap::from([("a", 1)]);
    map.extend([("b", 2)]);
    assert_eq!(
        map.read(),
        ConcurrentHashMap::from([("b", 2), ("a", 1)]).read()
    );
    assert_eq!(
        format!("{:?}", ConcurrentHashMap::from([("a", 1)])),
        r#"{"a": 1}"#
    );
    let empty: ConcurrentHashMap<String, Vec<u8>> = ConcurrentHashMap::default();
    assert!(empty.is_empty() && empty.get("a").is_none());
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

fn assert_send_sync<T: Send + Sync + 'static>() {}

#[test]
fn handles_are_send_and_sync() {
    assert_send_sync::<ConcurrentHashMap<String, String>>();
    assert_send_sync::<ConcurrentHashSet<String>>();
    assert_send_sync::<ConcurrentHashMap<String, Arc<Mutex<Vec<u8>>>>>();
}

/// A set behaves like its map.
#[test]
fn a_set_is_a_map_without_values() {
    let set: ConcurrentHashSet<u32> = (0..3).collect();
    let other = set.clone();
    thread::scope(|scope| {
        scope.spawn(|| (10..20).for_each(|n| assert!(other.insert(n))));
        scope.spawn(|| (20..30).for_each(|n| assert!(set.insert(n))));
    });
    assert!(!set.insert(10) && set.remove(&10) && !set.remove(&10));
    assert_eq!(set.take(&11), Some(11));
    set.retain(|n| *n < 20);
    assert_eq!(set.len(), 11);
    assert_eq!(set.read(), other.read());
    assert!((&set.read()).into_iter().all(|n| *n < 20));
    {
        let guard = set.get(&1).unwrap();
        assert!(set.try_write().is_none());
        assert!(!set.insert(*guard));
    }
    let mut batch = set.write_timeout(Duration::from_secs(60)).unwrap();
    batch.extend([40, 41]);
    assert!(panics(|| set.publish()).is_some());
    drop(batch);
    assert!(set.reader().contains(&40) && set.reader().read().contains(&41));
    set.clear();
    assert!(set.is_empty());
    set.reserve(100);
    assert!(set.as_map().read().capacity() >= 100);
    let mut set = ConcurrentHashSet::from(["a", "b"]);
    set.extend(["c"]);
    assert_eq!(format!("{:?}", ConcurrentHashSet::from(["a"])), r#"{"a"}"#);
    assert_eq!(
        set.transact(|batch| if batch.insert("d") {
            Err(batch.len())
        } else {
            Ok(())
        }),
        Err(4)
    );
    assert_eq!(set.len(), 3);
}
