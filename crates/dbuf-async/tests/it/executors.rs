//! The same program on tokio (both flavours), smol and pollster.
#![cfg(not(any(dbuf_loom, miri)))]

use std::pin::Pin;
use std::sync::Arc;
use std::thread;

use crate::common::yield_now;
use dbuf_async::core::{BlockingStrategy, OpWriter, ReadGuard, arc, rc};
use dbuf_async::strategies::{
    CountStrategy, EpochStrategy, FlashStrategy, LocalStrategy, LockStrategy, Watched,
};
use dbuf_async::{Watcher, WriterAsyncExt};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

trait Executor {
    fn block_on(&self, task: Pin<Box<dyn Future<Output = ()> + '_>>);
    fn spawn(&self, task: Task);
}

impl Executor for Runtime {
    fn block_on(&self, task: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.block_on(task);
    }

    fn spawn(&self, task: Task) {
        drop(self.spawn(task));
    }
}

struct Smol;

impl Executor for Smol {
    fn block_on(&self, task: Pin<Box<dyn Future<Output = ()> + '_>>) {
        smol::block_on(task);
    }

    fn spawn(&self, task: Task) {
        smol::spawn(task).detach();
    }
}

/// An executor with one thread for each task.
struct Pollster;

impl Executor for Pollster {
    fn block_on(&self, task: Pin<Box<dyn Future<Output = ()> + '_>>) {
        pollster::block_on(task);
    }

    fn spawn(&self, task: Task) {
        thread::spawn(|| pollster::block_on(task));
    }
}

/// Spawns a task, and returns a future of its end. A panic of the task is raised there.
fn spawn(on: &dyn Executor, task: impl Future<Output = ()> + Send + 'static) -> Task {
    let (done, ended) = oneshot::channel();
    on.spawn(Box::pin(async {
        task.await;
        done.send(()).unwrap();
    }));
    Box::pin(async { ended.await.expect("a task panicked") })
}

const BATCHES: u64 = 300;

/// One task writes, two read and three watch. Every value is its own version.
async fn shared<S>(on: &dyn Executor, new: fn() -> S)
where
    S: BlockingStrategy + 'static,
{
    let (writer, reader) = arc(0, 0, Watched::new(new()));
    let mut writer = OpWriter::new(writer);
    let mut tasks = Vec::new();
    for _ in 0..2 {
        let reader = reader.clone();
        tasks.push(spawn(on, async move {
            let mut last = 0;
            while last < BATCHES {
                {
                    let guard = reader.read();
                    assert_eq!(*guard, ReadGuard::version(&guard));
                    assert!(*guard >= last, "{} after {last}", *guard);
                    last = *guard;
                }
                yield_now().await;
            }
        }));
    }
    for _ in 0..3 {
        let mut watcher = Watcher::new(reader.clone());
        tasks.push(spawn(on, async move {
            let mut last_seen = 0;
            while let Ok(version) = watcher.changed().await {
                assert!(version > last_seen, "reported {version} after {last_seen}");
                last_seen = version;
                let read = *watcher.read();
                assert!(read >= last_seen, "read {read}, reported {last_seen}");
            }
            assert_eq!(last_seen, BATCHES);
        }));
    }
    tasks.push(spawn(on, async move {
        let add = |n: &mut u64, _: &()| *n += 1;
        for at in 0..BATCHES {
            match at % 3 {
                0 => writer.write_async().await.apply(add),
                1 => writer
                    .transact_async(async |batch| {
                        batch.apply(add);
                        yield_now().await;
                        Ok::<(), ()>(())
                    })
                    .await
                    .unwrap(),
                _ => writer.write().apply(add),
            }
        }
        let mut writer = writer.into_writer();
        writer.finish_async().await;
        assert!(!writer.is_swapping());
    }));
    for task in tasks {
        task.await;
    }
}

/// A reader holds guards across awaits on the writer's thread.
async fn local() {
    let (mut writer, reader) = rc(0, 0, Watched::new(LocalStrategy::new()));
    let mut watcher = Watcher::new(reader.clone());
    let writes = async {
        for value in 1..=BATCHES {
            writer.finish_async().await;
            *writer.try_back_mut().unwrap() = value;
            writer.swap_async().await;
        }
        drop(writer);
    };
    let reads = async {
        let mut last = 0;
        while last < BATCHES {
            let guard = reader.read();
            last = *guard;
            yield_now().await;
            yield_now().await;
            assert_eq!(*guard, last);
            drop(guard);
            yield_now().await;
        }
    };
    let watches = async {
        while let Ok(version) = watcher.changed().await {
            assert_eq!(*watcher.read(), version);
        }
        assert_eq!(watcher.last_seen(), BATCHES);
    };
    smol::future::zip(smol::future::zip(writes, watches), reads).await;
}

fn everything(on: &dyn Executor) {
    on.block_on(Box::pin(local()));
    on.block_on(Box::pin(async {
        shared(on, EpochStrategy::new).await;
        shared(on, FlashStrategy::new).await;
        shared(on, CountStrategy::new).await;
        shared(on, LockStrategy::new).await;
    }));
}

#[test]
fn tokio_on_one_thread() {
    everything(&Builder::new_current_thread().build().unwrap());
}

#[test]
fn tokio_on_many_threads() {
    everything(
        &Builder::new_multi_thread()
            .worker_threads(4)
            .build()
            .unwrap(),
    );
}

#[test]
fn smol() {
    everything(&Smol);
}

#[test]
fn pollster() {
    everything(&Pollster);
}

/// The executor aborts a task that waits; the next writer finishes its swap.
#[test]
fn swap_of_an_aborted_task_is_finished_by_the_next_writer() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let (mut writer, reader) = arc(1, 2, EpochStrategy::new());
    let ptr = Arc::clone(writer.ptr());
    let guard = reader.read();
    runtime.block_on(async {
        let task = tokio::spawn(async move { writer.swap_async().await });
        yield_now().await;
        assert_eq!(*reader.read(), 2, "the swap was not started");
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        let mut writer = dbuf_async::core::Writer::claim(ptr).unwrap();
        assert!(writer.try_back_mut().is_none());
        drop(guard);
        writer.finish_async().await;
        assert_eq!(writer.try_back_mut(), Some(&mut 1));
    });
}
