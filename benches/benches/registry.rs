//! What registered readers cost when they do nothing: a publish of one changed
//! entry beside ten thousand idle readers, and making and dropping a reader.
//!
//! `cargo bench -p dbuf-bench -- registry`

use core::hint::black_box;
use core::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use dbuf_hashmap::{BlockingStrategy, Builder};
use dbuf_strategies::{CountStrategy, EpochStrategy, FlashStrategy};

type Hash = foldhash::fast::FixedState;

const IDLE: usize = 10_000;

/// Publishes one overwritten entry an iteration, with idle readers registered by
/// this thread. Each has read once.
fn ours<S: BlockingStrategy>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, strategy: S) {
    let (mut writer, reader) = Builder::new()
        .hasher(Hash::default())
        .strategy(strategy)
        .build::<u64, u64>();
    let readers: Vec<_> = (0..IDLE).map(|_| reader.clone()).collect();
    for reader in &readers {
        assert!(reader.read().is_empty());
    }
    let mut value = 0;
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            value += 1;
            writer.write().insert(1, black_box(value));
        });
    });
    // Not run at all if another name was asked for.
    if value > 0 {
        assert_eq!(reader.get(&1).as_deref(), Some(&value));
    }
}

fn registry(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("registry/idle");
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(3));

    ours(&mut group, "epoch", EpochStrategy::new());
    ours(&mut group, "flash", FlashStrategy::new());
    ours(&mut group, "count", CountStrategy::new());

    // SAFETY: the hasher is deterministic, and `u64` hashes and compares alike.
    let builder = unsafe { flashmap::Builder::new().with_hasher(Hash::default()) };
    let (mut writer, reader) = builder.build::<u64, u64>();
    let readers: Vec<_> = (0..IDLE).map(|_| reader.clone()).collect();
    for reader in &readers {
        assert!(reader.guard().is_empty());
    }
    let mut value = 0;
    group.bench_function("flashmap", |bencher| {
        bencher.iter(|| {
            value += 1;
            writer.guard().insert(1, black_box(value));
        });
    });
    drop(readers);

    // SAFETY: as above.
    let options = unsafe { evmap::Options::default().with_hasher(Hash::default()) };
    let (mut writer, reader) = options.construct::<u64, u64>();
    writer.publish();
    let readers: Vec<_> = (0..IDLE).map(|_| reader.clone()).collect();
    for reader in &readers {
        assert!(reader.get(&1).is_none());
    }
    group.bench_function("evmap", |bencher| {
        bencher.iter(|| {
            value += 1;
            writer.update(1, black_box(value));
            writer.publish();
        });
    });
    drop(readers);
    group.finish();

    let mut group = criterion.benchmark_group("registry/handle");
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(1));
    let (_writer, reader) = dbuf_core::arc(0_u64, 0, EpochStrategy::new());
    group.bench_function("epoch", |bencher| bencher.iter(|| reader.clone()));
    let (_writer, reader) = dbuf_core::arc(0_u64, 0, FlashStrategy::new());
    group.bench_function("flash", |bencher| bencher.iter(|| reader.clone()));
    group.finish();
}

criterion_group!(benches, registry);
criterion_main!(benches);
