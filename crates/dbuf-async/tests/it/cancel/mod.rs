//! Futures that are dropped after any poll are compared with a model; their wakes are counted.

mod agree;
mod model;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};

use crate::common::{Count, counted, poll, poll_and_cancel};
use dbuf_async::core::{DoubleBuffer, OpWriter, Operation, Strategy, Writer, arc, rc, split};
use dbuf_async::strategies::{
    CountStrategy, EpochStrategy, FlashStrategy, LocalStrategy, LockStrategy, Watched,
};
use dbuf_async::{Watcher, WriterAsyncExt};

/// The operation appends a number.
struct Push(u32);

impl Operation<Vec<u32>> for Push {
    fn apply(&mut self, list: &mut Vec<u32>, _: &()) {
        list.push(self.0);
    }
}

/// Makes one test of a generic function, with every strategy.
macro_rules! pinned {
    ($($name:ident => $body:ident;)+) => {
        $(
            #[test]
            fn $name() {
                $body(LocalStrategy::new);
                $body(CountStrategy::new);
                $body(EpochStrategy::new);
                $body(FlashStrategy::new);
                $body(LockStrategy::new);
                $body(|| Watched::new(EpochStrategy::new()));
            }
        )+
    };
}

pinned! {
    bug_09_leave_before_the_first_poll_is_not_lost => leave_before_the_first_poll;
    bug_10_spurious_polls_and_other_wakers_end_no_wait => spurious_polls;
    bug_11_cancelled_swap_is_finished_by_the_next_call => cancelled_swap;
    waits_are_woken_once_and_not_polled_in_between => polls_are_counted;
    forgotten_futures_lose_nothing => forgotten_futures;
    waker_that_panics_leaves_the_swap_started => panicking_waker;
}

/// Checks that `future` is woken once, by `leave` and not by `reads`, and is ready at its second
/// poll.
fn is_polled_twice<F: Future>(future: F, reads: impl Fn(), leave: impl FnOnce()) -> F::Output {
    let polls = AtomicUsize::new(0);
    let (count, waker) = Count::waker();
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(counted(future, &polls));
    assert!(future.as_mut().poll(&mut cx).is_pending());
    (0..100).for_each(|_| reads());
    assert_eq!(count.wakes(), 0, "a read woke the task");
    leave();
    assert_eq!(count.wakes(), 1);
    let Poll::Ready(output) = future.as_mut().poll(&mut cx) else {
        panic!("the woken future is not ready");
    };
    assert_eq!((count.wakes(), polls.load(SeqCst)), (1, 2));
    output
}

/// The last guard is dropped after the swap is started and before the future is polled.
fn leave_before_the_first_poll<S: Strategy>(new: impl Fn() -> S) {
    let (mut writer, reader) = rc(1, 2, new());
    let guard = reader.read();
    assert!(writer.start_swap());
    let mut finishes = writer.finish_async();
    drop(guard);
    assert!(poll(&mut finishes).is_ready());
}

fn spurious_polls<S: Strategy>(new: impl Fn() -> S) {
    let (mut writer, reader) = rc(1, 2, new());
    let guard = reader.read();
    let mut swaps = writer.swap_async();
    let (first, first_waker) = Count::waker();
    let (second, second_waker) = Count::waker();
    for waker in [&first_waker, &first_waker, &second_waker, &second_waker] {
        let mut cx = Context::from_waker(waker);
        assert!(Pin::new(&mut swaps).poll(&mut cx).is_pending());
    }
    drop(guard);
    assert_eq!((first.wakes(), second.wakes()), (0, 1));
    assert!(poll(&mut swaps).is_ready());
    assert_eq!(*reader.read(), 2);
}

fn cancelled_swap<S: Strategy>(new: impl Fn() -> S) {
    let (mut writer, reader) = rc(1, 2, new());
    let guard = reader.read();
    assert_eq!(poll_and_cancel(writer.swap_async(), 1), None);
    // The swap is started: readers see the new front, and the back is guarded.
    assert_eq!((*guard, *reader.read(), writer.version()), (1, 2, 1));
    assert!(writer.try_back_mut().is_none());
    // The next swap waits for this one. Cancelled while it waits, it changes nothing.
    assert_eq!(poll_and_cancel(writer.swap_async(), 3), None);
    assert_eq!((*reader.read(), writer.version()), (2, 1));
    drop(guard);
    *writer
        .try_back_mut()
        .expect("a call that does not wait finishes the swap") = 3;
    assert_eq!(poll_and_cancel(writer.swap_async(), 1), Some(()));
    assert_eq!(*reader.read(), 3);
}

fn polls_are_counted<S: Strategy>(new: impl Fn() -> S) {
    let (writer, reader) = rc(0, 0, new());
    let mut writer = OpWriter::new(writer);
    let add = |n: &mut u32, _: &()| *n += 1;
    poll_and_cancel(writer.write_async(), 1).unwrap().apply(add);
    let other = reader.clone();
    let reads = || drop(other.read());
    let guard = reader.read();
    // The next publish has a straggler.
    poll_and_cancel(writer.write_async(), 1).unwrap().apply(add);
    let batch = is_polled_twice(writer.write_async(), reads, || drop(guard));
    assert_eq!(*batch, 2);
    drop(batch);
    let mut writer = writer.into_writer();
    let guard = reader.read();
    is_polled_twice(writer.swap_async(), reads, || drop(guard));
    let guard = reader.read();
    assert!(writer.start_swap());
    is_polled_twice(writer.finish_async(), reads, || drop(guard));
}

fn forgotten_futures<S: Strategy>(new: impl Fn() -> S) {
    let buffer = Rc::new(DoubleBuffer::new(1, 2, new()));
    let (mut writer, reader) = split(Rc::clone(&buffer)).unwrap();
    let guard = reader.read();
    let mut swaps = Box::new(writer.swap_async());
    assert!(poll(&mut swaps).is_pending());
    std::mem::forget(swaps);
    assert!(writer.try_back_mut().is_none());
    drop(writer);
    // The next writer finds the unfinished swap.
    let mut writer = Writer::claim(buffer).unwrap();
    let mut finishes = writer.finish_async();
    assert!(poll(&mut finishes).is_pending());
    drop(guard);
    assert!(poll(&mut finishes).is_ready());
    assert_eq!(writer.try_back_mut(), Some(&mut 1));
}

struct Panics;

impl std::task::Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("the waker panics");
    }
}

/// The waker panics in the leave that wakes it: the guard is released, and the wait is over.
fn panicking_waker<S: Strategy>(new: impl Fn() -> S) {
    let (mut writer, reader) = rc(1, 2, new());
    let guard = reader.read();
    let mut swaps = writer.swap_async();
    let waker = Arc::new(Panics).into();
    let mut cx = Context::from_waker(&waker);
    assert!(Pin::new(&mut swaps).poll(&mut cx).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(guard))).is_err());
    assert!(poll(&mut swaps).is_ready());
    assert_eq!((*reader.read(), writer.version()), (2, 1));
}

/// A watcher's waker panics in the publish: the swap is started once.
#[test]
fn publish_that_panics_in_a_waker_is_not_made_twice() {
    let (mut writer, reader) = arc(1, 2, Watched::new(EpochStrategy::new()));
    let mut watcher = Watcher::new(reader.clone());
    let mut changed = watcher.changed();
    let waker = Arc::new(Panics).into();
    assert!(
        Pin::new(&mut changed)
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    let mut swaps = writer.swap_async();
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut swaps))).is_err());
    assert!(poll(&mut swaps).is_ready());
    assert_eq!((*reader.read(), writer.version()), (2, 1));
    assert_eq!(poll(&mut changed), Poll::Ready(Ok(1)));
}

/// Blocking and awaiting calls alternate on one writer.
#[test]
fn blocking_and_awaiting_alternate() {
    let (mut writer, reader) = arc(0, 0, EpochStrategy::new());
    for round in 1..=50 {
        let guard = reader.read();
        writer.store(2 * round);
        assert_eq!(poll_and_cancel(writer.finish_async(), 2), None);
        drop(guard);
        *writer.back_mut() = 2 * round + 1;
        pollster::block_on(writer.swap_async());
        assert_eq!(*reader.read(), 2 * round + 1);
    }
}

#[test]
#[should_panic(expected = "must not be polled again")]
fn write_polled_after_it_was_ready_panics() {
    let (writer, _reader) = rc(vec![], vec![], LocalStrategy::new());
    let mut writer: OpWriter<_, Push> = OpWriter::new(writer);
    let mut writes = writer.write_async();
    assert!(matches!(poll(&mut writes), Poll::Ready(batch) if batch.is_empty()));
    let _ = poll(&mut writes);
}
