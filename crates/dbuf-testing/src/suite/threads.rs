//! Buffers that threads share.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::Barrier;
use std::thread;

use dbuf_core::{BlockingStrategy, ReadGuard, Reader, Writer, split};

use super::harness::SuitePtr;

const PUBLISHES: usize = if cfg!(miri) { 20 } else { 2000 };

/// S2 to S4 under load with three readers and one writer: no value is torn, each matches its
/// version, and none is older than the last.
pub fn readers_never_see_a_torn_value<P>(new: impl Fn() -> P)
where
    P: SuitePtr<Strategy: BlockingStrategy> + Send,
{
    let (mut writer, reader) = split(new()).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            let reader = reader.clone();
            let done = &done;
            scope.spawn(move || {
                let mut last = 0;
                while !done.load(Relaxed) {
                    let outer = reader.read();
                    let value = outer.get();
                    assert_eq!(value as u64, ReadGuard::version(&outer));
                    assert!(last <= value, "{value} after {last}");
                    let inner = reader.read();
                    last = inner.get();
                    assert!(value <= last, "{last} nested in {value}");
                    assert_eq!(outer.get(), value, "a guarded side was written");
                }
            });
        }
        for value in 1..=PUBLISHES {
            writer.back_mut().set(value);
            assert!(writer.start_swap());
            if value % 8 == 0 {
                writer.finish();
            }
        }
        done.store(true, Relaxed);
    });
    assert_eq!(reader.read().get(), PUBLISHES);
}

/// S6: the last leave on another thread wakes a sleeping writer.
pub fn last_leave_on_another_thread_wakes_the_writer<P>(new: impl Fn() -> P)
where
    P: SuitePtr<Strategy: BlockingStrategy> + Send,
{
    let (mut writer, reader) = split(new()).unwrap();
    let rounds = if cfg!(miri) { 5 } else { 200 };
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        let barrier = &barrier;
        scope.spawn(move || {
            for _ in 0..rounds {
                let guard = reader.read();
                barrier.wait();
                // The writer starts its swap and waits for this guard.
                barrier.wait();
                drop(guard);
            }
        });
        for value in 1..=rounds {
            writer.back_mut().set(value);
            barrier.wait();
            assert!(writer.start_swap());
            assert!(!writer.try_finish());
            barrier.wait();
            writer.finish();
        }
    });
}

/// Readers are made, cloned, used and dropped during swaps, also by a thread that holds a guard.
pub fn readers_come_and_go_during_swaps<P>(new: impl Fn() -> P)
where
    P: SuitePtr<Strategy: BlockingStrategy> + Send + Sync,
{
    let ptr = new();
    let mut writer = Writer::claim(ptr.clone()).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            let (ptr, done) = (&ptr, &done);
            scope.spawn(move || {
                let reader = Reader::new(ptr.clone());
                while !done.load(Relaxed) {
                    let guard = reader.read();
                    let value = guard.get();
                    let clones: Vec<_> = (0..4).map(|_| reader.clone()).collect();
                    for clone in &clones {
                        assert!(value <= clone.read().get());
                    }
                    drop(clones);
                    assert_eq!(guard.get(), value);
                }
            });
        }
        for value in 1..=PUBLISHES / 4 {
            writer.back_mut().set(value);
            assert!(writer.start_swap());
        }
        done.store(true, Relaxed);
    });
    writer.finish();
}

/// S1, S10: threads take turns to write, and drop the writer during a swap.
pub fn claim_passes_between_threads<P>(new: impl Fn() -> P)
where
    P: SuitePtr<Strategy: BlockingStrategy> + Send + Sync,
{
    let ptr = new();
    let rounds = if cfg!(miri) { 5 } else { 300 };
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (ptr, done) = (&ptr, &done);
        scope.spawn(move || {
            let reader = Reader::new(ptr.clone());
            let mut last = 0;
            while !done.load(Relaxed) {
                let value = reader.read().get();
                assert!(last <= value);
                last = value;
            }
        });
        let writers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(move || {
                    for _ in 0..rounds {
                        let mut writer = loop {
                            match Writer::claim(ptr.clone()) {
                                Ok(writer) => break writer,
                                Err(_) => thread::yield_now(),
                            }
                        };
                        let next = writer.front().get() + 1;
                        writer.back_mut().set(next);
                        assert!(writer.start_swap());
                    }
                })
            })
            .collect();
        let ended: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        done.store(true, Relaxed);
        assert!(ended.into_iter().all(|ended| ended.is_ok()));
    });
    assert_eq!(Reader::new(ptr).read().get(), 2 * rounds);
}
