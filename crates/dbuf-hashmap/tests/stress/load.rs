//! Every kind of write at once, and readers that hold snapshots: no reader goes back, readers see a
//! whole batch or nothing of it and never a failed change, and no change is lost.

use std::array::from_fn;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use dbuf_hashmap::{PublishPolicy, Published};

use crate::common::{unwind, unwinds};
use crate::setup::{Done, Map, Rng, Stressed, map, over_strategies, rounds};

const WRITERS: usize = 3;
const READERS: usize = 2;
/// The number of writes of one writer.
const WRITES: u32 = if cfg!(miri) { 14 } else { 400 };
/// Every batch stamps all of the keys 0 to 5.
const STAMPED: u32 = 6;
/// A key that all writers increment.
const SHARED: u32 = 100;
/// The first of the writers' own keys, which only their writer changes.
const OWN: u32 = 200;
/// The limit of values that readers may see.
const LIMIT: u32 = 1_000_000;

const POLICIES: [PublishPolicy; 3] = [
    PublishPolicy::Immediate,
    PublishPolicy::Every(7),
    PublishPolicy::Within(Duration::from_micros(50)),
];

struct World<S: Stressed> {
    map: Map<u32, S>,
    policy: PublishPolicy,
    /// The numbers of published batches and of increments.
    batches: AtomicU32,
    counts: AtomicU32,
    done: AtomicBool,
    start: Barrier,
}

/// Stamps every key with one more than before, in one batch.
macro_rules! stamp {
    ($batch:expr) => {
        for key in 0..STAMPED {
            let next = $batch.get(&key).copied().unwrap_or(0) + 1;
            $batch.insert(key, next);
        }
    };
}

fn write<S: Stressed>(world: &World<S>, thread: usize, seed: u64) -> Option<u32> {
    let World { map, policy, .. } = world;
    let mut rng = Rng::of_thread(seed, thread);
    let own = OWN + thread as u32;
    let mut expected = None;
    for number in 0..WRITES {
        match rng.roll(16) {
            0 => {
                assert_eq!(map.insert(own, number), expected);
                expected = Some(number);
            }
            1 => {
                assert_eq!(map.remove(&own), expected);
                expected = None;
            }
            2 | 3 => {
                let old = map.update(&own, |n| core::mem::replace(n, number));
                assert_eq!(old, expected);
                expected = expected.map(|_| number);
            }
            4 => {
                map.upsert(own, number, |n| *n = number);
                expected = Some(number);
            }
            5..=7 => {
                map.upsert(SHARED, 1, |n| *n += 1);
                world.counts.fetch_add(1, SeqCst);
            }
            8 => {
                let mut batch = map.write();
                stamp!(batch);
                batch.publish();
                world.batches.fetch_add(1, SeqCst);
            }
            9 => {
                let stamped = map.transact(|batch| {
                    stamp!(batch);
                    Ok::<_, ()>(())
                });
                assert_eq!(stamped, Ok(()));
                world.batches.fetch_add(1, SeqCst);
            }
            10 => {
                let batch = if rng.roll(2) == 0 {
                    map.try_write()
                } else {
                    map.write_timeout(Duration::from_micros(u64::from(rng.roll(50))))
                };
                if let Some(mut batch) = batch {
                    stamp!(batch);
                    drop(batch);
                    world.batches.fetch_add(1, SeqCst);
                }
            }
            11 => {
                let failed = map.transact(|batch| {
                    for key in 0..STAMPED / 2 {
                        batch.insert(key, LIMIT + number);
                    }
                    batch.remove(&SHARED);
                    Err::<(), _>(number)
                });
                assert_eq!(failed, Err(number));
            }
            12 => {
                // The writer's own key, if it is there, makes the closure unwind; the shared key
                // may be missing.
                let key = if expected.is_some() { own } else { SHARED };
                let unwound = unwinds(|| {
                    map.update(&key, |n| {
                        *n = LIMIT;
                        unwind();
                    });
                });
                assert!(unwound || expected.is_none(), "the closure was not called");
            }
            13 => assert!(unwinds(|| {
                let _ = map.transact(|batch| -> Result<(), ()> {
                    batch.clear();
                    batch.insert(SHARED, LIMIT);
                    unwind();
                });
            })),
            14 => {
                let mut batch = map.write();
                batch.retain(|key, _| *key != own);
                batch.rollback();
            }
            _ => {
                map.publish();
            }
        }
        if *policy == PublishPolicy::Immediate {
            assert_eq!(
                map.get_cloned(&own),
                expected,
                "{policy:?}: a writer does not see its own write"
            );
        }
    }
    expected
}

/// What one thread has seen last.
#[derive(Default)]
struct Seen {
    version: u64,
    stamp: u32,
    shared: u32,
}

fn read<S: Stressed>(world: &World<S>, thread: usize, seed: u64) {
    let (map, mut rng) = (&world.map, Rng::of_thread(seed, thread));
    let mut seen = Seen::default();
    let next = |now: u32, last: &mut u32, what: &str| {
        assert!(now >= *last, "{what} went from {last} back to {now}");
        assert!(now < LIMIT, "{what}: a rolled back change is seen");
        *last = now;
    };
    while !world.done.load(SeqCst) {
        if rng.roll(3) == 0 {
            let key = rng.roll(STAMPED);
            next(
                map.get_cloned(&key).unwrap_or(0),
                &mut seen.stamp,
                "a stamp",
            );
            let shared = map.get(&SHARED).map_or(0, |n| *n);
            next(shared, &mut seen.shared, "the shared count");
            continue;
        }
        let snapshot = map.read();
        let version = snapshot.version();
        assert!(
            version >= seen.version,
            "version {version} after {}",
            seen.version
        );
        seen.version = version;

        let stamps = || from_fn(|key| snapshot.get(&(key as u32)).copied().unwrap_or(0));
        let first: [u32; STAMPED as usize] = stamps();
        assert_eq!(first, [first[0]; STAMPED as usize], "half a batch");
        next(first[0], &mut seen.stamp, "a stamp");
        let shared = snapshot.get(&SHARED).copied().unwrap_or(0);
        next(shared, &mut seen.shared, "the shared count");
        let len = snapshot.len();
        for _ in 0..rng.roll(20) {
            thread::yield_now();
        }
        // The contents of a guard do not change.
        assert_eq!((snapshot.version(), snapshot.len()), (version, len));
        assert_eq!(snapshot.get(&SHARED).copied().unwrap_or(0), shared);
        assert_eq!(stamps(), first);
    }
}

fn round<S: Stressed>(policy: PublishPolicy, seed: u64) {
    let world = World {
        map: map::<u32, S>(policy),
        policy,
        batches: AtomicU32::new(0),
        counts: AtomicU32::new(0),
        done: AtomicBool::new(false),
        start: Barrier::new(WRITERS + READERS),
    };
    let own: Vec<_> = thread::scope(|scope| {
        let world = &world;
        for reader in WRITERS..WRITERS + READERS {
            scope.spawn(move || {
                world.start.wait();
                read(world, reader, seed);
            });
        }
        let writers = (0..WRITERS).map(|writer| {
            scope.spawn(move || {
                world.start.wait();
                write(world, writer, seed)
            })
        });
        let writers: Vec<_> = writers.collect();
        let _done = Done(&world.done);
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .collect()
    });
    let World {
        map,
        batches,
        counts,
        ..
    } = world;
    map.publish();
    assert_eq!(map.publish(), Published::Nothing);
    let end = map.read();
    let (batches, counts) = (batches.into_inner(), counts.into_inner());
    let at = |key| end.get(&key).copied().unwrap_or(0);
    for key in 0..STAMPED {
        assert_eq!(at(key), batches, "a batch was lost");
    }
    assert_eq!(at(SHARED), counts, "a change was lost");
    for (key, expected) in (OWN..).zip(&own) {
        assert_eq!(end.get(&key).copied(), *expected, "a last change was lost");
    }
    let len = end.len();
    drop(end);
    // Both copies are equal, and the map still works.
    let mut batch = map.write();
    assert_eq!(batch.as_map(), batch.published());
    batch.insert(u32::MAX, 0);
    batch.publish();
    assert_eq!(
        (map.len(), map.stragglers(), map.queued_writers()),
        (len + 1, 0, 0)
    );
}

fn check<S: Stressed>(name: &str) {
    for policy in POLICIES {
        rounds(&format!("{name}, {policy:?}"), 3, |seed| {
            round::<S>(policy, seed);
        });
    }
}

over_strategies! { check }
