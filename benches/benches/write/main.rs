//! What writing costs the writer: growing a map and overwriting a few values, in
//! batches, foldhash for all. One thread; readers exist and rest.
//!
//! `cargo bench -p dbuf-bench -- write` runs all of it. Both copies are
//! changed within the time measured. Compare within one run only.
//!
//! criterion measures one contender after the other, so a machine that is busy for
//! some seconds spoils the ratios. `ratios`, printed last, takes turns instead.

mod large;
mod ratios;
mod subjects;

use core::hint::black_box;
use core::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group};
use dbuf_strategies::{EpochStrategy, FlashStrategy};

use subjects::{
    Concurrent, Dashmap, Dbuf, Evmap, Flashmap, MutexEvmap, MutexWriter, Std, Subject, key,
};

/// How many a growing map ends with.
const GROWN: u64 = 100_000;
const OVERWRITTEN: u64 = 1_000;

fn grow<T: Subject>(mut map: T, batch: u64) -> T {
    for begin in (0..GROWN).step_by(batch as usize) {
        map.write((begin..begin + batch).map(|n| (key(n), n)));
    }
    map.settle();
    map
}

fn filled<T: Subject>() -> T {
    let mut map = T::empty();
    map.write((0..OVERWRITTEN).map(|n| (key(n), n)));
    map
}

fn overwrite_all<T: Subject>(map: &mut T, value: u64) {
    for begin in (0..OVERWRITTEN).step_by(100) {
        map.write((begin..begin + 100).map(|n| (key(n), black_box(value))));
    }
}

fn insert(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write/insert");
    group
        .throughput(Throughput::Elements(GROWN))
        .measurement_time(Duration::from_secs(3))
        .warm_up_time(Duration::from_millis(500))
        // An iteration is long: no more of them than needed.
        .sampling_mode(SamplingMode::Flat);
    macro_rules! case {
        ($name:literal, $subject:ty) => {
            for batch in [100, 10_000_u64] {
                group.bench_function(BenchmarkId::new($name, batch), |bencher| {
                    bencher.iter_batched(
                        <$subject>::empty,
                        |map| grow(map, batch),
                        BatchSize::PerIteration,
                    );
                });
            }
        };
    }
    case!("std", Std);
    case!("dbuf-epoch", Dbuf<EpochStrategy>);
    case!("dbuf-flash", Dbuf<FlashStrategy>);
    case!("flashmap", Flashmap);
    case!("evmap", Evmap);
    group.finish();
}

fn overwrite(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write/overwrite");
    group
        .throughput(Throughput::Elements(OVERWRITTEN))
        .measurement_time(Duration::from_secs(3))
        .warm_up_time(Duration::from_millis(500));
    macro_rules! case {
        ($name:literal, $subject:ty) => {
            group.bench_function(BenchmarkId::new($name, 100), |bencher| {
                let mut map = filled::<$subject>();
                let mut value = 0;
                bencher.iter(|| {
                    value += 1;
                    overwrite_all(&mut map, value);
                });
            });
        };
    }
    case!("std", Std);
    case!("dbuf-epoch", Dbuf<EpochStrategy>);
    case!("dbuf-flash", Dbuf<FlashStrategy>);
    case!("flashmap", Flashmap);
    case!("evmap", Evmap);
    group.finish();
}

/// One thread overwrites entries, each published by itself: what the calls cost that
/// many threads may make.
fn single(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write/single");
    group
        .throughput(Throughput::Elements(OVERWRITTEN))
        .measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(500));
    macro_rules! case {
        ($name:literal, $subject:ty) => {
            group.bench_function($name, |bencher| {
                let mut map = filled::<$subject>();
                let mut value = 0;
                bencher.iter(|| {
                    value += 1;
                    overwrite_all(&mut map, value);
                });
            });
        };
    }
    case!("concurrent", Concurrent);
    case!("mutex-writer", MutexWriter);
    case!("dashmap", Dashmap);
    case!("mutex-evmap", MutexEvmap);
    group.finish();
}

criterion_group!(benches, insert, overwrite, single);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    ratios::print();
}
