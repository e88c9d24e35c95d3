//! The wakers of tasks that wait for the lock: they block, write, panic, and are not kept.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::task::{Wake, Waker};
use std::thread;
use std::time::Duration;

use dbuf_core::writer_lock::{InTask, OnThread};
use dbuf_hashmap::BlockingStrategy;
use dbuf_hashmap::strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};

use super::{Gate, own};
use crate::futures::{Blocks, Count, Polled, poll_with};

/// An unlock while readers are on the back wakes those that wait for the lock, and not those
/// that wait for readers.
#[test]
fn an_unlock_wakes_nobody_that_waits_for_readers() {
    let (lock, gate) = Gate::lock(false);
    let mut behind_readers = Polled::new(lock.lock_finished_async::<InTask>(&()));
    assert!(behind_readers.poll().is_pending());
    let held = lock.lock_any(&(), own);
    let mut queued = Polled::new(lock.lock_finished_async::<InTask>(&()));
    assert!(queued.poll().is_pending());
    drop(held);
    assert_eq!((queued.count.wakes(), behind_readers.count.wakes()), (1, 0));
    gate.store(true, SeqCst);
    assert!(queued.poll().is_ready()); // its guard is dropped
    assert_eq!(behind_readers.count.wakes(), 1);
    assert!(behind_readers.poll().is_ready());
}

/// Threads are woken before tasks, but not across the two waker sets of one unlock.
#[test]
fn a_blocking_reader_waker_delays_no_queued_thread() {
    let (lock, gate) = Gate::lock(false);
    let (waker, entered, go_on) = Blocks::waker();
    let mut task = Box::pin(lock.lock_finished_async::<InTask>(&()));
    assert!(poll_with(&mut task, &waker).is_pending());
    gate.store(true, SeqCst); // before the strategy wakes the task
    let (locked, is_locked) = mpsc::channel();
    let (unlock, may_unlock) = mpsc::channel::<()>();
    let other = lock.clone();
    let holder = thread::spawn(move || {
        let held = other.lock_finished(&(), own);
        locked.send(()).unwrap();
        may_unlock.recv().unwrap();
        drop(held);
    });
    is_locked.recv().unwrap();
    let other = lock.clone();
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        drop(other.lock_any(&(), own));
        done.send(()).ok();
    });
    while lock.waiting() < 2 {
        thread::yield_now();
    }
    thread::sleep(Duration::from_millis(100));
    unlock.send(()).unwrap();
    entered
        .recv_timeout(Duration::from_secs(5))
        .expect("the task is woken");
    let result = is_done.recv_timeout(Duration::from_secs(2));
    drop(go_on);
    holder.join().unwrap();
    result.expect("the lock is free, and the thread sleeps");
}

/// The last guard's drop wakes a waker that writes and reads inside `wake`, blocking.
#[test]
fn a_waker_writes_in_place() {
    struct Writes(Box<dyn Fn() + Send + Sync>);

    impl Wake for Writes {
        fn wake(self: Arc<Self>) {
            (self.0)();
        }
    }

    fn check(strategy: impl BlockingStrategy + 'static) {
        let map = dbuf_hashmap::Builder::new()
            .strategy(strategy)
            .build_concurrent::<u32, u32>();
        for by_batch in [false, true] {
            let reader = map.reader();
            let guard = (!by_batch).then(|| reader.read());
            if !by_batch {
                pollster::block_on(map.insert_async(0, 0));
            }
            let batch = by_batch.then(|| pollster::block_on(map.write_async()));
            let ran = Arc::new(AtomicUsize::new(0));
            let writes = {
                let (map, ran) = (map.clone(), Arc::clone(&ran));
                move || {
                    assert_eq!(map.get_cloned(&77), None);
                    map.insert(5, 5);
                    drop(map.clone());
                    drop(map.reader());
                    if let Some(batch) = map.write_timeout(Duration::ZERO) {
                        batch.rollback();
                    }
                    ran.fetch_add(1, SeqCst);
                }
            };
            let waker = Waker::from(Arc::new(Writes(Box::new(writes))));
            let mut insert = Box::pin(map.insert_async(1, 1));
            assert!(poll_with(&mut insert, &waker).is_pending());
            drop(batch);
            drop(guard);
            assert_eq!(ran.load(SeqCst), 1, "the number of wakes that returned");
            assert_eq!(map.get_cloned(&5), Some(5));
        }
    }
    check(CountStrategy::new());
    check(EpochStrategy::new());
    check(FlashStrategy::new());
    check(LockStrategy::new());
}

/// Panics when it is called, and when it is dropped.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        resume_unwind(Box::new("waker"));
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        resume_unwind(Box::new("waker's drop"));
    }
}

/// Wakers in both sets panic, also when they are dropped, while the holder of the lock unwinds.
#[test]
fn panicking_wakers_while_unwinding() {
    let (lock, gate) = Gate::lock(false);
    let waiting = || {
        [(); 3].map(|()| {
            let waker = mem::ManuallyDrop::new(Waker::from(Arc::new(Panics)));
            let mut task = Box::pin(lock.lock_finished_async::<InTask>(&()));
            assert!(poll_with(&mut task, &waker).is_pending());
            // Its drop would panic, too.
            mem::ManuallyDrop::new(task)
        })
    };
    let _for_readers = waiting();
    gate.store(true, SeqCst);
    let held = lock.try_lock_finished::<InTask>(&()).unwrap();
    let _for_the_lock = waiting();
    let payload = catch_unwind(AssertUnwindSafe(|| {
        let _held = held;
        resume_unwind(Box::new(7_u8));
    }))
    .unwrap_err();
    assert_eq!(
        payload.downcast_ref(),
        Some(&7_u8),
        "the holder's own panic"
    );
    mem::forget(payload);
    let free = lock.try_lock_finished::<OnThread>(&()).is_some();
    assert!(free, "the lock is still held");
}

/// Dropped futures keep no waker, and one unlock drops those of forgotten ones.
#[test]
fn no_waker_is_kept() {
    let (lock, gate) = Gate::lock(true);
    let (count, waker) = Count::waker();
    // One in a hundred futures is forgotten.
    let forgotten = if cfg!(miri) { 2 } else { 100 };
    let wait = || {
        for n in 0..100 * forgotten {
            let mut future = Box::pin(lock.lock_finished_async::<InTask>(&()));
            for _ in 0..3 {
                assert!(poll_with(&mut future, &waker).is_pending());
            }
            if n % 100 == 0 {
                mem::forget(future);
            }
        }
        assert_eq!(Arc::strong_count(&count), 2 + forgotten);
    };
    let held = lock.lock_any(&(), own);
    wait();
    drop(held);
    assert_eq!(Arc::strong_count(&count), 2);
    gate.store(false, SeqCst);
    wait();
    gate.store(true, SeqCst);
    drop(lock.try_lock_finished::<InTask>(&()));
    assert_eq!(Arc::strong_count(&count), 2);
}
