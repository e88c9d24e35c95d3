//! The writers' lock: turns, timeouts, whose lock it is, and waits while a thread ends.

mod wakers;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use dbuf_core::writer_lock::{Finish, InTask, OnThread, WriterLock};
use dbuf_hashmap::ConcurrentHashMap;

use crate::common::unwinds;
use crate::futures::{Polled, poll_with};

/// Finished when the flag is set.
struct Gate(Arc<AtomicBool>);

impl Gate {
    fn lock(open: bool) -> (Arc<WriterLock<Self>>, Arc<AtomicBool>) {
        let gate = Arc::new(AtomicBool::new(open));
        (Arc::new(WriterLock::new(Gate(gate.clone()))), gate)
    }
}

impl Finish for Gate {
    type Shared = ();

    fn try_finish(&mut self, (): &()) -> bool {
        self.0.load(SeqCst)
    }

    fn poll_finish(&mut self, (): &(), _: &mut Context<'_>) -> Poll<()> {
        if self.0.load(SeqCst) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

fn own() -> ! {
    panic!("own")
}

/// Returns whether a thread gets the lock in this time.
fn locks_within(lock: &WriterLock<Gate>, time: Duration) -> bool {
    lock.lock_finished_timeout(&(), time, own).is_some()
}

/// Returns whether a waiter has reserved a turn that binds.
fn reserved(lock: &WriterLock<Gate>) -> bool {
    !locks_within(lock, Duration::ZERO)
}

/// A turn binds for its whole time, even if it follows a turn whose owner gave up.
#[test]
#[cfg_attr(miri, ignore = "Miri's clock counts steps")]
fn turn_after_a_cancelled_turn_binds() {
    let (lock, _) = Gate::lock(true);
    let held = lock.lock_any(&(), own);
    let mut first = Polled::new(lock.lock_finished_async::<InTask>(&()));
    first.poll_for_long();
    drop(held);
    assert!(reserved(&lock), "the first turn does not bind");
    drop(first);
    assert!(!reserved(&lock), "a cancelled turn binds");
    thread::sleep(Duration::from_millis(3));
    let held = lock.lock_any(&(), own);
    let mut second = Polled::new(lock.lock_finished_async::<InTask>(&()));
    second.poll_for_long();
    drop(held);
    assert!(reserved(&lock), "the second turn does not bind");
}

/// A waiter whose turn has lapsed reserves the next.
#[test]
#[cfg_attr(miri, ignore = "Miri's clock counts steps")]
fn a_lapsed_turn_may_be_reserved_again() {
    let (lock, _) = Gate::lock(true);
    let held = lock.lock_any(&(), own);
    let mut waits = Polled::new(lock.lock_finished_async::<InTask>(&()));
    waits.poll_for_long();
    drop(held);
    drop(lock.lock_finished(&(), own)); // the turn lapses
    let held = lock.lock_any(&(), own);
    waits.poll_for_long();
    drop(held);
    assert!(reserved(&lock), "the waiter is overtaken again");
}

#[test]
fn timeouts_zero_and_max() {
    let (lock, _) = Gate::lock(true);
    assert!(locks_within(&lock, Duration::ZERO), "the lock is free");
    let held = lock.lock_any(&(), own);
    thread::scope(|scope| {
        let lock = &*lock;
        let within = |time| scope.spawn(move || locks_within(lock, time));
        assert!(!within(Duration::ZERO).join().unwrap(), "the lock is held");
        let long =
            [Duration::MAX, Duration::from_secs(u64::MAX / 4)].map(|time| (time, within(time)));
        thread::sleep(Duration::from_millis(50));
        drop(held);
        for (time, waits) in long {
            assert!(waits.join().unwrap(), "gave up before {time:?}");
        }
    });
    assert_eq!(lock.waiting(), 0);
}

#[test]
fn only_the_own_lock_is_detected() {
    let (lock, _) = Gate::lock(true);
    let detected = || unwinds(|| drop(lock.lock_any(&(), own)));
    let held = lock.lock_any(&(), own);
    assert!(detected(), "the thread waits for itself");
    let timed = || drop(lock.lock_finished_timeout(&(), Duration::MAX, own));
    assert!(unwinds(timed), "the thread waits for itself, with a limit");
    let other = Gate::lock(true).0;
    drop(other.lock_any(&(), own));
    drop(held);
    // Another thread drops a task's guard while a third one waits.
    for _ in 0..200 {
        let held = lock.try_lock_finished::<InTask>(&()).unwrap();
        thread::scope(|scope| {
            let waits = scope.spawn(|| drop(lock.lock_finished(&(), own)));
            scope.spawn(move || drop(held));
            waits.join().unwrap();
        });
    }
    // A thread polls a future that waits for the thread's own guard.
    let mut future = Box::pin(lock.lock_finished_async::<OnThread>(&()));
    let Poll::Ready(held) = poll_with(&mut future, Waker::noop()) else {
        panic!("the lock is free, and the future waits")
    };
    assert!(detected(), "the thread waits for what its future locked");
    drop(held);
}

/// Writes that wait in destructors of thread locals, some of which run after the sleeper's.
#[test]
fn waits_in_destructors_of_thread_locals() {
    struct Last(ConcurrentHashMap<u32, u32>, u32);

    impl Drop for Last {
        fn drop(&mut self) {
            for _ in 0..20 {
                self.0.insert(self.1, 1);
                assert_eq!(self.0.get_cloned(&self.1), Some(1));
            }
            let mut insert = Box::pin(self.0.insert_async(self.1 + 100, 1));
            while poll_with(&mut insert, Waker::noop()).is_pending() {
                thread::yield_now();
            }
        }
    }

    thread_local! {
        static A: RefCell<Option<Last>> = const { RefCell::new(None) };
        static B: RefCell<Option<Last>> = const { RefCell::new(None) };
    }
    for _ in 0..if cfg!(miri) { 2 } else { 20 } {
        let map = ConcurrentHashMap::new();
        let threads = [0, 1, 2, 3].map(|n| {
            let map = map.clone();
            thread::spawn(move || {
                A.set(Some(Last(map.clone(), n)));
                map.insert(n + 50, 2);
                B.set(Some(Last(map.clone(), n + 10)));
            })
        });
        let batch = map.write();
        thread::sleep(Duration::from_millis(2));
        drop(batch);
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(map.len(), 4 * 5);
    }
}
