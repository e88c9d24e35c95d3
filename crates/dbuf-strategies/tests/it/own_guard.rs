//! A thread that writes under a guard of its own notices it, where it would wait forever.

use std::mem;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use dbuf_strategies::core::{
    ArcWriter, BlockingStrategy, OnStraggler, OpWriter, Published, SharedReadGuard, arc,
};
use dbuf_strategies::{EpochStrategy, Fence, FlashStrategy, LockStrategy};

use crate::common::{panics, with_every_strategy};

#[track_caller]
fn assert_noticed(f: impl FnOnce()) {
    let message = panics(f);
    for part in ["own guard", "drop or refresh the guard first"] {
        assert!(message.contains(part), "{message:?} has no {part:?}");
    }
}

type Add = fn(&mut u32, &());

with_every_strategy! { each:
    every_write_notices_a_guard_of_its_thread
    a_guard_of_another_thread_is_waited_for
    a_log_takes_the_spare_side_under_a_guard_of_its_thread
    a_log_notices_a_guard_of_its_thread
}

mod each {
    use super::*;

    pub(super) fn every_write_notices_a_guard_of_its_thread<S: BlockingStrategy>(new: fn() -> S) {
        let (mut writer, reader) = arc(0, 0, new());
        let shared = reader.shared();
        let mut guard = shared.read();
        writer.store(1);
        let writes: [fn(&mut ArcWriter<u32, S>); 6] = [
            |writer| writer.store(2),
            |writer| *writer.back_mut() = 2,
            |writer| *writer.split_mut().1 = 2,
            |writer| writer.swap(),
            |writer| writer.finish(),
            |writer| writer.catch_up(),
        ];
        for write in writes {
            assert_noticed(|| write(&mut writer));
            assert_eq!((*guard, *shared.read(), writer.version()), (0, 1, 1));
        }
        // What does not wait forever goes on as ever.
        assert!(writer.try_back_mut().is_none(), "&mut under a guard");
        assert!(!writer.start_swap(), "a swap under a guard");
        assert!(!writer.finish_timeout(Duration::from_millis(1)));
        assert!(SharedReadGuard::refresh(&mut guard));
        writer.store(2);
        assert_eq!((*guard, *shared.read()), (1, 2));
        assert_noticed(|| writer.store(3));
        drop(guard);
        writer.swap();
        // A swap has published by the time that it finds the guard.
        let guard = shared.read();
        let version = writer.version();
        assert_noticed(|| writer.swap());
        assert_eq!(
            (writer.version(), writer.is_swapping()),
            (version + 1, true)
        );
        drop(guard);
        writer.store(4);
        assert_eq!(*shared.read(), 4);
    }

    pub(super) fn a_guard_of_another_thread_is_waited_for<S: BlockingStrategy>(new: fn() -> S) {
        let (mut writer, reader) = arc(0, 0, new());
        let (shared, reached) = (&reader.shared(), &Barrier::new(2));
        thread::scope(|scope| {
            scope.spawn(move || {
                let guard = shared.read();
                reached.wait();
                reached.wait();
                thread::yield_now();
                assert_eq!(*guard, 0);
            });
            reached.wait();
            writer.store(1);
            // On the other side, where no writer waits for it.
            let own = shared.read();
            reached.wait();
            writer.store(2);
            assert_eq!((*own, *shared.read()), (1, 2));
        });
    }

    pub(super) fn a_log_takes_the_spare_side_under_a_guard_of_its_thread<S: BlockingStrategy>(
        new: fn() -> S,
    ) {
        let (writer, reader) = arc(0, 0, new());
        let shared = reader.shared();
        let mut writer = OpWriter::<_, Add>::new(writer);
        writer.on_straggler(OnStraggler::Spare {
            after: Duration::from_secs(3600),
            up_to: 1,
        });
        let first = shared.read();
        writer.write().apply(|n, _| *n += 1);
        let mut batch = writer.write(); // sets aside the side of `first`
        batch.apply(|n, _| *n += 1);
        batch.publish();
        assert_eq!((*first, *shared.read()), (0, 2));
        // One side more than there are.
        let second = shared.read();
        writer.write().apply(|n, _| *n += 1);
        assert_noticed(|| drop(writer.write()));
        assert_eq!((*first, *second, *shared.read()), (0, 2, 3));
        drop(first);
        writer.write().apply(|n, _| *n += 1);
        assert_eq!((*second, *shared.read()), (2, 4));
    }

    pub(super) fn a_log_notices_a_guard_of_its_thread<S: BlockingStrategy>(new: fn() -> S) {
        let (writer, reader) = arc(0, 0, new());
        let shared = reader.shared();
        let mut writer = OpWriter::<_, Add>::without_clone(writer);
        writer.on_straggler(OnStraggler::default()); // which is of no use without a clone
        let guard = shared.read();
        let mut batch = writer.write();
        batch.apply(|n, _| *n += 1);
        batch.defer();
        assert_eq!(writer.publish(), Published::Now); // never waits
        assert_noticed(|| drop(writer.write()));
        assert!(writer.try_write().is_none());
        assert_eq!((*guard, *shared.read()), (0, 1));
        drop(guard);
        writer.write().apply(|n, _| *n += 1);
        assert_eq!(*shared.read(), 2);

        let (writer, reader) = arc(0, 0, EpochStrategy::new());
        let shared = reader.shared();
        let mut writer = OpWriter::<_, Add>::new(writer);
        let _guard = shared.read();
        writer.write().apply(|n, _| *n += 1);
        assert_noticed(|| drop(writer.write())); // `OnStraggler::Wait`
    }
}

/// Through any handle: a clone, a second table of the same buffer, a part.
#[test]
fn a_guard_of_any_shared_handle_is_noticed() {
    let (mut writer, reader) = arc(0, 0, EpochStrategy::new());
    let (first, second) = (reader.shared(), reader.shared());
    let clone = second.clone();
    drop(first.read());
    let guard = SharedReadGuard::map(clone.read(), |value, _| value);
    writer.store(1);
    assert_noticed(|| writer.store(2));
    drop(guard);
    writer.store(2);
    drop((first, second, clone));
    // With the handles gone it is another reader's turn.
    let third = reader.shared();
    mem::forget(third.read());
    writer.store(3);
    assert_noticed(|| writer.store(4)); // forgotten, and counted all the same
    drop(third);
    writer.store(4);
    assert_eq!(*reader.read(), 4);
}

/// A guard of one buffer is not in the way of another.
#[test]
fn a_guard_of_another_buffer_is_not_noticed() {
    let (mut writer, reader) = arc(0, 0, LockStrategy::new());
    let (mut other, of_other) = arc(0, 0, LockStrategy::new());
    let (shared, of_other) = (reader.shared(), of_other.shared());
    let kept = of_other.read();
    other.store(1); // `kept` is on its back
    let began = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            let guard = shared.read();
            began.wait();
            began.wait();
            assert_eq!(*guard, 0);
        });
        began.wait();
        writer.store(1);
        began.wait();
        writer.store(2); // waits for that guard, and knows of `kept`
    });
    assert_noticed(|| other.store(2));
    assert_eq!((*kept, *shared.read()), (0, 2));
}

/// Other threads' readers are asked while they read, come and go, and end before their guards.
#[test]
fn straggling_threads_are_named_while_readers_come_and_go() {
    fn body<S: BlockingStrategy>(strategy: S) {
        let rounds = if cfg!(miri) { 3 } else { 300 };
        let (mut writer, reader) = arc(0, 0, strategy);
        let (shared, stop) = (&reader.shared(), &AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(move || {
                    while !stop.load(Relaxed) {
                        let reads = move || {
                            let first = shared.read();
                            let mut second = shared.read();
                            SharedReadGuard::refresh(&mut second);
                            assert!(*first <= *second, "{} after {}", *second, *first);
                            drop(first);
                        };
                        thread::scope(|scope| {
                            scope.spawn(reads);
                            scope.spawn(reads);
                        });
                        reads();
                    }
                });
            }
            scope.spawn(move || {
                while !stop.load(Relaxed) {
                    drop(shared.straggling_threads());
                    thread::yield_now();
                }
            });
            for n in 1..=rounds {
                writer.store(n);
                drop(shared.straggling_threads());
            }
            stop.store(true, Relaxed);
        });
        writer.finish();
        assert!(shared.straggling_threads().is_empty());
    }
    body(EpochStrategy::new());
    body(EpochStrategy::with_fence(Fence::Symmetric));
    body(FlashStrategy::new());
}
