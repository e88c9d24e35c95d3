//! What awaiting costs, beside tokio's `watch` and `RwLock`: a batch and a wait for
//! readers by a task, a write to the map for any thread, the next publish awaited, a
//! store and a read where a task could be waiting.
//!
//! `cargo bench -p dbuf-bench -- async`. One thread, and no executor: futures are
//! polled by hand, so nothing but the primitives is measured. Compare within one
//! run only.

extern crate alloc;

use alloc::rc::Rc;
use alloc::sync::Arc;
use alloc::task::Wake;
use core::cell::Cell;
use core::hint::black_box;
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicU64, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::collections::HashMap;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, criterion_group, criterion_main};
use dbuf_async::{Watcher, WriterAsyncExt};
use dbuf_bench::Hash;
use dbuf_core::{BlockingStrategy, OpWriter, arc};
use dbuf_hashmap::ConcurrentHashMap;
use dbuf_strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy, Watched};
use tokio::sync::{RwLock, watch};

fn group<'c>(criterion: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    group
}

fn watched() -> Watched<EpochStrategy> {
    Watched::new(EpochStrategy::new())
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Of a future that has nothing to wait for.
fn at_once<F: Future>(future: F) -> F::Output {
    match poll(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("no guard is in the way"),
    }
}

/// One change, published, with no guard in the way: by a call and by an await.
fn batch(criterion: &mut Criterion) {
    let mut group = group(criterion, "async/batch");

    let (writer, _reader) = arc(0_u64, 0, EpochStrategy::new());
    let mut writer = OpWriter::new(writer);
    group.bench_function("blocking", |bencher| {
        bencher.iter(|| {
            let mut batch = writer.write();
            batch.apply(|number: &mut u64, _: &()| *number += 1);
            batch.publish();
        });
    });

    let (writer, _reader) = arc(0_u64, 0, EpochStrategy::new());
    let mut writer = OpWriter::new(writer);
    group.bench_function("awaiting", |bencher| {
        bencher.iter(|| {
            let mut batch = at_once(writer.write_async());
            batch.apply(|number: &mut u64, _: &()| *number += 1);
            batch.publish();
        });
    });

    let (sender, _receiver) = watch::channel(0_u64);
    group.bench_function("tokio-watch", |bencher| {
        bencher.iter(|| sender.send_modify(|number| *number += 1));
    });

    let lock = RwLock::new(0_u64);
    group.bench_function("tokio-rwlock", |bencher| {
        bencher.iter(|| *at_once(black_box(&lock).write()) += 1);
    });
    group.finish();
}

/// A read that begins, a swap that is started, and its end awaited: with the guard
/// gone before (`free`), and with one that goes while the task waits (`straggler`).
fn our_finish<S: BlockingStrategy>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    strategy: S,
) {
    let (mut writer, reader) = arc(0_u64, 0, strategy);
    group.bench_function(BenchmarkId::new(name, "free"), |bencher| {
        bencher.iter(|| {
            drop(black_box(reader.read()));
            assert!(writer.start_swap());
            at_once(writer.finish_async());
        });
    });
    group.bench_function(BenchmarkId::new(name, "straggler"), |bencher| {
        bencher.iter(|| {
            let guard = black_box(reader.read());
            assert!(writer.start_swap());
            let mut finish = pin!(writer.finish_async());
            assert!(poll(finish.as_mut()).is_pending(), "{name}");
            drop(guard);
            assert!(poll(finish).is_ready(), "{name}");
        });
    });
}

fn finish(criterion: &mut Criterion) {
    let mut group = group(criterion, "async/finish");
    our_finish(&mut group, "epoch", EpochStrategy::new());
    our_finish(&mut group, "flash", FlashStrategy::new());
    our_finish(&mut group, "count", CountStrategy::new());
    our_finish(&mut group, "lock", LockStrategy::new());

    let lock = RwLock::new(0_u64);
    group.bench_function(BenchmarkId::new("tokio-rwlock", "free"), |bencher| {
        bencher.iter(|| {
            drop(black_box(at_once(lock.read())));
            drop(at_once(lock.write()));
        });
    });
    group.bench_function(BenchmarkId::new("tokio-rwlock", "straggler"), |bencher| {
        bencher.iter(|| {
            let guard = black_box(at_once(lock.read()));
            let mut write = pin!(lock.write());
            assert!(poll(write.as_mut()).is_pending());
            drop(guard);
            assert!(poll(write).is_ready());
        });
    });
    group.finish();
}

/// One value of a map replaced, and seen by all readers, with no guard in the way.
fn map(criterion: &mut Criterion) {
    let mut group = group(criterion, "async/map");
    let mut number = 0_u64;

    let ours = ConcurrentHashMap::with_hasher(Hash::default());
    group.bench_function("blocking", |bencher| {
        bencher.iter(|| {
            number += 1;
            ours.insert(black_box(1), number)
        });
    });
    group.bench_function("awaiting", |bencher| {
        bencher.iter(|| {
            number += 1;
            at_once(ours.insert_async(black_box(1), number))
        });
    });
    assert_eq!(ours.get_cloned(&1), Some(number));

    let lock = RwLock::new(HashMap::with_hasher(Hash::default()));
    group.bench_function("tokio-rwlock", |bencher| {
        bencher.iter(|| {
            number += 1;
            at_once(black_box(&lock).write()).insert(black_box(1), number)
        });
    });
    group.finish();
}

/// Counts its wakes.
#[derive(Default)]
struct Wakes(AtomicU64);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Relaxed: one thread.
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Tasks that wait forever, and count the publishes that they have seen. An iteration
/// publishes, and polls each of them: it reads, and waits again.
fn tasks<F: Future>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    count: usize,
    mut publish: impl FnMut(u64),
    task: impl Fn(Rc<Cell<u64>>) -> F,
) {
    let seen = Rc::new(Cell::new(0));
    let mut tasks: Vec<_> = (0..count)
        .map(|_| Box::pin(task(Rc::clone(&seen))))
        .collect();
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut poll_all = || {
        for task in &mut tasks {
            let polled = task.as_mut().poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending(), "{name}");
        }
    };
    poll_all();
    let mut number = 0;
    group.bench_function(BenchmarkId::new(name, count), |bencher| {
        bencher.iter(|| {
            number += 1;
            publish(black_box(number));
            poll_all();
        });
    });
    let all = number * count as u64;
    assert_eq!(seen.get(), all, "{name}");
    assert_eq!(wakes.0.load(Ordering::Relaxed), all, "{name}");
}

/// A publish that wakes this many tasks.
fn changed(criterion: &mut Criterion) {
    let mut group = group(criterion, "async/changed");
    for count in [1, 1000] {
        let (mut writer, reader) = arc(0_u64, 0, watched());
        let publish = |number| writer.store(number);
        tasks(&mut group, "watcher", count, publish, |seen| {
            let mut watcher = Watcher::new(reader.clone());
            async move {
                while watcher.changed().await.is_ok() {
                    black_box(*watcher.read());
                    seen.set(seen.get() + 1);
                }
            }
        });

        let (sender, receiver) = watch::channel(0_u64);
        let publish = |number| _ = sender.send(number);
        tasks(&mut group, "tokio-watch", count, publish, |seen| {
            let mut receiver = receiver.clone();
            async move {
                while receiver.changed().await.is_ok() {
                    black_box(*receiver.borrow_and_update());
                    seen.set(seen.get() + 1);
                }
            }
        });
    }
    group.finish();
}

/// Stores, each in an iteration, without a task that awaits them.
fn our_store<S: BlockingStrategy>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    strategy: S,
) {
    let (mut writer, _reader) = arc(0_u64, 0, strategy);
    let mut number = 0;
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            number += 1;
            writer.store(black_box(number));
        });
    });
}

fn store(criterion: &mut Criterion) {
    let mut group = group(criterion, "async/store");
    our_store(&mut group, "epoch", EpochStrategy::new());
    our_store(&mut group, "watched-epoch", watched());
    let (sender, _receiver) = watch::channel(0_u64);
    let mut number = 0;
    group.bench_function("tokio-watch", |bencher| {
        bencher.iter(|| {
            number += 1;
            sender.send(black_box(number))
        });
    });
    group.finish();
}

/// Enter, read, leave. The handle comes through a black box, so that nothing about
/// it is known from the last time.
fn read(criterion: &mut Criterion) {
    let mut group = group(criterion, "async/read");
    let (_writer, reader) = arc(42_u64, 42, EpochStrategy::new());
    group.bench_function("epoch", |bencher| {
        bencher.iter(|| *black_box(&reader).read());
    });
    let (_writer, reader) = arc(42_u64, 42, watched());
    group.bench_function("watched-epoch", |bencher| {
        bencher.iter(|| *black_box(&reader).read());
    });
    let watcher = Watcher::new(reader);
    group.bench_function("watcher", |bencher| {
        bencher.iter(|| *black_box(&watcher).read());
    });
    let (_sender, receiver) = watch::channel(42_u64);
    group.bench_function("tokio-watch", |bencher| {
        bencher.iter(|| *black_box(&receiver).borrow());
    });
    let lock = RwLock::new(42_u64);
    group.bench_function("tokio-rwlock", |bencher| {
        bencher.iter(|| *at_once(black_box(&lock).read()));
    });
    group.finish();
}

criterion_group!(benches, batch, finish, map, changed, store, read);
criterion_main!(benches);
