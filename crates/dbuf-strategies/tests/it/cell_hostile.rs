//! The cell with hostile code: destructors, clones, wakers and strategies that panic or use the
//! cell again.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use dbuf_strategies::core::{BlockingStrategy, ConcurrentCell as AnyCell};
use dbuf_strategies::{
    CellGuard, ConcurrentCell, CountStrategy, EpochStrategy, FlashStrategy, LockStrategy, Watched,
};

use crate::unwinds::{UNWINDS, Unwinds};

fn panics(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("no panic");
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => (*payload.downcast_ref::<&str>().unwrap()).to_owned(),
    }
}

fn elsewhere(f: impl FnOnce() + Send) {
    thread::scope(|scope| scope.spawn(f).join().unwrap());
}

/// Runs a closure when it is woken.
struct Calls(Mutex<Option<Box<dyn FnOnce() + Send>>>);
impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        let call = self.0.lock().unwrap().take();
        if let Some(call) = call {
            call();
        }
    }
}

fn calls(f: impl FnOnce() + Send + 'static) -> Waker {
    Waker::from(Arc::new(Calls(Mutex::new(Some(Box::new(f))))))
}

fn poll_with<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// Counts its drops, and panics in them on request.
struct Bomb(Arc<AtomicUsize>, bool);
impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
        if self.1 && !thread::panicking() {
            panic!("dropped");
        }
    }
}

/// A value that the write before has kept panics in its destructor. The value that this write
/// replaced is dropped all the same.
#[test]
fn a_leftovers_destructor_may_panic() {
    let drops = Arc::new(AtomicUsize::new(0));
    let cell = AnyCell::with_strategy(Bomb(Arc::clone(&drops), true), CountStrategy::new());
    let guard = cell.read();
    elsewhere(|| cell.store(Bomb(Arc::clone(&drops), false)));
    drop(guard);
    assert_eq!(drops.load(SeqCst), 0);
    assert_eq!(
        panics(|| cell.store(Bomb(Arc::clone(&drops), false))),
        "dropped"
    );
    assert_eq!((drops.load(SeqCst), cell.version()), (2, 2));
    drop(cell);
    assert_eq!(drops.load(SeqCst), 3);
}

/// The destructor of the replaced value panics. The result of the closure is dropped, and so is
/// the value that `swap` would have returned.
#[test]
fn a_result_is_dropped_if_a_destructor_panics() {
    #[derive(Clone)]
    struct Value(Option<Arc<Bomb>>);
    let value = |bomb: Bomb| Value(Some(Arc::new(bomb)));
    let drops = Arc::new(AtomicUsize::new(0));
    let quiet = || Bomb(Arc::clone(&drops), false);
    let loud = || Bomb(Arc::new(AtomicUsize::new(0)), true);

    let cell = AnyCell::with_strategy(value(loud()), EpochStrategy::new());
    let update = || {
        cell.update(|value| {
            value.0 = None;
            quiet()
        });
    };
    assert_eq!(panics(update), "dropped");
    assert_eq!((drops.load(SeqCst), cell.version()), (1, 1));

    cell.store(value(loud()));
    let guard = cell.read();
    elsewhere(|| cell.store(value(quiet())));
    drop(guard);
    assert_eq!(panics(|| drop(cell.swap(Value(None)))), "dropped");
    assert_eq!((drops.load(SeqCst), cell.version()), (2, 4));
}

/// Every use of a cell begins with the claim (K3), so a waiter that is older is not closed.
#[test]
fn a_waiter_from_before_the_first_use_is_not_closed() {
    let cell = AnyCell::with_strategy(0, Watched::new(EpochStrategy::new()));
    let mut waiter = cell.strategy().waiter();
    let woken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&woken);
    let waker = calls(move || _ = count.fetch_add(1, SeqCst));
    let mut cx = Context::from_waker(&waker);
    assert!(waiter.poll_changed(0, &mut cx).is_pending(), "closed");
    cell.store(1);
    assert_eq!(woken.load(SeqCst), 1);
    assert_eq!(waiter.poll_changed(0, &mut cx), Poll::Ready(Ok(1)));
}

/// A task's waker reads and writes the cell on the thread whose guard goes: either of two guards
/// that stop all writes, by a drop or a refresh.
fn a_waker_uses_the_cell<S: BlockingStrategy + 'static>(new: fn() -> S) {
    for (goes, refreshes) in [(0, false), (0, true), (1, false), (1, true)] {
        let cell = Arc::new(AnyCell::with_strategy(0, new()));
        let mut guards = Vec::new();
        for n in 1..3 {
            guards.push(cell.read());
            elsewhere(|| cell.store(n));
        }
        let ran = Arc::new(AtomicUsize::new(0));
        let (inner, count) = (Arc::clone(&cell), Arc::clone(&ran));
        let waker = calls(move || {
            count.fetch_add(1, SeqCst);
            assert_eq!(inner.load(), 2);
            inner.store(3);
            // A refreshed guard is on the value that this write replaced.
            assert!(refreshes == panics_not(|| inner.update(|n| *n += 1)).is_err());
            assert!(refreshes == panics_not(|| inner.store(5)).is_err());
        });
        let mut task = Box::pin(cell.store_async(9));
        assert!(poll_with(task.as_mut(), &waker).is_pending());
        let mut guard = guards.swap_remove(goes);
        if refreshes {
            assert!(CellGuard::refresh(&mut guard));
            assert_eq!(*guard, 2);
        } else {
            drop(guard);
            assert_eq!(cell.load(), 5);
        }
        assert_eq!((ran.load(SeqCst), *guards[0]), (1, 1 - goes));
        drop(guards);
        while poll_with(task.as_mut(), Waker::noop()).is_pending() {}
        assert_eq!(cell.load(), 9);
    }
}

fn panics_not(f: impl FnOnce()) -> Result<(), ()> {
    catch_unwind(AssertUnwindSafe(f)).map_err(drop)
}

#[test]
fn wakers_use_the_cell() {
    a_waker_uses_the_cell(CountStrategy::new);
    a_waker_uses_the_cell(EpochStrategy::new);
    a_waker_uses_the_cell(FlashStrategy::new);
    a_waker_uses_the_cell(LockStrategy::new);
}

/// The waker of a task that waits for the lock panics when another write unlocks. That write
/// was made, and the values are dropped once.
#[test]
fn an_unlock_whose_waker_panics() {
    let drops = Arc::new(AtomicUsize::new(0));
    let bomb = || Bomb(Arc::clone(&drops), false);
    let cell = AnyCell::with_strategy(bomb(), FlashStrategy::new());
    let waker = calls(|| panic!("from a waker"));
    let mut task = Box::pin(cell.store_async(bomb()));
    let write = || {
        cell.rcu(|_| {
            assert!(poll_with(task.as_mut(), &waker).is_pending());
            bomb()
        });
    };
    assert_eq!(panics(write), "from a waker");
    assert_eq!((drops.load(SeqCst), cell.version()), (1, 1));
    assert!(poll_with(task.as_mut(), Waker::noop()).is_ready());
    assert_eq!((drops.load(SeqCst), cell.version()), (2, 2));
    drop(task);
    // The same while a panic unwinds.
    let waker = calls(|| panic!("from a waker"));
    let mut task = Box::pin(cell.store_async(bomb()));
    let write = || {
        cell.rcu(|_| {
            assert!(poll_with(task.as_mut(), &waker).is_pending());
            panic!("closure")
        });
    };
    assert_eq!(panics(write), "closure");
    assert!(poll_with(task.as_mut(), Waker::noop()).is_ready());
    drop(task);
    assert_eq!(cell.version(), 3);
    drop(cell);
    assert_eq!(drops.load(SeqCst), 4);
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A watcher's waker polls a write at once, under the lock of the write that called it.
#[test]
fn a_watchers_waker_writes() {
    let cell = Arc::new(AnyCell::with_strategy(
        0,
        Watched::new(CountStrategy::new()),
    ));
    cell.store(1);
    let mut waiter = cell.strategy().waiter();
    let inner = Arc::clone(&cell);
    let done = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&done);
    let waker = calls(move || {
        assert_eq!(inner.load(), 2);
        assert_eq!(inner.try_store(7), Err(7));
        assert!(panics(|| inner.store(7)).contains("while it changes"));
        let moved = Arc::clone(&inner);
        let mut task: Task = Box::pin(async move { moved.store_async(3).await });
        // The unlock wakes it, on this thread.
        let shared = Arc::new(Mutex::new(None::<Task>));
        let slot = Arc::clone(&shared);
        let again = calls(move || {
            let mut task = slot.lock().unwrap().take().unwrap();
            assert!(poll_with(task.as_mut(), Waker::noop()).is_ready());
            count.fetch_add(1, SeqCst);
        });
        assert!(poll_with(task.as_mut(), &again).is_pending());
        *shared.lock().unwrap() = Some(task);
    });
    assert!(
        waiter
            .poll_changed(1, &mut Context::from_waker(&waker))
            .is_pending()
    );
    cell.store(2);
    assert_eq!((done.load(SeqCst), cell.load()), (1, 3));
}

/// A guard that is taken in a closure may be kept or forgotten.
#[test]
fn guards_outlive_the_update_they_were_taken_in() {
    let cell = AnyCell::with_strategy(vec![0], EpochStrategy::new());
    let mut kept = None;
    cell.update(|list| {
        kept = Some(cell.read());
        list.push(1);
    });
    let guard = kept.unwrap();
    assert_eq!((&**guard, &**cell.read()), (&[0][..], &[0, 1][..]));
    elsewhere(|| assert!(cell.try_store(vec![]).is_err()));
    // A second guard, of another value.
    let mut kept = None;
    cell.update(|list| {
        kept = Some(cell.read());
        list.push(2);
    });
    let second = kept.unwrap();
    assert_eq!((&**second, cell.read().len()), (&[0, 1][..], 3));
    assert!(panics(|| cell.store(vec![])).contains("holds a guard"));
    assert!(panics(|| cell.update(|_| ())).contains("holds a guard"));
    drop((guard, second));
    for n in 3..5 {
        cell.update(|list| {
            forget(cell.read());
            list.push(n);
        });
    }
    assert_eq!(cell.try_update(|_| ()), None);
    assert!(panics(|| cell.update(|_| ())).contains("holds a guard"));
    elsewhere(|| {
        let refused = cell.store_timeout(vec![], Duration::ZERO);
        assert!(refused.is_err());
    });
    assert_eq!(cell.into_inner(), [0, 1, 2, 3, 4]);
}

/// The front always holds a value (K1), and each value is dropped once.
fn a_start_unwinds<S: BlockingStrategy, const SPARE: bool>(new: fn() -> Unwinds<S, SPARE>) {
    for script in 0..4_usize.pow(4) {
        let takes_out = script.count_ones() % 2 == 0;
        let drops = Arc::new(AtomicUsize::new(0));
        let value = |n: usize| (n, Bomb(Arc::clone(&drops), false));
        let cell = AnyCell::with_strategy(value(0), new());
        let mut published = 0;
        let mut guard = Some(cell.read());
        for step in 0..4 {
            let at = script / 4_usize.pow(step) % 4;
            let n = step as usize + 1;
            let is_kept = guard.is_some();
            elsewhere(|| {
                UNWINDS.set(at as u8);
                let store = || cell.store_timeout(value(n), Duration::ZERO).is_ok();
                let unwound = catch_unwind(AssertUnwindSafe(store));
                UNWINDS.set(0);
                let did = match unwound {
                    Ok(did) => {
                        assert!(
                            did || (is_kept && !SPARE),
                            "refused although no guard stops it"
                        );
                        did
                    }
                    Err(_) => at == 2,
                };
                if did {
                    assert_eq!(cell.version(), CellGuard::version(&cell.read()));
                    assert_eq!(cell.read().0, n);
                    published = n;
                }
                assert_eq!(cell.read().0, published);
            });
            if let Some(guard) = &guard {
                assert_eq!(guard.0, 0);
            }
            if step == 2 {
                guard = None;
            }
        }
        drop(guard);
        if takes_out {
            assert_eq!(cell.into_inner().0, published);
        } else {
            cell.catch_up();
            assert_eq!((cell.read().0, drops.load(SeqCst)), (published, 4));
            drop(cell);
        }
        assert_eq!(drops.load(SeqCst), 5);
    }
}

#[test]
fn starts_that_unwind() {
    a_start_unwinds::<_, true>(|| Unwinds(CountStrategy::new()));
    if !cfg!(miri) {
        a_start_unwinds::<_, false>(|| Unwinds(CountStrategy::new()));
        a_start_unwinds::<_, true>(|| Unwinds(EpochStrategy::new()));
        a_start_unwinds::<_, true>(|| Unwinds(FlashStrategy::new()));
        a_start_unwinds::<_, true>(|| Unwinds(LockStrategy::new()));
    }
}

/// Without a spare side, the second write under a guard panics, or waits.
#[test]
fn a_strategy_without_a_spare_side_waits() {
    let cell = AnyCell::with_strategy(0, Unwinds::<_, false>(EpochStrategy::new()));
    let guard = cell.read();
    cell.store(1);
    assert!(panics(|| cell.store(2)).contains("holds a guard"));
    assert_eq!(cell.try_store(2), Err(2));
    elsewhere(|| assert_eq!(cell.store_timeout(2, Duration::ZERO), Err(2)));
    let woken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&woken);
    let waker = calls(move || _ = count.fetch_add(1, SeqCst));
    let mut task = Box::pin(cell.store_async(3));
    assert!(poll_with(task.as_mut(), &waker).is_pending());
    cell.catch_up();
    assert_eq!((*guard, cell.load(), woken.load(SeqCst)), (0, 1, 0));
    drop(guard);
    assert_eq!(woken.load(SeqCst), 1);
    assert!(poll_with(task.as_mut(), &waker).is_ready());
    assert_eq!((cell.load(), cell.stragglers()), (3, 0));
}

static STATIC: AnyCell<usize, EpochStrategy> = AnyCell::with_strategy(0, EpochStrategy::new());

/// Two guards that live until the thread's end. One is refreshed there, and its release calls a
/// waker that uses the cell.
struct Late(
    RefCell<Vec<CellGuard<'static, usize, EpochStrategy>>>,
    Cell<bool>,
);

impl Drop for Late {
    fn drop(&mut self) {
        let mut guards = self.0.take();
        assert!(STATIC.try_store(9).is_err());
        let newest = STATIC.read();
        let now = *newest;
        drop(newest);
        let mut last = guards.pop().unwrap();
        CellGuard::refresh(&mut last);
        assert_eq!(*last, now);
        drop(guards);
        if self.1.get() {
            forget(last);
            STATIC.store(now + 1);
            forget(STATIC.read());
            STATIC.store(now + 2);
            assert!(panics(|| STATIC.store(0)).contains("holds a guard"));
            return;
        }
        // Two more swaps with a guard on each side, and a task that waits.
        elsewhere(|| STATIC.store(now + 1));
        let second = STATIC.read();
        elsewhere(|| STATIC.store(now + 2));
        let ran = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ran);
        let waker = calls(move || {
            assert_eq!(STATIC.load(), now + 2);
            STATIC.store(now + 3);
            let guard = STATIC.read();
            assert!(STATIC.try_store(9).is_err());
            assert_eq!(*guard, now + 3);
            drop(guard);
            count.fetch_add(1, SeqCst);
        });
        let mut task = Box::pin(STATIC.store_async(now + 4));
        assert!(poll_with(task.as_mut(), &waker).is_pending());
        drop(last);
        assert_eq!((ran.load(SeqCst), *second), (1, now + 1));
        while poll_with(task.as_mut(), Waker::noop()).is_pending() {}
        assert_eq!(STATIC.load(), now + 4);
    }
}

thread_local! {
    static LATE: Late = const { Late(RefCell::new(Vec::new()), Cell::new(false)) };
}

#[test]
fn guards_outlive_their_threads_slots() {
    for forgets in [false, false, true] {
        thread::spawn(move || {
            LATE.with(|late| {
                late.1.set(forgets);
                late.0.borrow_mut().push(STATIC.read());
                elsewhere(|| STATIC.update(|n| *n += 1));
                late.0.borrow_mut().push(STATIC.read());
            });
        })
        .join()
        .unwrap();
    }
}

/// A cell is moved to the address of another cell, of which a thread has a token.
#[test]
fn a_cell_takes_the_address_of_another() {
    let mut boxed = Box::new(AnyCell::with_strategy(
        String::from("a"),
        EpochStrategy::new(),
    ));
    for round in 0..20 {
        assert_eq!(boxed.load().len(), 1 + round % 2);
        if round % 3 == 0 {
            forget(boxed.read());
        }
        elsewhere(|| assert_eq!(boxed.read().len(), 1 + round % 2));
        let next = AnyCell::with_strategy(String::from("b"), EpochStrategy::new());
        if round % 2 == 0 {
            next.store(String::from("bb"));
            let guard = next.read();
            elsewhere(|| next.store(String::from("cc")));
            forget(guard);
        }
        *boxed = next;
        assert_eq!(boxed.version(), if round % 2 == 0 { 2 } else { 0 });
    }
}

/// Threads, tasks and cancelled tasks write, and guards are refreshed. No write is lost and none
/// waits forever.
fn all_at_once<S: BlockingStrategy<GuardToken: Sync>>(new: fn() -> S) {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let rounds = if cfg!(miri) { 5 } else { 300 };
    let cell = &AnyCell::with_strategy(Box::new(0_usize), new());
    let made = &AtomicUsize::new(0);
    thread::scope(|scope| {
        for kind in 0..5_usize {
            scope.spawn(move || {
                let waker = Waker::from(Arc::new(Unpark(thread::current())));
                for round in 0..rounds {
                    match kind {
                        0 => {
                            cell.update(|n| **n += 1);
                            made.fetch_add(1, SeqCst);
                        }
                        1 => {
                            let mut task = Box::pin(cell.update_async(|n| **n += 1));
                            while poll_with(task.as_mut(), &waker).is_pending() {
                                thread::park();
                            }
                            made.fetch_add(1, SeqCst);
                        }
                        2 => {
                            let mut task = Box::pin(cell.update_async(|n| **n += 1));
                            for _ in 0..round % 3 {
                                if poll_with(task.as_mut(), &waker).is_ready() {
                                    made.fetch_add(1, SeqCst);
                                    break;
                                }
                            }
                        }
                        3 => {
                            if cell.try_update(|n| **n += 1).is_some() {
                                made.fetch_add(1, SeqCst);
                            }
                        }
                        // Under a guard of its own, a write may panic at most.
                        _ => {
                            let guard = cell.read();
                            let before = **guard;
                            if panics_not(|| cell.update(|n| **n += 1)).is_ok() {
                                made.fetch_add(1, SeqCst);
                                assert!(**cell.read() > before);
                            }
                            assert_eq!(**guard, before);
                        }
                    }
                }
            });
        }
        // Keep guards on up to three values.
        scope.spawn(move || {
            let mut kept = std::collections::VecDeque::new();
            for round in 0..rounds {
                let guard = cell.read();
                let value = **guard;
                kept.push_back((value, guard));
                if kept.len() > round % 4 {
                    kept.pop_front();
                }
                if round % 7 == 0 {
                    kept.pop_back();
                }
                thread::yield_now();
                assert!(kept.iter().all(|(value, guard)| ***guard == *value));
            }
        });
        for _ in 0..2 {
            scope.spawn(move || {
                let mut guard = cell.read();
                for round in 0..rounds {
                    let before = **guard;
                    if round % 5 == 0 {
                        let nested = cell.read();
                        assert!(**nested >= before);
                        thread::yield_now();
                        drop(std::mem::replace(&mut guard, nested));
                    }
                    CellGuard::refresh(&mut guard);
                    assert!(**guard >= before);
                    assert_eq!(CellGuard::version(&guard), **guard as u64);
                    thread::scope(|scope| {
                        let guard = &guard;
                        if round % 50 == 0 {
                            scope.spawn(move || assert!(***guard >= before));
                        }
                    });
                }
            });
        }
    });
    assert_eq!(**cell.read(), made.load(SeqCst));
    assert_eq!(cell.store_timeout(Box::new(0), Duration::ZERO), Ok(()));
}

#[test]
fn writers_of_all_kinds() {
    all_at_once(CountStrategy::new);
    all_at_once(EpochStrategy::new);
    all_at_once(FlashStrategy::new);
    all_at_once(LockStrategy::new);
}

/// Values may own cells, even the cell that they are in.
#[test]
fn values_own_cells() {
    struct Node {
        next: Option<Arc<ConcurrentCell<Option<Node>>>>,
    }
    impl Drop for Node {
        fn drop(&mut self) {
            if let Some(next) = &self.next {
                // A use may be refused while another value is dropped.
                let _ = next.try_store(None);
                let _ = next.try_update(|_| ());
            }
        }
    }
    impl Clone for Node {
        fn clone(&self) -> Self {
            Self {
                next: self.next.clone(),
            }
        }
    }
    let cell = Arc::new(ConcurrentCell::new(None));
    cell.store(Some(Node {
        next: Some(Arc::clone(&cell)),
    }));
    let weak = Arc::downgrade(&cell);
    let borrowed: &ConcurrentCell<_> = &cell;
    borrowed.update(|node| *node = None);
    borrowed.store(Some(Node {
        next: Some(Arc::clone(&cell)),
    }));
    borrowed.catch_up();
    borrowed.store(None);
    drop(cell);
    assert!(weak.upgrade().is_none());
}
