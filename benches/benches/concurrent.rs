//! `ConcurrentHashMap` against its neighbours: writes from two threads, reads
//! through `&self`, and conc-map-bench's read-heavy mix.
//!
//! `cargo bench -p dbuf-bench -- concurrent` runs all of it. Compare within one run
//! only.

use std::sync::{Barrier, Mutex};
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use dbuf_hashmap::{Builder, ConcurrentHashMap, PublishPolicy};

type Hasher = foldhash::fast::RandomState;
type Map = ConcurrentHashMap<u64, u64, Hasher>;

const KEYS: u64 = 1 << 12;

/// The time in which two threads do `count` steps each.
fn two_threads(count: u64, step: impl Fn(u64, u64) + Sync) -> Duration {
    let gate = Barrier::new(3);
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (gate, step) = (&gate, &step);
            scope.spawn(move || {
                gate.wait();
                for n in 0..count {
                    step(thread, n);
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

fn case(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, step: impl Fn(u64, u64) + Sync) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|count| two_threads(count, &step));
    });
}

fn map(policy: PublishPolicy) -> Map {
    Builder::new()
        .hasher(Hasher::default())
        .capacity(KEYS as usize)
        .publish_policy(policy)
        .build_concurrent()
}

/// A key of one thread's half, all over it.
fn key(thread: u64, n: u64) -> u64 {
    (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % (KEYS / 2)) * 2 + thread
}

fn insert(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("concurrent/insert");
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    for (name, policy) in [
        ("grouped", PublishPolicy::Grouped),
        ("immediate", PublishPolicy::Immediate),
        ("every-100", PublishPolicy::EveryOps(100)),
    ] {
        let map = map(policy);
        case(&mut group, name, |thread, n| {
            map.insert(key(thread, n), n);
        });
    }
    {
        // SAFETY: foldhash hashes the same way every time; so does `u64`.
        let (writer, _reader) =
            unsafe { evmap::with_hasher::<u64, u64, (), Hasher>((), Hasher::default()) };
        let writer = Mutex::new(writer);
        case(&mut group, "evmap", |thread, n| {
            let mut writer = writer.lock().unwrap();
            writer.update(key(thread, n), n);
            writer.publish();
        });
    }
    {
        // SAFETY: as above.
        let (writer, _reader) =
            unsafe { flashmap::with_hasher::<u64, u64, Hasher>(Hasher::default()) };
        let writer = Mutex::new(writer);
        case(&mut group, "flashmap", |thread, n| {
            writer.lock().unwrap().guard().insert(key(thread, n), n);
        });
    }
}

criterion_group!(benches, insert);
criterion_main!(benches);
