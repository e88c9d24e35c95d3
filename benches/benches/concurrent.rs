//! `ConcurrentHashMap` against its neighbours: writes from two threads, reads
//! through `&self`, and conc-map-bench's read-heavy mix.
//!
//! `cargo bench -p dbuf-bench -- concurrent` runs all of it. Compare within one run
//! only.

use core::hint::black_box;
use core::time::Duration;
use std::sync::{Barrier, Mutex};
use std::time::Instant;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use dashmap::DashMap;
use dbuf_hashmap::{Builder, ConcurrentHashMap, PublishPolicy};
use parking_lot::RwLock;

type Hasher = foldhash::fast::RandomState;
type Map = ConcurrentHashMap<u64, u64, Hasher>;

const KEYS: u64 = 1 << 12;

/// The time in which two threads do `count` steps each. Each makes what it steps
/// with before the clock starts.
fn two_threads<F: FnMut(u64)>(count: u64, make: impl Fn(u64) -> F + Sync) -> Duration {
    let gate = Barrier::new(3);
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (gate, make) = (&gate, &make);
            scope.spawn(move || {
                let mut step = make(thread);
                gate.wait();
                for n in 0..count {
                    step(n);
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

fn case<F: FnMut(u64)>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    make: impl Fn(u64) -> F + Sync,
) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|count| two_threads(count, &make));
    });
}

fn map(policy: PublishPolicy) -> Map {
    Builder::new()
        .hasher(Hasher::default())
        .capacity(KEYS as usize)
        .publish_policy(policy)
        .build_concurrent()
}

/// Numbers without a pattern, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn of(thread: u64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15 + thread)
    }
}

fn group<'c>(criterion: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    group.sample_size(40);
    group
}

/// Two threads, each a single key at a time, visible when the call returns (but for
/// `every-100`). A time is that of one insert by each.
fn insert(criterion: &mut Criterion) {
    let mut group = group(criterion, "concurrent/insert");
    for (name, policy) in [
        ("grouped", PublishPolicy::Grouped),
        ("immediate", PublishPolicy::Immediate),
        ("every-100", PublishPolicy::EveryOps(100)),
    ] {
        let map = map(policy);
        case(&mut group, name, |thread| {
            let (map, mut numbers) = (&map, Numbers::of(thread));
            move |n| _ = map.insert(numbers.next() % KEYS, n)
        });
    }
    let writer = Mutex::new(evmap_pair().0);
    case(&mut group, "evmap", |thread| {
        let (writer, mut numbers) = (&writer, Numbers::of(thread));
        move |n| {
            let mut writer = writer.lock().unwrap();
            writer.update(numbers.next() % KEYS, n);
            writer.publish();
        }
    });
    let writer = Mutex::new(flashmap_pair().0);
    case(&mut group, "flashmap", |thread| {
        let (writer, mut numbers) = (&writer, Numbers::of(thread));
        move |n| {
            _ = writer
                .lock()
                .unwrap()
                .guard()
                .insert(numbers.next() % KEYS, n);
        }
    });
    let map = DashMap::with_hasher(Hasher::default());
    case(&mut group, "dashmap", |thread| {
        let (map, mut numbers) = (&map, Numbers::of(thread));
        move |n| _ = map.insert(numbers.next() % KEYS, n)
    });
}

/// What `get_with` adds to a lookup by a reader of one's own. One thread.
fn get(criterion: &mut Criterion) {
    let mut group = group(criterion, "concurrent/get");
    let keys = 1024;
    let map = map(PublishPolicy::Grouped);
    map.write().extend((0..keys).map(|n| (n, n)));
    let (mut writer, reader) = Builder::new().hasher(Hasher::default()).build::<u64, u64>();
    writer.write().extend((0..keys).map(|n| (n, n)));
    let bare: hashbrown::HashMap<_, _, Hasher> = (0..keys).map(|n| (n, n)).collect();
    let dash: DashMap<_, _, Hasher> = (0..keys).map(|n| (n, n)).collect();
    let papaya: papaya::HashMap<_, _, Hasher> = (0..keys).map(|n| (n, n)).collect();

    let mut one = |name: &str, get: &dyn Fn(u64) -> Option<u64>| {
        let mut numbers = Numbers::of(0);
        group.bench_function(name, |bencher| {
            bencher.iter(|| get(black_box(numbers.next() % keys)));
        });
    };
    one("nothing", &Some);
    one("bare hashbrown", &|key| bare.get(&key).copied());
    one("reader", &|key| reader.get(&key).map(|value| *value));
    one("get_with", &|key| map.get_with(&key, |value| *value));
    one("get", &|key| map.get(&key).map(|value| *value));
    one("reader again", &|key| reader.get(&key).map(|value| *value));
    one("get_with again", &|key| map.get_with(&key, |value| *value));
    one("dashmap", &|key| dash.get(&key).map(|value| *value));
    one("papaya", &|key| papaya.pin().get(&key).copied());
}

/// conc-map-bench's ReadHeavy: 98 % lookups, 1 % inserts, 1 % removals, two threads,
/// prefilled to three quarters. Each write is visible when its call returns. A time
/// is that of one step by each thread.
fn read_heavy(criterion: &mut Criterion) {
    enum Step {
        Get(u64),
        Insert(u64),
        Remove(u64),
    }
    fn step(numbers: &mut Numbers) -> Step {
        let number = numbers.next();
        let key = number % KEYS;
        match (number >> 32) % 100 {
            0 => Step::Insert(key),
            1 => Step::Remove(key),
            _ => Step::Get(key),
        }
    }
    let prefilled = || (0..KEYS).filter(|n| n % 4 != 3).map(|n| (n, n));
    let mut group = group(criterion, "concurrent/read-heavy");

    let map = map(PublishPolicy::Grouped);
    map.write().extend(prefilled());
    case(&mut group, "dbuf", |thread| {
        let (map, mut numbers) = (&map, Numbers::of(thread));
        move |_| match step(&mut numbers) {
            Step::Get(key) => _ = black_box(map.get_with(&key, |value| *value)),
            Step::Insert(key) => _ = map.insert(key, key),
            Step::Remove(key) => _ = map.remove(&key),
        }
    });
    let (mut writer, reader) = evmap_pair();
    for (key, value) in prefilled() {
        writer.update(key, value);
    }
    writer.publish();
    let (writer, reader) = (Mutex::new(writer), Mutex::new(reader));
    case(&mut group, "evmap", |thread| {
        let (writer, reader) = (&writer, reader.lock().unwrap().clone());
        let mut numbers = Numbers::of(thread);
        move |_| match step(&mut numbers) {
            Step::Get(key) => _ = black_box(reader.get_one(&key).map(|value| *value)),
            Step::Insert(key) => {
                let mut writer = writer.lock().unwrap();
                writer.update(key, key);
                writer.publish();
            }
            Step::Remove(key) => {
                let mut writer = writer.lock().unwrap();
                writer.remove_entry(key);
                writer.publish();
            }
        }
    });
    let (mut writer, reader) = flashmap_pair();
    for (key, value) in prefilled() {
        writer.guard().insert(key, value);
    }
    let (writer, reader) = (Mutex::new(writer), Mutex::new(reader));
    case(&mut group, "flashmap", |thread| {
        let reader = reader.lock().unwrap().clone();
        let (writer, mut numbers) = (&writer, Numbers::of(thread));
        move |_| match step(&mut numbers) {
            Step::Get(key) => _ = black_box(reader.guard().get(&key).copied()),
            Step::Insert(key) => _ = writer.lock().unwrap().guard().insert(key, key),
            Step::Remove(key) => _ = writer.lock().unwrap().guard().remove(key),
        }
    });
    let map: DashMap<_, _, Hasher> = prefilled().collect();
    case(&mut group, "dashmap", |thread| {
        let (map, mut numbers) = (&map, Numbers::of(thread));
        move |_| match step(&mut numbers) {
            Step::Get(key) => _ = black_box(map.get(&key).map(|value| *value)),
            Step::Insert(key) => _ = map.insert(key, key),
            Step::Remove(key) => _ = map.remove(&key),
        }
    });
    let map: papaya::HashMap<_, _, Hasher> = prefilled().collect();
    case(&mut group, "papaya", |thread| {
        let (map, mut numbers) = (&map, Numbers::of(thread));
        move |_| match step(&mut numbers) {
            Step::Get(key) => _ = black_box(map.pin().get(&key).copied()),
            Step::Insert(key) => _ = map.pin().insert(key, key),
            Step::Remove(key) => _ = map.pin().remove(&key),
        }
    });
    let map: RwLock<hashbrown::HashMap<_, _, Hasher>> = RwLock::new(prefilled().collect());
    case(&mut group, "rwlock", |thread| {
        let (map, mut numbers) = (&map, Numbers::of(thread));
        move |_| match step(&mut numbers) {
            Step::Get(key) => _ = black_box(map.read().get(&key).copied()),
            Step::Insert(key) => _ = map.write().insert(key, key),
            Step::Remove(key) => _ = map.write().remove(&key),
        }
    });
}

type EvmapPair = (
    evmap::handles::WriteHandle<u64, u64, (), Hasher>,
    evmap::handles::ReadHandle<u64, u64, (), Hasher>,
);

fn evmap_pair() -> EvmapPair {
    // SAFETY: foldhash hashes the same way every time; so does `u64`.
    unsafe { evmap::with_hasher((), Hasher::default()) }
}

type FlashmapPair = (
    flashmap::WriteHandle<u64, u64, Hasher>,
    flashmap::ReadHandle<u64, u64, Hasher>,
);

fn flashmap_pair() -> FlashmapPair {
    // SAFETY: as above.
    unsafe { flashmap::with_hasher(Hasher::default()) }
}

criterion_group!(benches, get, insert, read_heavy);
criterion_main!(benches);
