//! Models of futures against leaves: wakes, and cancellation after a poll. `.ci/loom` runs them.
#![cfg(dbuf_loom)]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};

use dbuf_async::core::sync::Sleeper;
use dbuf_async::core::{ArcReader, OpWriter, ReadGuard, arc};
use dbuf_async::strategies::Watched;
use dbuf_async::{Watcher, WriterAsyncExt};
use dbuf_testing::Tracked;
use dbuf_testing::models::Modelled;
use loom::thread;

struct WakeThread(Sleeper);

impl Wake for WakeThread {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }
}

/// Polls and sleeps. A lost wake is a deadlock, which loom reports.
fn block_on<F: Future>(future: F, slept: &AtomicUsize) -> F::Output {
    let mut future = pin!(future);
    let thread = Arc::new(WakeThread(Sleeper::new()));
    let waker = Waker::from(Arc::clone(&thread));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        slept.fetch_add(1, Relaxed);
        thread.0.sleep(None);
    }
}

/// Polls once, and drops the future.
fn poll_and_cancel<F: Future + Unpin>(mut future: F) -> Poll<F::Output> {
    Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Checks the body, and that some execution slept: otherwise the model proves nothing.
fn check(body: impl Fn(&Arc<AtomicUsize>) + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(2));
    let slept = Arc::new(AtomicUsize::new(0));
    let in_model = Arc::clone(&slept);
    builder.check(move || body(&in_model));
    assert!(slept.load(Relaxed) > 0, "no future was ever pending");
}

fn reads_twice<S: Modelled>(reader: ArcReader<Tracked, S>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for _ in 0..2 {
            let guard = reader.read();
            assert_eq!(guard.get() as u64, ReadGuard::version(&guard));
        }
    })
}

/// The last leave wakes the task.
fn leave_wakes_the_task<S: Modelled>(new: fn() -> S) {
    check(move |slept| {
        let (mut writer, reader) = arc(Tracked::new(0), Tracked::new(0), new());
        let slept = Arc::clone(slept);
        let reads = reads_twice(reader.clone());
        let other = reads_twice(reader);
        let writes = thread::spawn(move || {
            writer.try_back_mut().unwrap().set(1);
            block_on(writer.swap_async(), &slept);
            writer.try_back_mut().expect("the swap was awaited").set(2);
        });
        reads.join().unwrap();
        other.join().unwrap();
        writes.join().unwrap();
    });
}

/// A swap is cancelled after one poll, in any state; the next calls find it.
fn cancelled_swap_is_found<S: Modelled>(new: fn() -> S) {
    check(move |slept| {
        let (mut writer, reader) = arc(Tracked::new(0), Tracked::new(0), new());
        let slept = Arc::clone(slept);
        let reads = reads_twice(reader);
        let writes = thread::spawn(move || {
            writer.try_back_mut().unwrap().set(1);
            let _ = poll_and_cancel(writer.swap_async());
            let _ = poll_and_cancel(writer.finish_async());
            if let Some(back) = writer.try_back_mut() {
                back.set(7);
            }
            block_on(writer.finish_async(), &slept);
            writer.try_back_mut().expect("the swap was awaited").set(2);
            block_on(writer.swap_async(), &slept);
        });
        reads.join().unwrap();
        writes.join().unwrap();
    });
}

/// Batches are begun, cancelled and begun again by every kind of call.
fn cancelled_write_is_found<S: Modelled>(new: fn() -> S) {
    check(move |slept| {
        let (writer, reader) = arc(Tracked::new(0), Tracked::new(0), new());
        let slept = Arc::clone(slept);
        let reads = reads_twice(reader.clone());
        let writes = thread::spawn(move || {
            let mut writer = OpWriter::new(writer);
            let add = |n: &mut Tracked, _: &()| n.set(n.get() + 1);
            writer.try_write().unwrap().apply(add);
            let _ = poll_and_cancel(Box::pin(writer.transact_async(async |batch| {
                batch.apply(add);
                Err::<(), ()>(())
            })));
            if let Poll::Ready(batch) = poll_and_cancel(writer.write_async()) {
                batch.defer();
            }
            block_on(writer.write_async(), &slept).apply(add);
            assert_eq!(writer.front().get(), 2);
        });
        reads.join().unwrap();
        writes.join().unwrap();
        assert_eq!(reader.read().get(), 2);
    });
}

/// A wait for a publish is cancelled and begun again.
fn cancelled_watch_is_found<S: Modelled>(new: fn() -> S) {
    check(move |slept| {
        let (mut writer, reader) = arc(Tracked::new(0), Tracked::new(0), Watched::new(new()));
        let slept = Arc::clone(slept);
        let mut watcher = Watcher::new(reader);
        let watches = thread::spawn(move || {
            let mut last_seen = match poll_and_cancel(watcher.changed()) {
                Poll::Ready(changed) => changed.unwrap_or(0),
                Poll::Pending => 0,
            };
            while let Ok(version) = block_on(watcher.changed(), &slept) {
                assert!(version > last_seen);
                last_seen = version;
                assert!(watcher.version() >= last_seen);
            }
            assert_eq!(last_seen, 1);
        });
        let writes = thread::spawn(move || {
            writer.try_back_mut().unwrap().set(1);
            assert!(writer.start_swap());
        });
        writes.join().unwrap();
        watches.join().unwrap();
    });
}

macro_rules! models {
    ($($name:ident, $strategy:ident;)+) => {
        $(mod $name {
            use dbuf_async::strategies::$strategy;

            #[test]
            fn leave_wakes_the_task() {
                super::leave_wakes_the_task($strategy::new);
            }

            #[test]
            fn cancelled_swap_is_found() {
                super::cancelled_swap_is_found($strategy::new);
            }

            #[test]
            fn cancelled_write_is_found() {
                super::cancelled_write_is_found($strategy::new);
            }

            #[test]
            fn cancelled_watch_is_found() {
                super::cancelled_watch_is_found($strategy::new);
            }
        })+
    };
}

models! {
    lock, LockStrategy;
    count, CountStrategy;
    epoch, EpochStrategy;
    flash, FlashStrategy;
}
