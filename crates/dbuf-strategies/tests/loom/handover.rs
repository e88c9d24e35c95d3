//! Models of registration, slot reuse and refresh, against a view that was made before.

use std::sync::Arc;

use dbuf_strategies::core::{ArcWriter, DoubleBuffer, ReadGuard, Reader, Strategy, Writer};
use dbuf_strategies::{EpochStrategy, FlashStrategy};
use dbuf_testing::Tracked;
use loom::thread;

fn check(f: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(2));
    builder.check(f);
}

type Buffer<S> = Arc<DoubleBuffer<Tracked, S>>;

fn publishes<S: Strategy>(writer: &mut ArcWriter<Tracked, S>, from: usize, to: usize) {
    for value in from..to {
        if let Some(back) = writer.try_back_mut() {
            back.set(value);
            writer.start_swap();
        }
    }
    if let Some(back) = writer.try_back_mut() {
        back.set(100);
    }
}

/// A reader in the view goes, and its chunk with it. Another one registers, reads, nests and
/// refreshes while the writer swaps.
fn replaced<S>(new: fn() -> S)
where
    S: Strategy<ReaderToken: Send, WriterToken: Send> + Send + Sync + 'static,
{
    check(move || {
        let buffer: Buffer<S> =
            Arc::new(DoubleBuffer::new(Tracked::new(0), Tracked::new(0), new()));
        let old = Reader::new(Arc::clone(&buffer));
        let mut writer = Writer::claim(Arc::clone(&buffer)).unwrap();
        writer.try_back_mut().unwrap().set(1);
        writer.start_swap();
        assert!(writer.try_finish());
        let reads = thread::spawn(move || {
            drop(old);
            let fresh = Reader::new(buffer);
            let mut guard = fresh.read();
            let before = guard.get();
            ReadGuard::refresh(&mut guard);
            assert!(before <= guard.get());
            let value = guard.get();
            let inner = fresh.read();
            assert!(inner.get() >= value);
            drop(inner);
            assert_eq!(guard.get(), value);
        });
        let writes = thread::spawn(move || publishes(&mut writer, 2, 4));
        reads.join().unwrap();
        writes.join().unwrap();
    });
}

/// One thread registers, another reads.
fn handed<S>(new: fn() -> S)
where
    S: Strategy<ReaderToken: Send, WriterToken: Send> + Send + Sync + 'static,
{
    check(move || {
        let buffer: Buffer<S> =
            Arc::new(DoubleBuffer::new(Tracked::new(0), Tracked::new(0), new()));
        let mut writer = Writer::claim(Arc::clone(&buffer)).unwrap();
        writer.try_back_mut().unwrap().set(1);
        writer.start_swap();
        assert!(writer.try_finish());
        let registers = thread::spawn(move || {
            let fresh = Reader::new(buffer);
            let reads = thread::spawn(move || {
                let guard = fresh.read();
                let before = guard.get();
                let inner = fresh.read();
                drop(guard);
                assert!(before <= inner.get());
            });
            reads.join().unwrap();
        });
        let writes = thread::spawn(move || publishes(&mut writer, 2, 4));
        registers.join().unwrap();
        writes.join().unwrap();
    });
}

/// A swap waits for a forgotten guard. Its reader goes, a new one takes the slot, and another
/// thread takes the claim.
fn reused<S>(new: fn() -> S)
where
    S: Strategy<ReaderToken: Send, WriterToken: Send> + Send + Sync + 'static,
{
    check(move || {
        let buffer: Buffer<S> =
            Arc::new(DoubleBuffer::new(Tracked::new(0), Tracked::new(0), new()));
        let keeps = Reader::new(Arc::clone(&buffer));
        let old = Reader::new(Arc::clone(&buffer));
        let mut writer = Writer::claim(Arc::clone(&buffer)).unwrap();
        core::mem::forget(old.read());
        writer.try_back_mut().unwrap().set(1);
        writer.start_swap();
        assert!(!writer.try_finish());
        let again = Arc::clone(&buffer);
        let reads = thread::spawn(move || {
            drop(old);
            let fresh = Reader::new(buffer);
            let first = fresh.read();
            let a = first.get();
            let mut second = fresh.read();
            drop(first);
            let b = second.get();
            ReadGuard::refresh(&mut second);
            assert!(a <= b && b <= second.get());
            drop(keeps);
        });
        let writes = thread::spawn(move || {
            publishes(&mut writer, 2, 3);
            drop(writer);
            let mut writer = Writer::claim(again).unwrap();
            publishes(&mut writer, 3, 5);
        });
        reads.join().unwrap();
        writes.join().unwrap();
    });
}

#[test]
fn epoch_replaced() {
    replaced(EpochStrategy::new);
}
#[test]
fn epoch_handed() {
    handed(EpochStrategy::new);
}
#[test]
fn epoch_reused() {
    reused(EpochStrategy::new);
}
#[test]
fn flash_replaced() {
    replaced(FlashStrategy::new);
}
#[test]
fn flash_reused() {
    reused(FlashStrategy::new);
}

struct Sleeps(loom::sync::Notify);
impl std::task::Wake for Sleeps {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// Two stragglers: one moves on by a nested guard, one is dropped with a forgotten guard. The
/// writer polls once under one claim and sleeps under the next. The one that was asked wakes.
fn asked<S>(new: fn() -> S)
where
    S: dbuf_strategies::core::BlockingStrategy + 'static,
{
    check(move || {
        let buffer: Buffer<S> =
            Arc::new(DoubleBuffer::new(Tracked::new(0), Tracked::new(0), new()));
        let one = Reader::new(Arc::clone(&buffer));
        let two = Reader::new(Arc::clone(&buffer));
        let mut writer = Writer::claim(Arc::clone(&buffer)).unwrap();
        core::mem::forget(two.read());
        let nests = thread::spawn(move || {
            let first = one.read();
            let mut second = one.read();
            drop(first);
            ReadGuard::refresh(&mut second);
            drop(second);
        });
        let goes = thread::spawn(move || drop(two));
        let writes = thread::spawn(move || {
            writer.try_back_mut().unwrap().set(1);
            writer.start_swap();
            let mut cx = core::task::Context::from_waker(core::task::Waker::noop());
            let _ = writer.poll_finish(&mut cx);
            drop(writer);
            let mut writer = Writer::claim(buffer).unwrap();
            // As `finish`, but it yields where the writer may spin (while a reader takes the waker),
            // which loom needs.
            let sleeps = Arc::new(Sleeps(loom::sync::Notify::new()));
            let waker = core::task::Waker::from(Arc::clone(&sleeps));
            let mut cx = core::task::Context::from_waker(&waker);
            while writer.poll_finish(&mut cx).is_pending() {
                sleeps.0.wait();
                thread::yield_now();
            }
            writer.try_back_mut().unwrap().set(2);
        });
        nests.join().unwrap();
        goes.join().unwrap();
        writes.join().unwrap();
    });
}

#[test]
fn epoch_asked() {
    asked(EpochStrategy::new);
}
#[test]
fn flash_asked() {
    asked(FlashStrategy::new);
}
