//! Which waiters `Watched` notifies, and when.

use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use dbuf_strategies::core::{ArcWriter, Closed, DoubleBuffer, Reader, Strategy, Writer, arc, rc};
use dbuf_strategies::{
    CountStrategy, EpochStrategy, FlashStrategy, LocalStrategy, LockStrategy, Waiter, Watched,
};

use crate::common::{Count, on_wake, panicking_wake, unwinds};

fn poll(waiter: &mut Waiter, last_seen: u64) -> Poll<Result<u64, Closed>> {
    waiter.poll_changed(last_seen, &mut Context::from_waker(Waker::noop()))
}

/// Waits for a version after that one, with this waker.
#[track_caller]
fn waits(waiter: &mut Waiter, last_seen: u64, waker: &Waker) {
    let polled = waiter.poll_changed(last_seen, &mut Context::from_waker(waker));
    assert_eq!(polled, Poll::Pending, "a version after {last_seen}");
}

fn numbers_agree<S: Strategy>(strategy: S) {
    let (mut writer, reader) = rc(0, 0, Watched::new(strategy));
    let mut waiter = reader.strategy().waiter();
    for version in 0..5 {
        assert_eq!(writer.version(), version);
        assert_eq!(waiter.version(), version);
        assert_eq!(reader.version(), version);
        assert!(poll(&mut waiter, version).is_pending());
        assert!(writer.start_swap());
        assert_eq!(poll(&mut waiter, version), Poll::Ready(Ok(version + 1)));
    }
    drop(writer);
    assert_eq!(poll(&mut waiter, 4), Poll::Ready(Ok(5)));
    assert_eq!(poll(&mut waiter, 5), Poll::Ready(Err(Closed)));
    let mut writer = Writer::claim(reader.ptr().clone()).unwrap();
    assert!(poll(&mut waiter, 5).is_pending());
    assert!(writer.start_swap());
    assert_eq!(poll(&mut waiter, 5), Poll::Ready(Ok(6)));
    assert_eq!(writer.version(), 6);
}

#[test]
fn numbers_are_the_buffers() {
    numbers_agree(LocalStrategy::new());
    numbers_agree(CountStrategy::new());
    numbers_agree(LockStrategy::new());
    numbers_agree(EpochStrategy::new());
    numbers_agree(FlashStrategy::new());
    numbers_agree(Watched::new(EpochStrategy::new()));
}

#[test]
fn refused_swap_announces_nothing() {
    let (mut writer, reader) = rc(0, 0, Watched::new(LocalStrategy::new()));
    let mut waiter = reader.strategy().waiter();
    let guard = reader.read();
    assert!(!writer.try_swap());
    assert!(poll(&mut waiter, 0).is_pending());
    drop(guard);
    assert!(writer.try_swap());
    assert_eq!(poll(&mut waiter, 0), Poll::Ready(Ok(1)));
}

#[test]
fn thousand_waiters_wake_on_one_publish() {
    let (mut writer, reader) = arc(0, 0, Watched::new(EpochStrategy::new()));
    let (count, waker) = Count::waker();
    let mut cx = Context::from_waker(&waker);
    let mut waiters: Vec<_> = (0..1000).map(|_| reader.strategy().waiter()).collect();
    for waiter in &mut waiters {
        assert!(waiter.poll_changed(0, &mut cx).is_pending());
        // A second poll adds no second waker.
        assert!(waiter.poll_changed(0, &mut cx).is_pending());
    }
    // One waiter leaves, and another joins.
    waiters.pop();
    let mut late = reader.strategy().waiter();
    assert!(late.poll_changed(0, &mut cx).is_pending());
    writer.store(1);
    assert_eq!(count.wakes(), 1000);
    writer.store(2);
    assert_eq!(count.wakes(), 1000, "a publish wakes each waiter once");
    for waiter in &mut waiters {
        assert_eq!(waiter.poll_changed(0, &mut cx), Poll::Ready(Ok(2)));
    }
    drop((waiters, late, waker));
    assert_eq!(Arc::strong_count(&count), 1, "a waker was kept");
}

#[test]
fn newest_waker_replaces_the_others() {
    let (mut writer, reader) = arc(0, 0, Watched::new(EpochStrategy::new()));
    let mut waiter = reader.strategy().waiter();
    let ((first, first_waker), (second, second_waker)) = (Count::waker(), Count::waker());
    for waker in [&first_waker, &second_waker, &second_waker] {
        waits(&mut waiter, 0, waker);
    }
    drop(first_waker);
    assert_eq!(Arc::strong_count(&first), 1, "a replaced waker was kept");
    writer.store(1);
    assert_eq!((first.wakes(), second.wakes()), (0, 1));
}

/// A task is woken and polls late, when another one has its slot in the list.
fn comes_back_late(comes_back: impl FnOnce(&mut Waiter, &Waker)) -> (usize, usize) {
    let (mut writer, reader) = arc(0, 0, Watched::new(EpochStrategy::new()));
    let ((late, late_waker), (other, other_waker)) = (Count::waker(), Count::waker());
    let mut waiter = reader.strategy().waiter();
    let mut others = reader.strategy().waiter();
    waits(&mut waiter, 0, &late_waker);
    writer.store(1);
    assert_eq!(late.wakes(), 1);
    waits(&mut others, 1, &other_waker);
    comes_back(&mut waiter, &late_waker);
    writer.store(2);
    (late.wakes(), other.wakes())
}

#[test]
fn late_task_takes_no_slot_away() {
    assert_eq!(comes_back_late(|waiter, _| waiter.leave()), (1, 1));
    let waits_again = |waiter: &mut Waiter, waker: &Waker| waits(waiter, 1, waker);
    assert_eq!(comes_back_late(waits_again), (2, 1));
}

/// Publishes on a thread of its own, which a waker that is called under a lock would block.
fn publishes(mut writer: ArcWriter<i32, Watched<EpochStrategy>>, values: &'static [i32]) {
    let (done, finished) = mpsc::channel();
    let writes = thread::spawn(move || {
        for &value in values {
            writer.store(value);
        }
        done.send(()).unwrap();
    });
    finished
        .recv_timeout(Duration::from_secs(60))
        .expect("a waker was called under a lock");
    writes.join().unwrap();
}

/// The wake drops the task, as in an executor that was shut down.
#[test]
fn waker_may_drop_another_waiter() {
    let (writer, reader) = arc(0, 0, Watched::new(EpochStrategy::new()));
    let tasks = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..3 {
        let mut waiter = reader.strategy().waiter();
        let in_waker = Arc::clone(&tasks);
        let waker = on_wake(move || drop(in_waker.lock().unwrap().pop()));
        waits(&mut waiter, 0, &waker);
        tasks.lock().unwrap().push(waiter);
    }
    publishes(writer, &[1]);
    assert!(tasks.lock().unwrap().is_empty());
}

/// The wake polls, as in an executor that runs tasks in the waker.
#[test]
fn waker_may_wait_again() {
    let (writer, reader) = arc(0, 0, Watched::new(EpochStrategy::new()));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let waiter = Arc::new(Mutex::new(reader.strategy().waiter()));
    let waker = {
        let (waiter, seen) = (Arc::clone(&waiter), Arc::clone(&seen));
        on_wake(move || {
            let mut waiter = waiter.lock().unwrap();
            let version = match poll(&mut waiter, 0) {
                Poll::Ready(Ok(version)) => version,
                other => panic!("woken for {other:?}"),
            };
            assert!(poll(&mut waiter, version).is_pending());
            seen.lock().unwrap().push(version);
        })
    };
    waits(&mut waiter.lock().unwrap(), 0, &waker);
    publishes(writer, &[1, 2]);
    assert_eq!(*seen.lock().unwrap(), [1]);
}

#[test]
fn waker_that_panics_keeps_no_wake_from_the_others() {
    let (mut writer, reader) = arc(0, 0, Watched::new(EpochStrategy::new()));
    let ((count, counts), panics) = (Count::waker(), panicking_wake());
    let mut waiters: Vec<_> = (0..5).map(|_| reader.strategy().waiter()).collect();
    for (at, waiter) in waiters.iter_mut().enumerate() {
        waits(waiter, 0, if at % 2 == 0 { &panics } else { &counts });
    }
    assert!(unwinds(|| _ = writer.start_swap()));
    assert_eq!(count.wakes(), 2);
    // The swap was started once, and the buffer works.
    assert_eq!((writer.version(), reader.version()), (1, 1));
    for waiter in &mut waiters {
        assert_eq!(poll(waiter, 0), Poll::Ready(Ok(1)));
        waits(waiter, 1, &counts);
    }
    writer.store(2);
    assert_eq!(count.wakes(), 7);
}

/// The buffer is dropped while a task waits, and its writer was forgotten.
#[test]
fn buffer_that_is_dropped_closes() {
    let buffer = Arc::new(DoubleBuffer::new(0, 0, Watched::new(EpochStrategy::new())));
    let mut waiter = buffer.strategy().waiter();
    let mut writer = Writer::claim(&*buffer).unwrap();
    writer.store(1);
    std::mem::forget(writer);
    let (count, waker) = Count::waker();
    waits(&mut waiter, 1, &waker);
    drop(buffer);
    assert_eq!(count.wakes(), 1);
    assert_eq!(poll(&mut waiter, 1), Poll::Ready(Err(Closed)));
    assert_eq!(
        poll(&mut waiter, 0),
        Poll::Ready(Err(Closed)),
        "a version is reported that cannot be read"
    );
}

#[test]
fn buffer_in_a_static_can_be_watched() {
    static LEVEL: DoubleBuffer<u32, Watched<EpochStrategy>> =
        DoubleBuffer::new(1, 1, Watched::new(EpochStrategy::new()));
    let reader = Reader::new(&LEVEL);
    assert!(reader.is_closed());
    let mut waiter = LEVEL.strategy().waiter();
    assert_eq!(poll(&mut waiter, 0), Poll::Ready(Err(Closed)));
    let mut writer = Writer::claim(&LEVEL).unwrap();
    writer.store(2);
    assert_eq!(poll(&mut waiter, 0), Poll::Ready(Ok(1)));
    assert_eq!(*reader.read(), 2);
}

/// If the inner strategy is already claimed, the claim is refused, and the word stays closed.
#[test]
fn inner_strategy_that_is_taken_refuses_the_claim() {
    let inner = LockStrategy::new();
    let _elsewhere = inner.try_claim_writer().unwrap();
    let buffer = DoubleBuffer::new(0, 0, Watched::new(inner));
    assert!(Writer::claim(&buffer).is_err());
    assert!(!buffer.strategy().is_writer_claimed());
}

/// `Watched` is `Send` and `Sync` as the inner strategy is; a waiter always is both.
#[test]
fn watched_is_as_shareable_as_what_it_wraps() {
    fn is_shareable<T: Send + Sync>() {}
    is_shareable::<Watched<EpochStrategy>>();
    is_shareable::<Watched<CountStrategy>>();
    is_shareable::<Waiter>();
}
