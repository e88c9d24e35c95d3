//! What a read costs by itself: enter, look at a `u64`, leave. One thread, no
//! writer at work, the same payload for all.
//!
//! `cargo bench -p dbuf-bench -- read` runs all of it; `read/epoch` one of them.
//! Compare within one run only.

extern crate alloc;

use alloc::sync::Arc;
use core::hint::black_box;
use core::time::Duration;

use arc_swap::{ArcSwap, Cache};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use dbuf_core::{Strategy, arc, rc};
use dbuf_strategies::{
    CountStrategy, DefaultStrategy, EpochStrategy, FlashStrategy, LocalStrategy, LockStrategy,
};

const PAYLOAD: u64 = 42;

/// Reads again and again. `read` gets the handle through a black box, so that
/// nothing about it is known from the last time, and its result goes into one.
fn case<H>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    mut handle: H,
    mut read: impl FnMut(&mut H) -> u64,
) {
    group.bench_function(name, |bencher| {
        bencher.iter(|| read(black_box(&mut handle)));
    });
}

fn strategy<S: Strategy>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, strategy: S) {
    let (writer, reader) = arc(PAYLOAD, PAYLOAD, strategy);
    case(group, name, reader, |reader| *reader.read());
    drop(writer);
}

/// left-right's log needs a type of operation; none is ever made.
struct Never;

impl left_right::Absorb<Never> for u64 {
    fn absorb_first(&mut self, _: &mut Never, _: &Self) {}

    fn sync_with(&mut self, first: &Self) {
        *self = *first;
    }
}

fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read");
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));

    strategy(&mut group, "epoch", EpochStrategy::new());

    // Right after it: these two are compared, and a machine changes its pace.
    let (mut writer, reader) = left_right::new_from_empty::<u64, Never>(PAYLOAD);
    writer.publish();
    case(&mut group, "left-right", reader, |reader| {
        reader.enter().map_or(0, |guard| *guard)
    });
    drop(writer);

    // And the same strategy through a handle that all threads share.
    let (writer, reader) = arc(PAYLOAD, PAYLOAD, EpochStrategy::new());
    case(&mut group, "epoch-shared", reader.shared(), |reader| {
        *reader.read()
    });
    drop(writer);

    strategy(&mut group, "default", DefaultStrategy::new());
    strategy(&mut group, "flash", FlashStrategy::new());
    strategy(&mut group, "count", CountStrategy::new());
    strategy(&mut group, "lock", LockStrategy::new());

    let (writer, reader) = rc(PAYLOAD, PAYLOAD, LocalStrategy::new());
    case(&mut group, "local-rc", reader, |reader| *reader.read());
    drop(writer);

    // A map that cannot be had without one; its length stands for the payload.
    let (mut writer, reader) = flashmap::new::<u64, u64>();
    writer.guard().insert(PAYLOAD, PAYLOAD);
    case(&mut group, "flashmap", reader, |reader| {
        reader.guard().len() as u64
    });
    drop(writer);

    let swap = Arc::new(ArcSwap::from_pointee(PAYLOAD));
    case(&mut group, "arc-swap-load", Arc::clone(&swap), |swap| {
        **swap.load()
    });
    case(&mut group, "arc-swap-cache", Cache::new(swap), |cache| {
        **cache.load()
    });

    let lock = Arc::new(parking_lot::RwLock::new(PAYLOAD));
    case(&mut group, "parking_lot-rwlock", lock, |lock| *lock.read());

    let lock = Arc::new(std::sync::RwLock::new(PAYLOAD));
    case(&mut group, "std-rwlock", lock, |lock| {
        lock.read().map_or(0, |guard| *guard)
    });

    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
