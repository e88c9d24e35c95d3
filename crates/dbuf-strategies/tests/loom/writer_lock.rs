//! Models of the writers' lock of the core: one holder at a time, and no waiter sleeps forever.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use dbuf_core::sync::Sleeper;
use dbuf_core::sync::atomic::{AtomicBool, Ordering};
use dbuf_core::writer_lock::{Finish, InTask, WriterLock};
use dbuf_core::{ArcReader, ArcWriter, arc};
use dbuf_strategies::{CountStrategy, EpochStrategy};
use loom::thread;

/// A value that no reader ever reads.
struct Plain(usize);

impl Finish for Plain {
    type Shared = ();

    fn try_finish(&mut self, (): &()) -> bool {
        true
    }

    fn poll_finish(&mut self, (): &(), _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

fn own() -> ! {
    unreachable!("no thread locks twice")
}

fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(preemptions));
    builder.check(model);
}

/// Runs a future on a thread of the model.
fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let sleeper = Arc::new(Sleeper::new());
    let waker = Waker::from(Arc::clone(&sleeper));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        sleeper.sleep(None);
    }
}

/// A lost update, or a holder that does not see the writes of the one before, is a race on the
/// value. A lost wake is a deadlock.
#[test]
fn threads_lock_one_after_the_other() {
    check(3, || {
        let lock = Arc::new(WriterLock::new(Plain(0)));
        let threads = [(); 2].map(|()| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || lock.lock_any(&(), own).0 += 1)
        });
        lock.lock_any(&(), own).0 += 1;
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(lock.lock_any(&(), own).0, 3);
        assert_eq!(lock.waiting(), 0);
    });
}

/// A thread and a task wait for a guard of a task. Another thread than the one that locked
/// drops the guard.
#[test]
fn threads_and_tasks_wait_for_one_lock() {
    check(2, || {
        let lock = Arc::new(WriterLock::new(Plain(0)));
        let other = Arc::clone(&lock);
        let task = thread::spawn(move || {
            run(other.lock_finished_async::<InTask>(&())).0 += 1;
        });
        let other = Arc::clone(&lock);
        let thread = thread::spawn(move || other.lock_finished(&(), own).0 += 1);
        run(lock.lock_finished_async::<InTask>(&())).0 += 1;
        task.join().unwrap();
        thread.join().unwrap();
        assert_eq!(lock.lock_any(&(), own).0, 3);
    });
}

/// A waker that never runs its task.
struct Never;

impl Wake for Never {
    fn wake(self: Arc<Self>) {}
}

/// Tasks that wait and are never polled again, or dropped, keep no thread asleep.
fn a_task_that_never_runs(dropped: bool) {
    check(3, move || {
        let lock = Arc::new(WriterLock::new(Plain(0)));
        let guard = lock.lock_any(&(), own);
        let waker = Waker::from(Arc::new(Never));
        let mut waits = Box::pin(lock.lock_finished_async::<InTask>(&()));
        let polled = waits.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        let other = Arc::clone(&lock);
        let thread = thread::spawn(move || other.lock_finished(&(), own).0 += 1);
        drop(guard);
        let waits = (!dropped).then_some(waits);
        lock.lock_finished(&(), own).0 += 1;
        thread.join().unwrap();
        assert_eq!(lock.lock_any(&(), own).0, 2);
        drop(waits);
    });
}

#[test]
fn a_task_that_is_never_polled_again_keeps_no_thread_asleep() {
    a_task_that_never_runs(false);
}

#[test]
fn a_task_that_is_dropped_keeps_no_thread_asleep() {
    a_task_that_never_runs(true);
}

/// A thread whose time is over may have been woken for the lock. Then it wakes the next.
#[test]
fn a_thread_that_gives_up_keeps_no_thread_asleep() {
    check(2, || {
        let lock = Arc::new(WriterLock::new(Plain(0)));
        let guard = lock.lock_any(&(), own);
        let other = Arc::clone(&lock);
        let gives_up = thread::spawn(move || {
            drop(other.lock_finished_timeout(&(), Duration::ZERO, own));
        });
        let other = Arc::clone(&lock);
        let waits = thread::spawn(move || other.lock_any(&(), own).0 += 1);
        drop(guard);
        gives_up.join().unwrap();
        waits.join().unwrap();
        assert_eq!(lock.lock_any(&(), own).0, 1);
        assert_eq!(lock.waiting(), 0);
    });
}

/// A writer whose swaps wait for readers.
struct Real<S: dbuf_core::Strategy>(ArcWriter<usize, S>);

impl<S: dbuf_core::BlockingStrategy> Finish for Real<S> {
    type Shared = ();

    fn try_finish(&mut self, (): &()) -> bool {
        self.0.try_finish()
    }

    fn poll_finish(&mut self, (): &(), cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_finish(cx)
    }
}

/// Two writers wait for a reader by the strategy's one waker. One of them may find that the
/// reader is gone before the waker is called. Both go on.
fn the_last_leave_wakes_all<S>(new: fn() -> S)
where
    S: dbuf_core::BlockingStrategy + 'static,
{
    check(2, move || {
        let (writer, reader): (_, ArcReader<usize, S>) = arc(0, 0, new());
        let lock = Arc::new(WriterLock::new(Real(writer)));
        let entered = Arc::new(AtomicBool::new(false));
        let guard = reader.read();
        let mut locked = lock.lock_finished(&(), own);
        assert!(locked.0.start_swap());
        drop(locked);
        let writers = [(); 2].map(|()| {
            let lock = Arc::clone(&lock);
            let entered = Arc::clone(&entered);
            thread::spawn(move || {
                let mut locked = lock.lock_finished(&(), own);
                *locked.0.back_mut() += 1;
                // Relaxed: loaded only at the end of the model.
                entered.store(true, Ordering::Relaxed);
            })
        });
        drop(guard);
        for writer in writers {
            writer.join().unwrap();
        }
        assert!(entered.load(Ordering::Relaxed));
        assert_eq!(*lock.lock_finished(&(), own).0.back_mut(), 2);
    });
}

#[test]
fn the_last_leave_wakes_all_writers_of_count() {
    the_last_leave_wakes_all(CountStrategy::new);
}

#[test]
fn the_last_leave_wakes_all_writers_of_epoch() {
    the_last_leave_wakes_all(EpochStrategy::new);
}

/// A thread with a guard gets the lock although a writer waits for that guard.
#[test]
fn a_waiting_writer_does_not_hold_the_lock() {
    check(3, || {
        let (writer, reader) = arc(0, 0, CountStrategy::new());
        let lock = Arc::new(WriterLock::new(Real(writer)));
        let guard = reader.read();
        let mut locked = lock.lock_finished(&(), own);
        assert!(locked.0.start_swap());
        drop(locked);
        let other = Arc::clone(&lock);
        let waits = thread::spawn(move || *lock.lock_finished(&(), own).0.back_mut() = 1);
        assert_eq!(other.lock_any(&(), own).0.stragglers(), 1);
        drop(guard);
        waits.join().unwrap();
    });
}
