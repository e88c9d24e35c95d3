//! What maps cost: lookups and a publish on one thread, a publish beside idle readers, and writes
//! and a mix from two threads. Foldhash for all.
//!
//! `cargo bench -p dbuf-bench -- NAME` with `map/get`, `publish/entry`, `registry/idle`,
//! `concurrent`, or a part of it. Compare within one run only.

use core::hint::black_box;
use core::time::Duration;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use dbuf_bench::maps::Map;
use dbuf_bench::maps::buffers::{Concurrent, Dbuf, Evmap, Flashmap};
use dbuf_bench::maps::shared::{self, DashMap, Papaya, Plain, Scc};
use dbuf_bench::number_key;
use dbuf_strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

type Group<'c> = BenchmarkGroup<'c, WallTime>;
type ParkingLot = shared::ParkingLot<u64, u64>;
type Ours<S> = Dbuf<u64, u64, S>;

trait Numbers: Map<Key = u64, Value = u64> + Clone {
    fn put(&mut self, key: u64, value: u64) {
        self.write([(key, Some(value))].into_iter());
    }
}

impl<M: Map<Key = u64, Value = u64> + Clone> Numbers for M {}

fn group<'c>(criterion: &'c mut Criterion, name: &str) -> Group<'c> {
    let mut group = criterion.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    group
}

/// A map with these keys, each with its index.
fn filled<M: Numbers>(indices: impl Iterator<Item = u32>) -> M {
    let mut map = M::with_capacity(0);
    let entry = |index| (number_key(index), Some(u64::from(index)));
    map.write(indices.map(entry).collect::<Vec<_>>().into_iter());
    map.settle();
    map
}

/// Looks up one of 1,024 keys in each iteration, in random order.
fn look_up<M: Numbers>(group: &mut Group<'_>, name: &str) {
    look_up_by(group, name, M::get);
}

fn look_up_by<M: Numbers>(
    group: &mut Group<'_>,
    name: &str,
    get: impl Fn(&mut M, &u64) -> Option<u64>,
) {
    const KEYS: u32 = 1024;
    // A power of two and a constant: a mask, where a division would cost as much as some lookups.
    const TURNS: usize = 1 << 14;
    let mut map = filled::<M>(0..KEYS);
    let mut random = StdRng::seed_from_u64(0);
    let draw = |_| number_key(random.random_range(0..KEYS));
    let keys: Vec<u64> = (0..TURNS).map(draw).collect();
    let mut turn = 0;
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            turn = (turn + 1) % TURNS;
            get(black_box(&mut map), &keys[turn])
        });
    });
}

/// Every kind of map, no writer at work.
fn get(criterion: &mut Criterion) {
    let mut group = group(criterion, "map/get");
    look_up::<Plain<u64, u64>>(&mut group, "bare");
    look_up::<Ours<EpochStrategy>>(&mut group, "epoch");
    look_up::<Ours<FlashStrategy>>(&mut group, "flash");
    look_up::<Ours<CountStrategy>>(&mut group, "count");
    look_up::<Ours<LockStrategy>>(&mut group, "lock");
    look_up::<Flashmap<u64, u64>>(&mut group, "flashmap");
    look_up::<Evmap<u64, u64>>(&mut group, "evmap");
    look_up::<DashMap<u64, u64>>(&mut group, "dashmap");
    look_up::<Papaya<u64, u64>>(&mut group, "papaya");
    look_up::<Scc<u64, u64>>(&mut group, "scc");
    look_up::<ParkingLot>(&mut group, "parking_lot-rwlock");
    group.finish();
}

/// What `&self` adds to a lookup by a `Reader`: by `get_with`, and by `get`, which returns a guard.
fn concurrent_get(criterion: &mut Criterion) {
    let mut group = group(criterion, "concurrent/get");
    // Twice, in turns: these are compared, and a machine changes its pace.
    for again in ["", "-again"] {
        look_up::<Dbuf<u64, u64>>(&mut group, &format!("reader{again}"));
        look_up::<Concurrent<u64, u64>>(&mut group, &format!("get_with{again}"));
        look_up_by(&mut group, &format!("get{again}"), |map, key| {
            Concurrent::<u64, u64>::get(map, key).map(|value| *value)
        });
    }
    group.finish();
}

/// Publishes one overwritten entry in each iteration, with this many idle readers. Each has read
/// once.
fn publish_beside<M: Numbers>(group: &mut Group<'_>, name: &str, idle: usize) {
    let mut map = filled::<M>(1..2);
    let mut readers = vec![map.clone(); idle];
    readers
        .iter_mut()
        .for_each(|it| assert!(it.get(&0).is_none()));
    let mut number = 1;
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            number += 1;
            map.put(number_key(1), black_box(number));
        });
    });
    if number > 1 {
        assert_eq!(readers[0].get(&number_key(1)), Some(number), "{name}");
    }
}

fn publish(criterion: &mut Criterion) {
    for (name, idle) in [("publish/entry", 1), ("registry/idle", 10_000)] {
        let mut group = group(criterion, name);
        publish_beside::<Ours<EpochStrategy>>(&mut group, "epoch", idle);
        publish_beside::<Ours<FlashStrategy>>(&mut group, "flash", idle);
        publish_beside::<Ours<CountStrategy>>(&mut group, "count", idle);
        if idle == 1 {
            publish_beside::<Ours<LockStrategy>>(&mut group, "lock", idle);
        }
        publish_beside::<Flashmap<u64, u64>>(&mut group, "flashmap", idle);
        publish_beside::<Evmap<u64, u64>>(&mut group, "evmap", idle);
        group.finish();
    }
}

/// Keys of the maps that two threads share.
const SHARED: u32 = 1 << 12;
/// Operations of each thread, again and again.
const STEPS: usize = 1 << 14;

#[derive(Clone, Copy)]
enum Step {
    Get,
    Insert,
    Remove,
}

/// What each of two threads does: the same in every run and for every contender.
fn workloads(step: fn(u32) -> Step) -> [Vec<(Step, u64)>; 2] {
    [0, 1].map(|thread| {
        let mut random = StdRng::seed_from_u64(thread);
        let mut draw = |most| random.random_range(0..most);
        let draw = |_| (step(draw(100)), number_key(draw(SHARED)));
        (0..STEPS).map(draw).collect()
    })
}

/// The time in which two threads do `count` steps each, after both are there.
fn two_threads<M: Numbers>(map: &M, workloads: &[Vec<(Step, u64)>; 2], count: u64) -> Duration {
    let gate = Barrier::new(3);
    thread::scope(|scope| {
        for workload in workloads {
            let (gate, mut map) = (&gate, map.clone());
            scope.spawn(move || {
                gate.wait();
                for n in 0..count {
                    match workload[n as usize % STEPS] {
                        (Step::Get, key) => _ = black_box(map.get(&key)),
                        (Step::Insert, key) => map.put(key, n),
                        (Step::Remove, key) => map.write([(key, None)].into_iter()),
                    }
                }
                gate.wait();
            });
        }
        gate.wait();
        let begin = Instant::now();
        gate.wait();
        begin.elapsed()
    })
}

/// Each map with three quarters of its keys.
fn everyone(group: &mut Group<'_>, step: fn(u32) -> Step) {
    fn case<M: Numbers>(group: &mut Group<'_>, name: &str, workloads: &[Vec<(Step, u64)>; 2]) {
        let map = filled::<M>((0..SHARED).filter(|index| index % 4 != 3));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|count| two_threads(&map, workloads, count));
        });
    }
    group.sample_size(40);
    let workloads = workloads(step);
    case::<Concurrent<u64, u64>>(group, "concurrent", &workloads);
    case::<Dbuf<u64, u64>>(group, "mutex-writer", &workloads);
    case::<Evmap<u64, u64>>(group, "evmap", &workloads);
    case::<Flashmap<u64, u64>>(group, "flashmap", &workloads);
    case::<DashMap<u64, u64>>(group, "dashmap", &workloads);
    case::<Papaya<u64, u64>>(group, "papaya", &workloads);
    case::<Scc<u64, u64>>(group, "scc", &workloads);
    case::<ParkingLot>(group, "parking_lot-rwlock", &workloads);
}

/// Two threads insert a key at a time, visible when the call returns. A time is that of one
/// insert by each.
fn insert(criterion: &mut Criterion) {
    let mut group = group(criterion, "concurrent/insert");
    everyone(&mut group, |_| Step::Insert);
    group.finish();
}

/// conc-map-bench's ReadHeavy: 98 % lookups, 1 % inserts, 1 % removals, two threads. A time is
/// that of one step by each thread.
fn read_heavy(criterion: &mut Criterion) {
    // Named as there. `-- read` is another bench.
    let mut group = group(criterion, "concurrent/ReadHeavy");
    everyone(&mut group, |percent| match percent {
        0 => Step::Insert,
        1 => Step::Remove,
        _ => Step::Get,
    });
    group.finish();
}

criterion_group!(benches, get, concurrent_get, publish, insert, read_heavy);
criterion_main!(benches);
