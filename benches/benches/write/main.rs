//! What writing costs the writer: growing a map and overwriting a few values, in batches, foldhash
//! for all. One thread; readers exist and rest.
//!
//! `cargo bench -p dbuf-bench -- write` runs all of it. Both copies are changed within the time
//! measured. Compare within one run only.
//!
//! criterion measures one contender after the other, so a machine that is busy for some seconds
//! spoils the ratios. `ratios`, printed last, takes turns instead.

mod large;
mod ratios;

use core::hint::black_box;
use core::time::Duration;

use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group,
};
use dbuf_bench::maps::Map;
use dbuf_bench::maps::buffers::{Concurrent, Dbuf, Evmap, Flashmap};
use dbuf_bench::maps::shared::{DashMap, Plain};
use dbuf_bench::number_key;
use dbuf_strategies::{EpochStrategy, FlashStrategy};

/// How many a growing map ends with.
const GROWN: u32 = 100_000;
const OVERWRITTEN: u32 = 1_000;

/// A map from numbers to numbers.
trait Numbers: Map<Key = u64, Value = u64> + Sized {
    /// Writes the keys of these indices, in batches.
    fn write_all(&mut self, count: u32, batch: u32, value: impl Fn(u32) -> u64) {
        for begin in (0..count).step_by(batch as usize) {
            let entry = |index| (number_key(index), Some(value(index)));
            self.write((begin..begin + batch).map(entry));
        }
    }
}

impl<M: Map<Key = u64, Value = u64>> Numbers for M {}

fn grow<M: Numbers>(batch: u32) -> M {
    let mut map = M::with_capacity(0);
    map.write_all(GROWN, batch, u64::from);
    map.settle();
    map
}

fn filled<M: Numbers>() -> M {
    let mut map = M::with_capacity(0);
    map.write_all(OVERWRITTEN, OVERWRITTEN, u64::from);
    map
}

/// Calls a function with the name and the type of each map that is written in batches, or by
/// single entries.
macro_rules! each {
    (batches, $case:ident($($argument:expr),*)) => {
        each!($case($($argument),*), "std" Plain<u64, u64>, "dbuf-epoch" Dbuf<u64, u64, EpochStrategy>,
              "dbuf-flash" Dbuf<u64, u64, FlashStrategy>, "flashmap" Flashmap<u64, u64>, "evmap" Evmap<u64, u64>)
    };
    (singles, $case:ident($($argument:expr),*)) => {
        each!($case($($argument),*), "concurrent" Concurrent<u64, u64>, "mutex-writer" Dbuf<u64, u64>,
              "dashmap" DashMap<u64, u64>, "mutex-evmap" Evmap<u64, u64>)
    };
    ($case:ident $arguments:tt, $($name:literal $map:ty),*) => {
        [$(each!(@ $case $name, $map, $arguments)),*]
    };
    (@ $case:ident $name:literal, $map:ty, ($($argument:expr),*)) => {
        $case::<$map>($name $(, $argument)*)
    };
}
use each;

fn group<'c>(criterion: &'c mut Criterion, name: &str, count: u32) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(count.into()));
    group.measurement_time(Duration::from_secs(3));
    group.warm_up_time(Duration::from_millis(500));
    group
}

fn insert(criterion: &mut Criterion) {
    fn case<M: Numbers>(name: &str, group: &mut BenchmarkGroup<'_, WallTime>) {
        for batch in [100, 10_000] {
            group.bench_function(BenchmarkId::new(name, batch), |bencher| {
                bencher.iter_batched(|| (), |()| grow::<M>(batch), BatchSize::PerIteration);
            });
        }
    }
    let mut group = group(criterion, "write/insert", GROWN);
    // An iteration is long: no more of them than needed.
    group.sampling_mode(SamplingMode::Flat);
    each!(batches, case(&mut group));
    group.finish();
}

fn overwriting<M: Numbers>(name: &str, group: &mut BenchmarkGroup<'_, WallTime>, batch: u32) {
    group.bench_function(BenchmarkId::new(name, batch), |bencher| {
        let mut map = filled::<M>();
        let mut value = 0;
        bencher.iter(|| {
            value += 1;
            map.write_all(OVERWRITTEN, batch, |_| black_box(value));
        });
    });
}

fn overwrite(criterion: &mut Criterion) {
    let mut group = group(criterion, "write/overwrite", OVERWRITTEN);
    each!(batches, overwriting(&mut group, 100));
    group.finish();
}

/// One thread overwrites entries, each published by itself: what the calls cost that many threads
/// may make.
fn single(criterion: &mut Criterion) {
    let mut group = group(criterion, "write/single", OVERWRITTEN);
    each!(singles, overwriting(&mut group, 1));
    group.finish();
}

criterion_group!(benches, insert, overwrite, single);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    ratios::print();
}
