//! What a lookup costs: one of 1,024 `u64` keys, foldhash for all. One thread, no
//! writer at work.
//!
//! `cargo bench -p dbuf-bench -- map/get` runs all of it. Compare within one run
//! only.

extern crate alloc;

use alloc::sync::Arc;
use core::array;
use core::hint::black_box;
use core::time::Duration;
use std::collections::HashMap;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use dbuf_bench::Hash;
use dbuf_hashmap::{BlockingStrategy, Builder};
use dbuf_strategies::{CountStrategy, DefaultStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

const KEYS: usize = 1024;

/// Spread out, as keys are: the hash of small numbers is a special case.
fn nth_key(n: usize) -> u64 {
    (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn entries() -> impl Iterator<Item = (u64, u64)> {
    (0..KEYS).map(|n| (nth_key(n), n as u64))
}

fn hash() -> Hash {
    Hash::with_seed(0)
}

/// Looks up every key in turn, in an order that is none, one an iteration.
fn case<H>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    mut handle: H,
    get: impl Fn(&mut H, &u64) -> Option<u64>,
) {
    for (key, value) in entries() {
        assert_eq!(get(&mut handle, &key), Some(value), "{name}");
    }
    let mut keys: Box<[u64; KEYS]> = Box::new(array::from_fn(nth_key));
    keys.shuffle(&mut StdRng::seed_from_u64(0));
    let mut turn = 0;
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            // A power of two and a constant: a mask, where a division would cost
            // as much as some lookups do.
            turn = (turn + 1) % KEYS;
            get(black_box(&mut handle), &keys[turn])
        });
    });
}

fn strategy<S>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, strategy: S)
where
    S: BlockingStrategy,
{
    let builder = Builder::new().hasher(hash()).strategy(strategy);
    let (mut writer, reader) = builder.build();
    let mut batch = writer.write();
    for (key, value) in entries() {
        batch.insert(key, value);
    }
    batch.publish();
    writer.catch_up();
    case(group, name, reader, |reader, key| {
        reader.get(key).map(|value| *value)
    });
    drop(writer);
}

fn get(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("map/get");
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));

    let mut bare = hashbrown::HashMap::with_hasher(hash());
    bare.extend(entries());
    case(&mut group, "bare-hashbrown", bare, |map, key| {
        map.get(key).copied()
    });

    strategy(&mut group, "epoch", EpochStrategy::new());
    strategy(&mut group, "default", DefaultStrategy::new());
    strategy(&mut group, "flash", FlashStrategy::new());
    strategy(&mut group, "count", CountStrategy::new());
    strategy(&mut group, "lock", LockStrategy::new());

    // SAFETY: foldhash with a fixed seed hashes equal keys alike, always.
    let builder = unsafe { flashmap::Builder::new().with_hasher(hash()) };
    let (mut writer, reader) = builder.build();
    let mut batch = writer.guard();
    for (key, value) in entries() {
        batch.insert(key, value);
    }
    batch.publish();
    case(&mut group, "flashmap", reader, |reader, key| {
        reader.guard().get(key).copied()
    });
    drop(writer);

    // SAFETY: as above.
    let options = unsafe { evmap::Options::default().with_hasher(hash()) };
    let (mut writer, reader) = options.construct();
    for (key, value) in entries() {
        writer.insert(key, value);
    }
    writer.publish();
    case(&mut group, "evmap", reader, |reader, key| {
        reader.get_one(key).map(|value| *value)
    });
    drop(writer);

    let map = dashmap::DashMap::with_hasher(hash());
    for (key, value) in entries() {
        map.insert(key, value);
    }
    case(&mut group, "dashmap", Arc::new(map), |map, key| {
        map.get(key).map(|value| *value)
    });

    let map = papaya::HashMap::with_hasher(hash());
    for (key, value) in entries() {
        map.pin().insert(key, value);
    }
    case(&mut group, "papaya", Arc::new(map), |map, key| {
        map.pin().get(key).copied()
    });

    let mut map = HashMap::with_hasher(hash());
    map.extend(entries());
    let map = Arc::new(parking_lot::RwLock::new(map));
    case(&mut group, "parking_lot-rwlock", map, |map, key| {
        map.read().get(key).copied()
    });

    group.finish();
}

criterion_group!(benches, get);
criterion_main!(benches);
