//! What one value costs on one thread: a read by itself, a store, and a handle.
//!
//! `cargo bench -p dbuf-bench -- read`, `-- publish/cell`, `-- registry/handle`; `read/epoch` is
//! one of them. Compare within one run only.

use core::hint::black_box;
use core::time::Duration;
use std::time::Instant;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use dbuf_bench::cells::{Parts, Payload, all};
use dbuf_core::{Strategy, arc};
use dbuf_strategies::{EpochStrategy, FlashStrategy};

fn group<'c>(criterion: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    group
}

/// Enters, copies and checks two words, leaves. No writer is at work.
fn read(criterion: &mut Criterion) {
    let mut group = group(criterion, "read");
    for entry in all() {
        let name = entry.contender.name;
        let mut parts = (entry.build)(1).expect("all can have one reader");
        let mut run = |count| match &mut parts {
            Parts::Shared { readers, .. } => readers[0].run(count, name),
            Parts::Alone(reader) => reader.run(count, name),
        };
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|count| {
                let begin = Instant::now();
                run(count as usize);
                begin.elapsed()
            });
        });
    }
    group.finish();
}

/// Publishes another number. A reader exists and rests, and is asked in the end.
fn publish(criterion: &mut Criterion) {
    let mut group = group(criterion, "publish/cell");
    for entry in all() {
        let name = entry.contender.name;
        let Some(Parts::Shared { readers, writer }) = &mut (entry.build)(1) else {
            continue;
        };
        let mut number = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                number += 1;
                writer.store(black_box(Payload::new(number)));
            });
        });
        assert_eq!(readers[0].load(), Payload::new(number), "{name}");
    }
    group.finish();
}

/// Making and dropping a reader.
fn handle(criterion: &mut Criterion) {
    fn case<S: Strategy>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, strategy: S) {
        let (_writer, reader) = arc(0_u64, 0, strategy);
        group.bench_function(name, |bencher| bencher.iter(|| reader.clone()));
    }
    let mut group = group(criterion, "registry/handle");
    case(&mut group, "epoch", EpochStrategy::new());
    case(&mut group, "flash", FlashStrategy::new());
    group.finish();
}

criterion_group!(benches, read, publish, handle);
criterion_main!(benches);
