//! What writing costs the writer: growing a map and overwriting a few values, in
//! batches, foldhash for all. One thread; readers exist and rest.
//!
//! `cargo bench -p dbuf-bench --bench map_write` runs all of it. Both copies are
//! changed within the time measured. Compare within one run only.

use core::hint::black_box;
use core::time::Duration;
use std::collections::HashMap;

use criterion::{
    BatchSize, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use dbuf_bench::Hash;
use dbuf_hashmap::{BlockingStrategy, Builder, Reader, Writer};
use dbuf_strategies::{EpochStrategy, FlashStrategy};

/// How many a growing map ends with.
const GROWN: u64 = 100_000;
const OVERWRITTEN: u64 = 1_000;

fn hash() -> Hash {
    Hash::with_seed(0)
}

/// Spread out, as keys are: a hash of small numbers is a special case.
fn key(n: u64) -> u64 {
    n.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// A map and what it takes to write to it.
trait Subject {
    fn empty() -> Self;
    /// Sets values and makes them visible.
    fn write(&mut self, entries: impl Iterator<Item = (u64, u64)>);
    /// Does what the last write still owes.
    fn settle(&mut self) {}
}

struct Std(HashMap<u64, u64, Hash>);

impl Subject for Std {
    fn empty() -> Self {
        Self(HashMap::with_hasher(hash()))
    }

    fn write(&mut self, entries: impl Iterator<Item = (u64, u64)>) {
        for (key, value) in entries {
            self.0.insert(key, value);
        }
    }
}

struct Dbuf<S: BlockingStrategy>(Writer<u64, u64, Hash, S>, Reader<u64, u64, Hash, S>);

impl<S: BlockingStrategy + Default> Subject for Dbuf<S> {
    fn empty() -> Self {
        let builder = Builder::new().hasher(hash()).strategy(S::default());
        let (writer, reader) = builder.build();
        Self(writer, reader)
    }

    fn write(&mut self, entries: impl Iterator<Item = (u64, u64)>) {
        let mut batch = self.0.write();
        for (key, value) in entries {
            batch.insert(key, value);
        }
        batch.publish();
    }

    fn settle(&mut self) {
        self.0.catch_up();
    }
}

struct Flashmap(
    flashmap::WriteHandle<u64, u64, Hash>,
    #[expect(dead_code, reason = "is there")] flashmap::ReadHandle<u64, u64, Hash>,
);

impl Subject for Flashmap {
    fn empty() -> Self {
        // SAFETY: it asks for a `Hash` and an `Eq` that never change their mind,
        // and for a hasher whose clones agree; these are such.
        let (writer, reader) = unsafe { flashmap::Builder::new().with_hasher(hash()) }.build();
        Self(writer, reader)
    }

    fn write(&mut self, entries: impl Iterator<Item = (u64, u64)>) {
        let mut guard = self.0.guard();
        for (key, value) in entries {
            guard.insert(key, value);
        }
        guard.publish();
    }

    fn settle(&mut self) {
        // A guard replays the log as it is taken.
        self.0.guard().publish();
    }
}

struct Evmap(
    evmap::handles::WriteHandle<u64, u64, (), Hash>,
    #[expect(dead_code, reason = "is there")] evmap::handles::ReadHandle<u64, u64, (), Hash>,
);

impl Subject for Evmap {
    fn empty() -> Self {
        // SAFETY: as above.
        let options = unsafe { evmap::Options::default().with_hasher(hash()) };
        let (writer, reader) = options.construct();
        Self(writer, reader)
    }

    fn write(&mut self, entries: impl Iterator<Item = (u64, u64)>) {
        for (key, value) in entries {
            // Replaces what is there, as a map does.
            self.0.update(key, value);
        }
        self.0.publish();
    }

    fn settle(&mut self) {
        // What is owed is replayed as the next publish begins.
        self.0.update(key(0), 0);
        self.0.publish();
    }
}

fn insert(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("map/insert");
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
                        |mut map| {
                            for begin in (0..GROWN).step_by(batch as usize) {
                                map.write((begin..begin + batch).map(|n| (key(n), n)));
                            }
                            map.settle();
                            map
                        },
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
    let mut group = criterion.benchmark_group("map/overwrite");
    group
        .throughput(Throughput::Elements(OVERWRITTEN))
        .measurement_time(Duration::from_secs(3))
        .warm_up_time(Duration::from_millis(500));
    macro_rules! case {
        ($name:literal, $subject:ty) => {
            group.bench_function(BenchmarkId::new($name, 100), |bencher| {
                let mut map = <$subject>::empty();
                map.write((0..OVERWRITTEN).map(|n| (key(n), n)));
                let mut value = 0;
                bencher.iter(|| {
                    for begin in (0..OVERWRITTEN).step_by(100) {
                        value += 1;
                        map.write((begin..begin + 100).map(|n| (key(n), black_box(value))));
                    }
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

criterion_group!(benches, insert, overwrite);
criterion_main!(benches);
