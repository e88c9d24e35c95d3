//! What a publish costs the writer: one stored cell, and one overwritten entry of
//! a map. One thread; a reader exists and rests.
//!
//! `cargo bench -p dbuf-bench -- publish`. Compare within one run only.

extern crate alloc;

use alloc::sync::Arc;
use core::hint::black_box;
use core::time::Duration;

use arc_swap::ArcSwap;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use dbuf_bench::Hash;
use dbuf_core::arc;
use dbuf_hashmap::{BlockingStrategy, Builder};
use dbuf_strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};

fn configure(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
}

/// Publishes another number an iteration, and asks the reader in the end.
fn case(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    mut publish: impl FnMut(u64),
    read: impl FnOnce() -> Option<u64>,
) {
    let mut number = 0;
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            number += 1;
            publish(black_box(number));
        });
    });
    // Not run at all if another name was asked for.
    if number > 0 {
        assert_eq!(read(), Some(number), "{name}");
    }
}

fn our_cell<S: BlockingStrategy>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    strategy: S,
) {
    let (mut writer, reader) = arc(0_u64, 0, strategy);
    case(
        group,
        name,
        |number| writer.store(number),
        || Some(*reader.read()),
    );
}

struct Replace(u64);

impl left_right::Absorb<Replace> for u64 {
    fn absorb_first(&mut self, new: &mut Replace, _: &Self) {
        *self = new.0;
    }

    fn sync_with(&mut self, first: &Self) {
        *self = *first;
    }
}

fn cell(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("publish/cell");
    configure(&mut group);
    our_cell(&mut group, "epoch", EpochStrategy::new());
    our_cell(&mut group, "flash", FlashStrategy::new());
    our_cell(&mut group, "count", CountStrategy::new());
    our_cell(&mut group, "lock", LockStrategy::new());

    let (mut writer, reader) = left_right::new_from_empty::<u64, Replace>(0);
    let publish = |number| {
        writer.append(Replace(number));
        writer.publish();
    };
    case(&mut group, "left-right", publish, || {
        reader.enter().map(|guard| *guard)
    });

    let swap = ArcSwap::from_pointee(0_u64);
    case(
        &mut group,
        "arc-swap",
        |number| swap.store(Arc::new(number)),
        || Some(**swap.load()),
    );
    group.finish();
}

fn our_map<S: BlockingStrategy>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, strategy: S) {
    let builder = Builder::new().hasher(Hash::with_seed(0)).strategy(strategy);
    let (mut writer, reader) = builder.build::<u64, u64>();
    let publish = |number| {
        writer.write().insert(1, number);
    };
    case(group, name, publish, || reader.get(&1).as_deref().copied());
}

fn map(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("publish/entry");
    configure(&mut group);
    our_map(&mut group, "epoch", EpochStrategy::new());
    our_map(&mut group, "flash", FlashStrategy::new());
    our_map(&mut group, "count", CountStrategy::new());
    our_map(&mut group, "lock", LockStrategy::new());

    // SAFETY: foldhash with a fixed seed hashes equal keys alike, always.
    let builder = unsafe { flashmap::Builder::new().with_hasher(Hash::with_seed(0)) };
    let (mut writer, reader) = builder.build::<u64, u64>();
    let publish = |number| {
        writer.guard().insert(1, number);
    };
    case(&mut group, "flashmap", publish, || {
        reader.guard().get(&1).copied()
    });

    // SAFETY: as above.
    let options = unsafe { evmap::Options::default().with_hasher(Hash::with_seed(0)) };
    let (mut writer, reader) = options.construct::<u64, u64>();
    let publish = |number| {
        writer.update(1, number);
        writer.publish();
    };
    case(&mut group, "evmap", publish, || {
        reader.get_one(&1).map(|value| *value)
    });
    group.finish();
}

criterion_group!(benches, cell, map);
criterion_main!(benches);
