//! `ConcurrentHashMap` against its neighbours: writes from two threads, reads
//! through `&self`, and conc-map-bench's ReadHeavy.
//!
//! `cargo bench -p dbuf-bench -- concurrent` runs all of it. Foldhash for all.
//! Compare within one run only.

extern crate alloc;

mod subjects;

use core::hint::black_box;
use core::time::Duration;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use subjects::{
    Concurrent, Map, bare, concurrent, dashmap, evmap, flashmap, locked, mutex_writer, papaya, scc,
};

const KEYS: u64 = 1 << 12;

/// Spread out, as keys are: the hash of small numbers is a special case.
fn nth_key(n: u64) -> u64 {
    n.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Operations of each thread, again and again. A power of two: to go around costs
/// a mask.
const STEPS: usize = 1 << 14;

#[derive(Clone, Copy)]
enum Step {
    Get(u64),
    Insert(u64),
    Remove(u64),
}

/// What a thread does: the same in every run and for every contender.
fn script(thread: u64, step: impl Fn(u32, u64) -> Step) -> Vec<Step> {
    let mut random = StdRng::seed_from_u64(thread);
    (0..STEPS)
        .map(|_| {
            step(
                random.random_range(0..100),
                nth_key(random.random_range(0..KEYS)),
            )
        })
        .collect()
}

/// The time in which two threads do `count` steps each, after both are there.
fn two_threads<M: Map>(map: &M, scripts: &[Vec<Step>; 2], count: u64) -> Duration {
    let gate = Barrier::new(3);
    thread::scope(|scope| {
        for script in scripts {
            let (gate, mut map) = (&gate, map.clone());
            scope.spawn(move || {
                gate.wait();
                for n in 0..count {
                    match script[n as usize % STEPS] {
                        Step::Get(key) => drop(black_box(map.get(&key))),
                        Step::Insert(key) => map.insert(key, n),
                        Step::Remove(key) => map.remove(&key),
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

fn group<'c>(criterion: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    group.sample_size(40);
    group
}

/// Fills three quarters of the keys, and measures two threads.
fn case<M: Map>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    mut map: M,
    scripts: &[Vec<Step>; 2],
) {
    let mut is_filled = false;
    group.bench_function(name, |bencher| {
        if !is_filled {
            for n in (0..KEYS).filter(|n| n % 4 != 3) {
                map.insert(nth_key(n), n);
            }
            is_filled = true;
        }
        bencher.iter_custom(|count| two_threads(&map, scripts, count));
    });
}

/// The map, and a mutex around its parts.
fn ours(group: &mut BenchmarkGroup<'_, WallTime>, scripts: &[Vec<Step>; 2]) {
    case(group, "concurrent", concurrent(), scripts);
    case(group, "mutex-writer", mutex_writer(), scripts);
}

/// Everybody else.
fn neighbours(group: &mut BenchmarkGroup<'_, WallTime>, scripts: &[Vec<Step>; 2]) {
    case(group, "evmap", evmap(), scripts);
    case(group, "flashmap", flashmap(), scripts);
    case(group, "dashmap", dashmap(), scripts);
    case(group, "papaya", papaya(), scripts);
    case(group, "scc", scc(), scripts);
    case(group, "parking_lot-rwlock", locked(), scripts);
}

/// Two threads insert a key at a time, visible when the call returns. A time is that
/// of one insert by each.
fn insert(criterion: &mut Criterion) {
    let mut group = group(criterion, "concurrent/insert");
    let scripts = [0, 1].map(|thread| script(thread, |_, key| Step::Insert(key)));
    ours(&mut group, &scripts);
    neighbours(&mut group, &scripts);
    group.finish();
}

/// conc-map-bench's ReadHeavy: 98 % lookups, 1 % inserts, 1 % removals, two threads,
/// three quarters filled. Each write is visible when its call returns. A time is
/// that of one step by each thread.
fn read_heavy(criterion: &mut Criterion) {
    // Named as there. `-- read` is another bench.
    let mut group = group(criterion, "concurrent/ReadHeavy");
    let scripts = [0, 1].map(|thread| {
        script(thread, |percent, key| match percent {
            0 => Step::Insert(key),
            1 => Step::Remove(key),
            _ => Step::Get(key),
        })
    });
    ours(&mut group, &scripts);
    neighbours(&mut group, &scripts);
    group.finish();
}

/// Looks keys up that are there, one an iteration.
fn look<M: Map>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    map: &mut M,
    get: impl Fn(&mut M, &u64) -> Option<u64>,
) {
    const FEW: u64 = 1024;
    for n in 0..FEW {
        map.insert(nth_key(n), n);
    }
    let mut random = StdRng::seed_from_u64(0);
    let keys: Vec<u64> = (0..STEPS)
        .map(|_| nth_key(random.random_range(0..FEW)))
        .collect();
    let mut turn = 0;
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            turn = (turn + 1) % STEPS;
            get(black_box(map), &keys[turn])
        });
    });
}

/// What `&self` adds to a lookup by a reader of one's own: by `get_with`, and by
/// `get`, whose guard may be kept. 1,024 keys, one thread.
fn get(criterion: &mut Criterion) {
    let mut group = group(criterion, "concurrent/get");
    look(&mut group, "bare-hashbrown", &mut bare(), Map::get);
    let mut pair = mutex_writer();
    let mut map = concurrent();
    // Twice, in turns: these are compared, and a machine changes its pace.
    for again in ["", "-again"] {
        let name = format!("reader{again}");
        look(&mut group, &name, &mut pair, Map::get);
        let name = format!("get_with{again}");
        look(&mut group, &name, &mut map, Map::get);
        let name = format!("get{again}");
        look(&mut group, &name, &mut map, |map, key| {
            Concurrent::get(map, key).map(|value| *value)
        });
    }
    look(&mut group, "evmap", &mut evmap(), Map::get);
    look(&mut group, "flashmap", &mut flashmap(), Map::get);
    look(&mut group, "dashmap", &mut dashmap(), Map::get);
    look(&mut group, "papaya", &mut papaya(), Map::get);
    look(&mut group, "scc", &mut scc(), Map::get);
    look(&mut group, "parking_lot-rwlock", &mut locked(), Map::get);
    group.finish();
}

criterion_group!(benches, get, insert, read_heavy);
criterion_main!(benches);
