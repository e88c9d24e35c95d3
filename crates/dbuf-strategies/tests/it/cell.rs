//! `ConcurrentCell`: one value, any thread, every strategy.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use dbuf_strategies::core::{BlockingStrategy, ConcurrentCell as AnyCell, Strategy};
use dbuf_strategies::{
    CellGuard, ConcurrentCell, CountStrategy, DefaultStrategy, EpochStrategy, FlashStrategy,
    LockStrategy, Watched,
};
use dbuf_testing::Tracked;

/// A strategy that threads may share.
trait Shared:
    BlockingStrategy + Strategy<ReaderToken: Send, WriterToken: Send> + Send + Sync + 'static
{
}
impl<S> Shared for S where
    S: BlockingStrategy + Strategy<ReaderToken: Send, WriterToken: Send> + Send + Sync + 'static
{
}

macro_rules! each {
    ($($test:ident)*) => {$(
        #[test]
        fn $test() {
            each::$test(CountStrategy::new);
            each::$test(EpochStrategy::new);
            each::$test(FlashStrategy::new);
            each::$test(LockStrategy::new);
            each::$test(DefaultStrategy::new);
            each::$test(|| Watched::new(EpochStrategy::new()));
            each::$test(|| Watched::new(FlashStrategy::new()));
        }
    )*};
}

each! {
    no_write_is_lost
    a_guard_keeps_its_value
    a_kept_guard_stops_no_write
    guards_of_two_values_stop_writes
    a_cell_moves_between_uses
    own_guards_are_refused
    guards_of_others_are_waited_for
    a_panic_publishes_nothing
    a_destructor_stores_again
    a_destructor_stores_again_after_its_guard
    a_forgotten_guard_only_delays
    a_cancelled_write_did_nothing
    tasks_are_woken_by_either_guard
    values_are_dropped_once
    kept_values_are_dropped_once
}

/// Not `Clone`.
#[derive(Debug, PartialEq)]
struct Plain(usize);

fn panics(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("no panic");
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => (*payload.downcast_ref::<&str>().unwrap()).to_owned(),
    }
}

/// Runs `f` on another thread, and waits for it.
fn elsewhere(f: impl FnOnce() + Send) {
    thread::scope(|scope| scope.spawn(f).join().unwrap());
}

/// Counts its wakes.
struct Count(AtomicUsize);

impl Count {
    fn waker() -> (Arc<Self>, Waker) {
        let count = Arc::new(Self(AtomicUsize::new(0)));
        (Arc::clone(&count), Waker::from(count))
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Polls a future by hand.
fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

mod each {
    use super::*;

    /// No update is lost, every read that starts after a write sees it, and no thread sees an
    /// older value after a newer one.
    pub(super) fn no_write_is_lost<S: Shared>(new: fn() -> S) {
        let cell = &AnyCell::with_strategy(Tracked::new(0), new());
        let (writers, writes) = (3, if cfg!(miri) { 8 } else { 500 });
        thread::scope(|scope| {
            for _ in 0..writers {
                scope.spawn(move || {
                    for _ in 0..writes {
                        let written = cell.update(|value| {
                            value.set(value.get() + 1);
                            value.get()
                        });
                        assert!(
                            cell.read().get() >= written,
                            "a read missed a write that had returned"
                        );
                    }
                });
            }
            scope.spawn(move || {
                let mut seen = 0;
                while seen < writers * writes {
                    let guard = cell.read();
                    assert!(guard.get() >= seen);
                    seen = guard.get();
                    assert_eq!(CellGuard::version(&guard), seen as u64);
                }
            });
        });
        assert_eq!(cell.load().get(), writers * writes);
        assert_eq!(cell.version(), (writers * writes) as u64);
        assert_eq!(cell.stragglers(), 0);
    }

    /// A nested guard and a refreshed one see the last write too.
    pub(super) fn a_guard_keeps_its_value<S: Shared>(new: fn() -> S) {
        let cell = AnyCell::with_strategy(Plain(0), new());
        let mut guard = cell.read();
        elsewhere(|| cell.store(Plain(1)));
        let nested = cell.read();
        elsewhere(|| {
            assert_eq!(cell.try_store(Plain(2)), Err(Plain(2)));
            cell.store(Plain(2)); // sets a side aside
        });
        let newest = cell.read();
        let shown = [&*guard, &*nested, &*newest];
        assert_eq!(shown, [&Plain(0), &Plain(1), &Plain(2)]);
        elsewhere(|| {
            assert_eq!(cell.try_store(Plain(3)), Err(Plain(3)));
            let timeout = Duration::from_millis(1);
            assert_eq!(cell.store_timeout(Plain(3), timeout), Err(Plain(3)));
            assert!(cell.stragglers() > 0);
        });
        drop(nested);
        assert!(CellGuard::refresh(&mut guard));
        assert_eq!(*guard, Plain(2));
        assert!(!CellGuard::refresh(&mut guard) || cell.version() == 2);
        elsewhere(|| {
            for n in 3..10 {
                cell.store(Plain(n));
            }
        });
        assert_eq!((&*guard, &*newest), (&Plain(2), &Plain(2)));
        drop((guard, newest));
        assert_eq!(cell.with(|value| value.0), 9);
        assert_eq!(cell.into_inner(), Plain(9));
    }

    /// Guards of one value, on this thread or others, keep no write waiting. Nothing is cloned, and
    /// replaced values are dropped, but for the one that is kept.
    pub(super) fn a_kept_guard_stops_no_write<S: Shared>(new: fn() -> S) {
        let live = Arc::new(());
        let cell = AnyCell::with_strategy((0, Arc::clone(&live)), new());
        for kept_since in [0, 201] {
            let guard = cell.read();
            let version = CellGuard::version(&guard);
            let store = |n: usize| {
                cell.store((n, Arc::clone(&live)));
                assert_eq!(cell.with(|value| value.0), n);
                // The kept value, the published one, and this thread's own.
                assert_eq!(Arc::strong_count(&live), 3);
            };
            elsewhere(|| (1..=100).for_each(|n| store(kept_since + n)));
            (101..=200).for_each(|n| store(kept_since + n));
            assert_eq!((guard.0, CellGuard::version(&guard)), (kept_since, version));
            drop(guard);
            cell.store((201, Arc::clone(&live)));
            assert_eq!(Arc::strong_count(&live), 2);
        }
    }

    /// A write waits while guards keep two replaced values, and goes on when either is gone.
    pub(super) fn guards_of_two_values_stop_writes<S: Shared>(new: fn() -> S) {
        for goes in 0..2 {
            let cell = AnyCell::with_strategy(Plain(0), new());
            let mut guards = Vec::new();
            for n in 1..3 {
                guards.push(cell.read());
                elsewhere(|| cell.store(Plain(n)));
            }
            let writes = || cell.store_timeout(Plain(3), Duration::from_millis(1));
            elsewhere(|| {
                assert_eq!(writes(), Err(Plain(3)));
                assert_eq!((cell.version(), cell.stragglers()), (2, 1));
            });
            let kept = 1 - goes;
            drop(guards.swap_remove(goes));
            elsewhere(|| {
                assert_eq!(writes(), Ok(()));
                for n in 4..20 {
                    cell.store(Plain(n));
                }
            });
            assert_eq!((&*guards[0], &*cell.read()), (&Plain(kept), &Plain(19)));
            // Once more, with the sides in other roles.
            let newer = cell.read();
            elsewhere(|| {
                cell.store(Plain(20));
                assert_eq!(writes(), Err(Plain(3)));
            });
            assert_eq!((&*newer, &*cell.read()), (&Plain(19), &Plain(20)));
            drop(guards);
            elsewhere(|| (21..30).for_each(|n| cell.store(Plain(n))));
            assert_eq!((&*newer, &*cell.read()), (&Plain(19), &Plain(29)));
            drop(newer);
            elsewhere(|| assert_eq!(cell.try_store(Plain(30)), Ok(())));
            assert_eq!(cell.into_inner(), Plain(30));
        }
    }

    /// A cell can be moved: strategy, sides and lock are in it.
    pub(super) fn a_cell_moves_between_uses<S: Shared>(new: fn() -> S) {
        let mut cell = AnyCell::with_strategy(vec![0], new());
        for round in 1..4 {
            assert_eq!(cell.read().len(), round);
            let mut moved = Box::new(cell);
            moved.update(|list| list.push(round));
            assert_eq!(moved.read().len(), round + 1);
            // The token of the same thread, at the old address of another cell.
            let mut other = Box::new(AnyCell::with_strategy(vec![], new()));
            assert!(other.read().is_empty());
            std::mem::swap(&mut *moved, &mut *other);
            assert_eq!((moved.read().len(), other.read().len()), (0, round + 1));
            moved.store(vec![9; 9]);
            assert_eq!((moved.read().len(), other.read().len()), (9, round + 1));
            cell = thread::spawn(move || {
                assert_eq!(other.read().len(), round + 1);
                *other
            })
            .join()
            .unwrap();
        }
        assert_eq!(cell.into_inner(), [0, 1, 2, 3]);
    }

    /// A write that would wait for its own thread's guard panics before anything has changed.
    pub(super) fn own_guards_are_refused<S: Shared>(new: fn() -> S) {
        let cell = AnyCell::with_strategy(1, new());
        let other = AnyCell::with_strategy(1, new());
        let writes: [&dyn Fn(); 5] = [
            &|| cell.store(3),
            &|| assert!(cell.store_timeout(3, Duration::MAX).is_ok()),
            &|| assert!(cell.swap(3) > 0),
            &|| cell.update(|n| *n = 3),
            &|| cell.rcu(|_| 3),
        ];
        // One guard stops no write.
        let first = cell.read();
        for write in writes {
            write();
            assert_eq!(cell.try_store(9), Err(9));
            assert_eq!(cell.try_update(|n| *n = 9), None);
        }
        assert_eq!((*first, cell.load(), cell.version()), (1, 3, 5));
        // Two guards do, on two values that were replaced.
        cell.store(2);
        let second = cell.read();
        cell.store(3);
        for write in writes {
            assert!(panics(write).contains("holds a guard"));
            cell.catch_up(); // never waits for readers
        }
        assert_eq!(cell.try_store(9), Err(9));
        assert_eq!(cell.try_update(|n| *n = 9), None);
        assert!(panics(|| cell.with(|_| cell.store(9))).contains("holds a guard"));
        assert_eq!((*first, *second, cell.load(), cell.version()), (1, 2, 3, 7));
        other.store(2); // another cell's
        elsewhere(|| assert_eq!(cell.store_timeout(9, Duration::ZERO), Err(9)));
        drop(first);
        cell.store(3); // on the side of the first guard
        assert_eq!((*second, cell.load(), cell.version()), (2, 3, 8));
        drop(second);
        assert_eq!(cell.try_store(4), Ok(()));
        assert_eq!((cell.load(), cell.version()), (4, 9));

        // A write within a write of the same thread.
        let writes: [&dyn Fn(); 3] = [&|| cell.store(5), &|| cell.rcu(|_| 5), &|| {
            cell.update(|n| *n = 5);
        }];
        for write in writes {
            let message = panics(|| cell.update(|_| write()));
            assert!(message.contains("while it changes that cell"), "{message}");
            assert!(
                panics(|| cell.rcu(|_| {
                    write();
                    6
                }))
                .contains("while it changes")
            );
        }
        let refused = cell.update(|n| {
            *n += 1;
            assert_eq!(cell.load(), 4, "published too early");
            (cell.try_store(5), cell.try_update(|n| *n = 5))
        });
        assert_eq!((refused, cell.load()), ((Err(5), None), 5));
    }

    /// A write panics if its thread keeps the value that it would wait for. It waits if the thread
    /// keeps the other value, or none.
    pub(super) fn guards_of_others_are_waited_for<S: Shared>(new: fn() -> S) {
        let cell = &AnyCell::with_strategy(0, new());
        let (kept, other_kept) = (channel(), channel::<()>());
        thread::scope(|scope| {
            scope.spawn(move || {
                let first = cell.read();
                kept.0.send(()).unwrap();
                // The other thread keeps a second value.
                other_kept.1.recv().unwrap();
                assert_eq!(cell.store_timeout(9, Duration::ZERO), Err(9));
                assert_eq!(*first, 0);
                kept.0.send(()).unwrap();
                other_kept.1.recv().unwrap();
            });
            kept.1.recv().unwrap();
            cell.store(1);
            let second = cell.read();
            cell.store(2);
            assert!(panics(|| cell.store(9)).contains("holds a guard"));
            other_kept.0.send(()).unwrap();
            kept.1.recv().unwrap();
            assert_eq!((*second, cell.load()), (1, 2));
            drop(second);
            let second = cell.read();
            cell.store(3);
            // The first value is still kept, and this thread's is the published one.
            drop(second);
            let newest = cell.read();
            cell.store(4);
            assert_eq!((*newest, cell.load(), cell.version()), (3, 4, 4));
            drop(newest);
            other_kept.0.send(()).unwrap();
        });
        assert_eq!(cell.try_store(5), Ok(()));
    }

    pub(super) fn a_panic_publishes_nothing<S: Shared>(new: fn() -> S) {
        /// Panics at the clone of that number.
        #[derive(Debug)]
        struct Fragile(usize, Arc<AtomicUsize>);
        impl Clone for Fragile {
            fn clone(&self) -> Self {
                let clones = self.1.fetch_sub(1, SeqCst);
                assert_ne!(clones, 1, "cloned");
                Self(self.0, Arc::clone(&self.1))
            }
        }

        let clones = Arc::new(AtomicUsize::new(0));
        let value = |n| Fragile(n, Arc::clone(&clones));
        let cell = AnyCell::with_strategy(value(0), new());
        let check = |n: usize, version: u64| {
            assert_eq!((cell.read().0, cell.version()), (n, version));
            elsewhere(|| assert_eq!(cell.stragglers(), 0));
        };
        let closure = || {
            cell.update(|fragile| {
                fragile.0 = 9;
                panic!("closure")
            });
        };
        assert_eq!(panics(closure), "closure");
        check(0, 0);
        assert_eq!(panics(|| cell.rcu(|_| panic!("closure"))), "closure");
        check(0, 0);
        clones.store(1, SeqCst);
        assert!(panics(|| cell.update(|fragile| fragile.0 = 9)).contains("cloned"));
        check(0, 0);
        clones.store(1, SeqCst);
        assert!(panics(|| drop(cell.load())).contains("cloned"));
        cell.update(|fragile| fragile.0 += 1);
        check(1, 1);
        // Only a value that a reader holds when it was replaced is cloned.
        clones.store(1, SeqCst);
        assert_eq!(cell.swap(value(2)).0, 1);
        let guard = cell.read();
        elsewhere(|| assert!(panics(|| drop(cell.swap(value(3)))).contains("cloned")));
        drop(guard);
        check(3, 3);
        cell.store(value(4));
        check(4, 4);
    }

    pub(super) fn a_destructor_stores_again<S: Shared>(new: fn() -> S) {
        /// Stores its predecessor.
        struct Again<S: Shared>(usize, Weak<AnyCell<Self, S>>);
        impl<S: Shared> Drop for Again<S> {
            fn drop(&mut self) {
                if let (1.., Some(cell)) = (self.0, self.1.upgrade()) {
                    cell.store(Self(self.0 - 1, Weak::clone(&self.1)));
                }
            }
        }

        let cell =
            Arc::new_cyclic(|cell| AnyCell::with_strategy(Again(3, Weak::clone(cell)), new()));
        // Drops 3, which stores 2, which drops 5, and so on: 4, 1, 3, 0, 2; 0 stores nothing.
        cell.store(Again(5, Arc::downgrade(&cell)));
        assert_eq!((cell.read().0, cell.version()), (2, 7));
        elsewhere(|| assert_eq!(cell.stragglers(), 0));
    }

    /// The destructor of a value that was kept for a guard writes to the cell.
    pub(super) fn a_destructor_stores_again_after_its_guard<S: Shared>(new: fn() -> S) {
        /// Stores a number, and counts that it did.
        struct Again<S: Shared>(usize, Weak<AnyCell<Self, S>>, Arc<AtomicUsize>);
        impl<S: Shared> Drop for Again<S> {
            fn drop(&mut self) {
                if let (1.., Some(cell)) = (self.0, self.1.upgrade()) {
                    let none = Self(0, Weak::new(), Arc::clone(&self.2));
                    assert!(cell.try_store(none).is_ok(), "the lock was held");
                    self.2.fetch_add(1, SeqCst);
                }
            }
        }

        for catches_up in [false, true] {
            let ran = Arc::new(AtomicUsize::new(0));
            let quiet = || Again(0, Weak::new(), Arc::clone(&ran));
            let cell = Arc::new_cyclic(|cell| {
                AnyCell::with_strategy(Again(1, Weak::clone(cell), Arc::clone(&ran)), new())
            });
            let guard = cell.read();
            elsewhere(|| (0..4).for_each(|_| cell.store(quiet())));
            assert_eq!((guard.0, ran.load(SeqCst)), (1, 0));
            drop(guard);
            assert_eq!(ran.load(SeqCst), 0, "a reader dropped a value");
            if catches_up {
                cell.catch_up();
            } else {
                cell.store(quiet());
            }
            assert_eq!(ran.load(SeqCst), 1);
            assert_eq!(cell.version(), 5 + u64::from(!catches_up));
            elsewhere(|| assert_eq!(cell.stragglers(), 0));
        }
    }

    /// No thread inherits a forgotten guard, and the values come out of the cell. One forgotten
    /// guard stops no write; two, on two values, stop all writes and no read.
    pub(super) fn a_forgotten_guard_only_delays<S: Shared>(new: fn() -> S) {
        let cell = AnyCell::with_strategy(0, new());
        elsewhere(|| {
            forget(cell.read());
            (1..=100).for_each(|n| cell.store(n));
        });
        // Its thread has ended.
        (101..=200).for_each(|n| cell.store(n));
        assert_eq!((cell.load(), cell.version()), (200, 200));
        elsewhere(|| {
            forget(cell.read());
            cell.store(201);
            assert!(panics(|| cell.store(9)).contains("holds a guard"));
        });
        assert_eq!(cell.try_store(9), Err(9));
        let timeout = Duration::from_millis(1);
        assert_eq!(cell.store_timeout(9, timeout), Err(9));
        assert!(poll(Box::pin(cell.store_async(9)).as_mut()).is_pending());
        cell.catch_up();
        assert_eq!((cell.load(), cell.stragglers()), (201, 1));
        assert_eq!(cell.into_inner(), 201);
    }

    /// A write that is dropped after any poll changes nothing. One that is not is ready when one of
    /// the guards is gone.
    pub(super) fn a_cancelled_write_did_nothing<S: Shared>(new: fn() -> S) {
        fn is_send(_: &impl Send) {}

        let cell = AnyCell::with_strategy(Arc::new(0), new());
        let kept = Arc::new(1);
        drop(cell.store_async(Arc::clone(&kept)));
        assert_eq!(Arc::strong_count(&kept), 1);
        assert!(poll(Box::pin(cell.store_async(Arc::clone(&kept))).as_mut()).is_ready());
        assert_eq!(**cell.read(), 1);

        let guard = cell.read();
        // A task does not panic: the guards of its thread may be another task's.
        assert!(poll(Box::pin(cell.store_async(Arc::new(2))).as_mut()).is_ready());
        let second = cell.read();
        assert!(poll(Box::pin(cell.store_async(Arc::new(3))).as_mut()).is_ready());
        let (woken, waker) = Count::waker();
        let mut cx = Context::from_waker(&waker);
        let mut cancelled = Box::pin(cell.store_async(Arc::clone(&kept)));
        is_send(&cancelled);
        assert!(cancelled.as_mut().poll(&mut cx).is_pending());
        assert_eq!(Arc::strong_count(&kept), 3); // one on the guard's side, one in the future
        drop(cancelled);
        assert_eq!(Arc::strong_count(&kept), 2);
        let ran = Cell::new(false);
        let mut update = Box::pin(cell.update_async(|n| {
            ran.set(true);
            *n = Arc::new(**n + 1);
        }));
        assert!(update.as_mut().poll(&mut cx).is_pending());
        assert!(!ran.get());
        drop(second);
        assert_eq!(woken.0.load(SeqCst), 1);
        while update.as_mut().poll(&mut cx).is_pending() {}
        assert!(ran.get());
        assert_eq!((**cell.read(), cell.version()), (4, 4));
        assert_eq!((**guard, Arc::strong_count(&kept)), (1, 2));
        drop(guard);
        cell.catch_up();
        assert_eq!(Arc::strong_count(&kept), 1);
    }

    /// When either of two guards goes, a waiting task is woken, once, and is ready. A leave that
    /// frees neither side wakes no task.
    pub(super) fn tasks_are_woken_by_either_guard<S: Shared>(new: fn() -> S) {
        for goes in 0..2 {
            let cell = AnyCell::with_strategy(0, new());
            let mut guards = Vec::new();
            let mut twins = Vec::new();
            for n in 1..3 {
                guards.push(cell.read());
                twins.push(cell.read());
                cell.store(n);
            }
            let (woken, waker) = Count::waker();
            let mut cx = Context::from_waker(&waker);
            let mut task = Box::pin(cell.store_async(3));
            assert!(task.as_mut().poll(&mut cx).is_pending());
            drop(twins);
            drop(cell.read());
            assert_eq!(woken.0.load(SeqCst), 0, "both values are still kept");
            drop(guards.swap_remove(goes));
            assert_eq!(woken.0.load(SeqCst), 1);
            assert!(task.as_mut().poll(&mut cx).is_ready());
            drop(task);
            assert_eq!((*guards[0], cell.load()), (1 - goes, 3));
            drop(guards);
            assert_eq!(
                woken.0.load(SeqCst),
                1,
                "woken once more than there were waits"
            );
            assert_eq!(cell.try_store(4), Ok(()));
        }
    }

    /// The write that replaces a value drops it. If a reader holds it, the next write drops it, or
    /// `catch_up`. The cell drops the values in it.
    pub(super) fn values_are_dropped_once<S: Shared>(new: fn() -> S) {
        let all: Vec<_> = (0..6).map(|_| Arc::new(())).collect();
        let live = || {
            all.iter()
                .map(|value| Arc::strong_count(value) - 1)
                .collect::<Vec<_>>()
        };
        let value = |n: usize| Arc::clone(&all[n]);
        let cell = AnyCell::with_strategy(value(0), new());
        cell.store(value(1));
        assert_eq!(live(), [0, 1, 0, 0, 0, 0]);
        let guard = cell.read();
        elsewhere(|| cell.store(value(2)));
        drop(guard);
        assert_eq!(live(), [0, 1, 1, 0, 0, 0]);
        cell.store(value(3));
        assert_eq!(live(), [0, 0, 0, 1, 0, 0]);
        let guard = cell.read();
        elsewhere(|| cell.rcu(|_| value(4)));
        drop(guard);
        cell.catch_up();
        cell.catch_up();
        assert_eq!(live(), [0, 0, 0, 0, 1, 0]);
        assert_eq!(Arc::strong_count(&cell.swap(value(5))), 2);
        cell.update(|_| ());
        assert_eq!(live(), [0, 0, 0, 0, 0, 1]);
        drop(cell);
        assert_eq!(live(), [0; 6]);
    }

    /// The first write after the last guard of a value that was set aside drops it, or `catch_up`.
    /// Until then it is the only one that is kept.
    pub(super) fn kept_values_are_dropped_once<S: Shared>(new: fn() -> S) {
        let all: Vec<_> = (0..9).map(|_| Arc::new(())).collect();
        let live = || {
            let live = |value| Arc::strong_count(value) > 1;
            let live = all.iter().enumerate().filter(|(_, value)| live(*value));
            live.map(|(n, _)| n).collect::<Vec<_>>()
        };
        let value = |n: usize| Arc::clone(&all[n]);
        let cell = AnyCell::with_strategy(value(0), new());
        let guard = cell.read();
        let twin = cell.read();
        for n in 1..4 {
            cell.store(value(n));
            assert_eq!(live(), [0, n]);
        }
        drop(guard);
        cell.store(value(4));
        cell.catch_up();
        assert_eq!(live(), [0, 4], "dropped under a guard");
        drop(twin);
        assert_eq!(live(), [0, 4], "a reader dropped a value");
        cell.store(value(5));
        assert_eq!(live(), [5]);
        // Two values are kept, either of which may go first, and a third is on the front.
        for first_goes in [true, false] {
            let first = cell.read();
            cell.store(value(6));
            let second = cell.read();
            cell.store(value(7));
            let front = cell.read();
            assert_eq!(live(), [5, 6, 7]);
            let kept = if first_goes {
                drop(first);
                second
            } else {
                drop(second);
                first
            };
            cell.catch_up();
            assert_eq!(live(), [if first_goes { 6 } else { 5 }, 7]);
            cell.store(value(8));
            drop(kept);
            cell.catch_up();
            assert_eq!(live(), [7, 8]);
            drop(front);
            cell.store(value(5));
            assert_eq!(live(), [5]);
        }
        // The cell drops a value that is kept for a forgotten guard.
        forget(cell.read());
        cell.store(value(6));
        forget(cell.read());
        cell.store(value(7));
        assert_eq!(live(), [5, 6, 7]);
        drop(cell);
        assert_eq!(live(), [0; 0]);
    }
}

/// The destructor of a replaced value runs with no lock held, even while a panic unwinds.
#[test]
fn values_are_dropped_unlocked() {
    struct Writes(Weak<ConcurrentCell<Option<Self>>>);
    impl Drop for Writes {
        fn drop(&mut self) {
            if let Some(cell) = self.0.upgrade() {
                cell.try_store(None).ok().expect("the lock was held");
            }
        }
    }
    impl Clone for Writes {
        fn clone(&self) -> Self {
            Self(Weak::clone(&self.0))
        }
    }

    let cell = Arc::new(ConcurrentCell::new(None));
    let writes = || Some(Writes(Arc::downgrade(&cell)));
    cell.store(writes());
    cell.store(writes()); // drops the first, which stores `None`, which drops the second ..
    assert!(cell.read().is_none());
    cell.store(writes());
    let unwinds = || {
        cell.update(|_| panic!("closure")); // drops the clone
    };
    assert_eq!(panics(unwinds), "closure");
    assert!(cell.read().is_none());
    cell.store(writes());
    let guard = cell.read();
    elsewhere(|| cell.store(None));
    drop(guard);
    cell.catch_up();
    assert!(cell.read().is_none());
}

/// A write calls the watchers' wakers. If one panics, the write was made.
#[test]
fn a_watchers_waker_may_panic() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("from a waker");
        }
    }

    let cell = AnyCell::with_strategy(Arc::new(0), Watched::new(EpochStrategy::new()));
    let first = cell.load();
    let mut waiter = cell.strategy().waiter();
    let waker = Waker::from(Arc::new(Panics));
    let polled = waiter.poll_changed(0, &mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    assert_eq!(panics(|| cell.store(Arc::new(1))), "from a waker");
    assert_eq!((**cell.read(), cell.version(), waiter.version()), (1, 1, 1));
    cell.store(Arc::new(2));
    assert_eq!(Arc::strong_count(&first), 1);
    assert_eq!(**cell.read(), 2);
}

static STATIC: ConcurrentCell<usize> = ConcurrentCell::new(0);
static COUNT: AnyCell<&str, CountStrategy> = AnyCell::with_strategy("a", CountStrategy::new());
static FLASH: AnyCell<&str, FlashStrategy> = AnyCell::with_strategy("a", FlashStrategy::new());
static LOCK: AnyCell<&str, LockStrategy> = AnyCell::with_strategy("a", LockStrategy::new());
static WATCHED: AnyCell<&str, Watched<DefaultStrategy>> =
    AnyCell::with_strategy("a", Watched::new(DefaultStrategy::new()));

/// Reads and writes in its destructor, and holds guards of two values until then.
struct Late {
    guards: RefCell<Vec<CellGuard<'static, usize>>>,
}

impl Drop for Late {
    fn drop(&mut self) {
        let mut guards = self.guards.take();
        if let Some(guard) = guards.pop() {
            assert!(*guard <= *STATIC.read());
            assert!(panics(|| STATIC.store(0)).contains("holds a guard"));
            drop(guard);
            STATIC.update(|_| ());
            drop(guards);
        }
        STATIC.update(|n| *n += 1);
    }
}

thread_local! {
    static LATE: Late = const { Late { guards: RefCell::new(Vec::new()) } };
}

/// Guards outlive their thread's slots, and ended threads keep nothing.
#[test]
fn a_static_cell_is_used_by_threads_that_end() {
    assert!(STATIC.load() < 1000);
    STATIC.store(0);
    let rounds = if cfg!(miri) { 3 } else { 100 };
    for round in 0..rounds {
        let (ready, go) = channel();
        let thread = thread::spawn(move || {
            // Register this destructor first, so that it runs last.
            LATE.with(|late| {
                if round % 2 == 0 {
                    for _ in 0..2 {
                        late.guards.borrow_mut().push(STATIC.read());
                        STATIC.update(|_| ());
                    }
                }
            });
            ready.send(()).unwrap();
        });
        go.recv().unwrap();
        thread.join().unwrap();
        assert_eq!(STATIC.load(), round + 1);
        assert_eq!(STATIC.stragglers(), 0);
    }
}

#[test]
fn every_strategy_makes_a_static_cell() {
    COUNT.store("b");
    FLASH.store("c");
    LOCK.store("d");
    WATCHED.store("e");
    let read = [COUNT.load(), FLASH.load(), LOCK.load(), WATCHED.load()];
    assert_eq!(read, ["b", "c", "d", "e"]);
}

/// A used strategy is refused: its front may be the empty side, or it may be claimed elsewhere.
#[test]
fn a_used_strategy_is_refused() {
    let claimed = CountStrategy::new();
    assert!(claimed.try_claim_writer().is_some()); // never released
    let swapped = CountStrategy::new();
    let mut token = swapped.try_claim_writer().unwrap();
    // SAFETY: this strategy's token (C1), finished (C2), and there is no data (C5).
    unsafe { swapped.start_swap(&mut token) };
    // SAFETY: this strategy's token (C1).
    unsafe { swapped.release_writer(token) };
    for strategy in [claimed, swapped] {
        let cell = AnyCell::with_strategy(Plain(1), strategy);
        assert!(panics(|| drop(cell.read())).contains("not fresh"));
        assert!(panics(|| cell.store(Plain(2))).contains("not fresh"));
        assert!(panics(|| assert_eq!(cell.stragglers(), 0)).contains("not fresh"));
        assert_eq!(cell.into_inner(), Plain(1));
    }
}

#[test]
fn common_traits_are_implemented() {
    let cell = ConcurrentCell::from(3);
    assert_eq!(
        format!("{cell:?} {:?} {}", cell.read(), cell.read()),
        "ConcurrentCell(3) 3 3"
    );
    assert_eq!(<ConcurrentCell<Vec<u8>>>::default().into_inner(), [0; 0]);
    assert_eq!(<ConcurrentCell<u8>>::from(7).into_inner(), 7);
    // The cell is consistent after a panic that was caught.
    assert!(catch_unwind(|| cell.update(|_| panic!("closure"))).is_err());
    // `Debug` shows the published value, even during a write.
    cell.update(|n| {
        *n = 4;
        assert_eq!(format!("{cell:?}"), "ConcurrentCell(3)");
    });
    assert_eq!(cell.load(), 4);
}

fn is_sync<T: Sync>() {}

fn is_send_and_sync<T: Send + Sync>() {}

#[test]
fn a_cell_is_shared_where_its_value_is() {
    trait Ambiguous<A> {
        fn is_not_sync() {}
    }
    impl<T: ?Sized> Ambiguous<()> for T {}
    struct Is;
    impl<T: ?Sized + Sync> Ambiguous<Is> for T {}

    is_send_and_sync::<ConcurrentCell<String>>();
    is_send_and_sync::<ConcurrentCell<String, FlashStrategy>>();
    // Each fails to compile, being ambiguous, if the type is `Sync`.
    <ConcurrentCell<Cell<u8>> as Ambiguous<_>>::is_not_sync();
    <ConcurrentCell<std::rc::Rc<u8>> as Ambiguous<_>>::is_not_sync();
    <ConcurrentCell<std::sync::MutexGuard<'static, ()>> as Ambiguous<_>>::is_not_sync();
    <CellGuard<'static, Cell<u8>> as Ambiguous<_>>::is_not_sync();
    is_sync::<CellGuard<'static, u8>>();
}

#[test]
fn an_update_that_need_not_wait_is_made() {
    let cell = ConcurrentCell::new(1);
    assert_eq!(cell.try_update(|n| std::mem::replace(n, 2)), Some(1));
    assert_eq!(cell.load(), 2);
}
