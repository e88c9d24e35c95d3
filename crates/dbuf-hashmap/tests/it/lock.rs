//! The writers' lock, by itself and in the map: turns, wakers, timeouts, destructors.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::futures::{Count, Polled};
use dbuf_core::writer_lock::{Finish, InTask, LockFinished, OnThread, WriterGuard, WriterLock};
use dbuf_hashmap::ConcurrentHashMap;

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

/// Returns whether no waiter has reserved a turn that binds.
fn unreserved(lock: &WriterLock<Gate>) -> bool {
    lock.lock_finished_timeout(&(), Duration::ZERO, own)
        .is_some()
}

fn patience<T>(waits: &mut Polled<'_, T>) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(4) {
        assert!(waits.poll().is_pending());
    }
}

/// A turn binds for its whole time, even if it follows a turn whose owner gave up.
#[test]
fn turn_after_a_cancelled_turn_binds() {
    let (lock, _) = Gate::lock(true);
    let held = lock.lock_any(&(), own);
    let mut first = Polled::new(lock.lock_finished_async::<InTask>(&()));
    patience(&mut first);
    drop(held);
    assert!(!unreserved(&lock), "the first turn binds");
    drop(first);
    assert!(unreserved(&lock));
    thread::sleep(Duration::from_millis(3));
    let held = lock.lock_any(&(), own);
    let mut second = Polled::new(lock.lock_finished_async::<InTask>(&()));
    patience(&mut second);
    drop(held);
    assert!(!unreserved(&lock), "the second turn does not bind");
}

/// The same through the map.
#[test]
fn turn_after_a_cancelled_turn_binds_map() {
    let map = ConcurrentHashMap::<u32, u32>::new();
    let batch = map.write();
    let mut first = Polled::new(map.insert_async(1, 1));
    patience(&mut first);
    drop(batch);
    let mut bound = Polled::new(map.insert_async(9, 9));
    assert!(bound.poll().is_pending());
    drop(first);
    assert!(bound.poll().is_ready());
    thread::sleep(Duration::from_millis(3));
    let batch = map.write();
    let mut second = Polled::new(map.insert_async(2, 2));
    patience(&mut second);
    drop(batch);
    let mut later = Polled::new(map.insert_async(3, 3));
    assert!(
        later.poll().is_pending(),
        "a waiter that has the turn is overtaken"
    );
}

/// A waiter whose turn has lapsed reserves the next.
#[test]
fn a_lapsed_turn_may_be_reserved_again() {
    let (lock, _) = Gate::lock(true);
    let held = lock.lock_any(&(), own);
    let mut waits = Polled::new(lock.lock_finished_async::<InTask>(&()));
    patience(&mut waits);
    drop(held);
    drop(lock.lock_finished(&(), own)); // the turn lapses
    let mut overtaken = 0;
    for _ in 0..50 {
        let held = lock.lock_any(&(), own);
        patience(&mut waits);
        drop(held);
        if !unreserved(&lock) {
            break;
        }
        overtaken += 1;
    }
    assert_eq!(
        overtaken, 0,
        "the number of times it was overtaken, after 4 ms more each"
    );
}

struct Blocks {
    entered: mpsc::Sender<()>,
    leave: Mutex<mpsc::Receiver<()>>,
}

impl Wake for Blocks {
    fn wake(self: Arc<Self>) {
        self.entered.send(()).ok();
        self.leave.lock().unwrap().recv().ok();
    }
}

fn blocks() -> (Waker, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (entered, has_entered) = mpsc::channel();
    let (go_on, leave) = mpsc::channel();
    (
        Waker::from(Arc::new(Blocks {
            entered,
            leave: Mutex::new(leave),
        })),
        has_entered,
        go_on,
    )
}

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
    let (waker, entered, go_on) = blocks();
    let mut task = Box::pin(lock.lock_finished_async::<InTask>(&()));
    assert!(
        task.as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    gate.store(true, SeqCst); // last_seen before the strategy's wake
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
    use dbuf_hashmap::strategies::*;
    fn run<S>(s: S)
    where
        S: dbuf_hashmap::BlockingStrategy + 'static,
    {
        struct Writes(Box<dyn Fn() + Send + Sync>);
        impl Wake for Writes {
            fn wake(self: Arc<Self>) {
                (self.0)();
            }
        }
        let map = dbuf_hashmap::Builder::new()
            .strategy(s)
            .build_concurrent::<u32, u32>();
        for by_batch in [false, true] {
            let reader = map.reader();
            let guard = (!by_batch).then(|| reader.read());
            if !by_batch {
                pollster::block_on(map.insert_async(0, 0));
            }
            let batch = by_batch.then(|| pollster::block_on(map.write_async()));
            let m = map.clone();
            let ran = Arc::new(AtomicUsize::new(0));
            let r = ran.clone();
            let waker = Waker::from(Arc::new(Writes(Box::new(move || {
                assert_eq!(m.get_cloned(&77), None);
                m.insert(5, 5);
                drop(m.clone());
                drop(m.reader());
                if let Some(batch) = m.write_timeout(Duration::ZERO) {
                    batch.rollback();
                }
                r.fetch_add(1, SeqCst);
            }))));
            let mut f = Box::pin(map.insert_async(1, 1));
            assert!(
                f.as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
            drop(batch);
            drop(guard);
            assert_eq!(ran.load(SeqCst), 1);
            assert_eq!(map.get_cloned(&5), Some(5));
        }
    }
    run(CountStrategy::new());
    run(EpochStrategy::new());
    run(FlashStrategy::new());
    run(LockStrategy::new());
}

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
    let mut tasks = vec![];
    for _ in 0..3 {
        let waker = Waker::from(Arc::new(Panics));
        let mut task = Box::pin(lock.lock_finished_async::<InTask>(&()));
        assert!(
            task.as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        std::mem::forget(waker);
        tasks.push(task);
    }
    gate.store(true, SeqCst);
    let held = lock.try_lock_finished::<InTask>(&()).unwrap();
    for _ in 0..3 {
        let waker = Waker::from(Arc::new(Panics));
        let mut task = Box::pin(lock.lock_finished_async::<InTask>(&()));
        assert!(
            task.as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        std::mem::forget(waker);
        tasks.push(task);
    }
    let payload = catch_unwind(AssertUnwindSafe(|| {
        let _held = held;
        resume_unwind(Box::new(7_u8));
    }))
    .unwrap_err();
    assert_eq!(payload.downcast_ref::<u8>(), Some(&7));
    std::mem::forget(payload);
    assert!(lock.try_lock_finished::<OnThread>(&()).is_some());
    for task in tasks {
        std::mem::forget(task);
    }
}

/// Dropped futures keep no waker, and one unlock drops those of forgotten ones.
#[test]
fn no_waker_is_kept() {
    let (lock, gate) = Gate::lock(true);
    let (count, waker) = Count::waker();
    let held = lock.lock_any(&(), own);
    for n in 0..10_000 {
        let mut f = Box::pin(lock.lock_finished_async::<InTask>(&()));
        for _ in 0..3 {
            assert!(
                f.as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
        }
        if n % 100 == 0 {
            std::mem::forget(f);
        }
    }
    assert_eq!(Arc::strong_count(&count), 2 + 100);
    drop(held);
    assert_eq!(Arc::strong_count(&count), 2);
    gate.store(false, SeqCst);
    for n in 0..10_000 {
        let mut f = Box::pin(lock.lock_finished_async::<InTask>(&()));
        for _ in 0..3 {
            assert!(
                f.as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
        }
        if n % 100 == 0 {
            std::mem::forget(f);
        }
    }
    assert_eq!(Arc::strong_count(&count), 2 + 100);
    gate.store(true, SeqCst);
    drop(lock.try_lock_finished::<InTask>(&()));
    assert_eq!(Arc::strong_count(&count), 2);
}

#[test]
fn timeouts_zero_and_max() {
    let (lock, _) = Gate::lock(true);
    assert!(unreserved(&lock));
    let held = lock.lock_any(&(), own);
    thread::scope(|scope| {
        let zero = scope.spawn(|| {
            lock.lock_finished_timeout(&(), Duration::ZERO, own)
                .is_some()
        });
        assert!(!zero.join().unwrap());
        let max = scope.spawn(|| {
            lock.lock_finished_timeout(&(), Duration::MAX, own)
                .is_some()
        });
        let big = scope.spawn(|| {
            lock.lock_finished_timeout(&(), Duration::from_secs(u64::MAX / 4), own)
                .is_some()
        });
        thread::sleep(Duration::from_millis(50));
        drop(held);
        assert!(max.join().unwrap());
        assert!(big.join().unwrap());
    });
    assert_eq!(lock.waiting(), 0);
}

#[test]
fn only_the_own_lock_is_detected() {
    let (lock, _) = Gate::lock(true);
    let held = lock.lock_any(&(), own);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(lock.lock_any(&(), own)))).is_err());
    assert!(
        catch_unwind(AssertUnwindSafe(|| drop(lock.lock_finished_timeout(
            &(),
            Duration::MAX,
            own
        ))))
        .is_err()
    );
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
    let mut f = Box::pin(lock.lock_finished_async::<OnThread>(&()));
    let Poll::Ready(g) = f.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!()
    };
    assert!(catch_unwind(AssertUnwindSafe(|| drop(lock.lock_any(&(), own)))).is_err());
    drop(g);
}

macro_rules! not_impl {
    ($T:ty: $Trait:path) => {{
        trait Ambiguous<A> {
            fn f() {}
        }
        impl<T: ?Sized> Ambiguous<()> for T {}
        struct Does;
        impl<T: ?Sized + $Trait> Ambiguous<Does> for T {}
        let _ = <$T as Ambiguous<_>>::f;
    }};
}
macro_rules! does_impl {
    ($T:ty: $Trait:path) => {{
        fn f<T: ?Sized + $Trait>() {}
        f::<$T>();
    }};
}

#[test]
fn send_and_sync() {
    use std::cell::Cell;
    use std::rc::Rc;
    type Mg<'l> = std::sync::MutexGuard<'l, ()>; // Sync, not Send

    struct Of<T>(T);
    impl<T> Finish for Of<T> {
        type Shared = ();

        fn try_finish(&mut self, (): &()) -> bool {
            true
        }
        fn poll_finish(&mut self, (): &(), _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }

    not_impl!(WriterGuard<'static, u8, OnThread>: Send);
    not_impl!(WriterGuard<'static, u8, OnThread>: Sync);
    does_impl!(WriterGuard<'static, u8, InTask>: Send);
    does_impl!(WriterGuard<'static, u8, InTask>: Sync);
    does_impl!(WriterGuard<'static, Cell<u8>, InTask>: Send);
    not_impl!(WriterGuard<'static, Cell<u8>, InTask>: Sync);
    not_impl!(WriterGuard<'static, Rc<u8>, InTask>: Send);
    not_impl!(WriterGuard<'static, Rc<u8>, InTask>: Sync);
    not_impl!(WriterGuard<'static, Mg<'static>, InTask>: Send);
    does_impl!(WriterLock<Cell<u8>>: Sync);
    does_impl!(WriterLock<Cell<u8>>: Send);
    not_impl!(WriterLock<Rc<u8>>: Sync);
    not_impl!(WriterLock<Rc<u8>>: Send);
    not_impl!(WriterLock<Mg<'static>>: Sync);
    not_impl!(LockFinished<'static, Of<Rc<u8>>, InTask>: Send);
    does_impl!(LockFinished<'static, Of<Cell<u8>>, OnThread>: Send);
    not_impl!(dbuf_hashmap::ConcurrentBatch<'static, u8, u8>: Send);
    not_impl!(dbuf_hashmap::ConcurrentBatch<'static, u8, u8>: Sync);
    does_impl!(dbuf_hashmap::TaskBatch<'static, u8, u8>: Send);
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
            let mut f = Box::pin(self.0.insert_async(self.1 + 100, 1));
            while f
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
            {
                thread::yield_now();
            }
        }
    }
    thread_local! {
        static A: std::cell::RefCell<Option<Last>> = const { std::cell::RefCell::new(None) };
        static B: std::cell::RefCell<Option<Last>> = const { std::cell::RefCell::new(None) };
    }
    for _ in 0..20 {
        let map = ConcurrentHashMap::new();
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let map = map.clone();
                thread::spawn(move || {
                    A.with(|a| *a.borrow_mut() = Some(Last(map.clone(), n)));
                    map.insert(n + 50, 2);
                    B.with(|b| *b.borrow_mut() = Some(Last(map.clone(), n + 10)));
                })
            })
            .collect();
        let batch = map.write();
        thread::sleep(Duration::from_millis(2));
        drop(batch);
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(map.len(), 4 * 5);
    }
}
