//! Futures that are dropped after any poll are compared with a model; their wakes are counted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};

use crate::common::{Count, counted, poll, poll_and_cancel, yield_now};
use dbuf_async::core::{
    Batch, DoubleBuffer, OpWriter, ReadGuard, Reader, Strategy, Writer, arc, rc, split,
};
use dbuf_async::strategies::{
    CountStrategy, EpochStrategy, FlashStrategy, LocalStrategy, LockStrategy, Watched,
};
use dbuf_async::{Watcher, WriterAsyncExt};
use proptest::prelude::*;

type Buffer<T, S> = DoubleBuffer<T, Watched<S>>;
type Log<S> = OpWriter<Rc<Buffer<Vec<u32>, S>>, Push>;
type Guard<T, S> = ReadGuard<'static, Rc<Buffer<T, S>>>;

/// The operation appends a number.
struct Push(u32);

impl dbuf_async::core::Operation<Vec<u32>> for Push {
    fn apply(&mut self, list: &mut Vec<u32>, _: &()) {
        list.push(self.0);
    }
}

/// Guards, each of its own reader, with the value that each must keep.
struct Guards<T: 'static, S: Strategy + 'static> {
    reader: Reader<Rc<Buffer<T, S>>>,
    live: Vec<(Guard<T, S>, T)>,
}

impl<T: Clone + PartialEq + std::fmt::Debug, S: Strategy> Guards<T, S> {
    fn take(&mut self) {
        let reader: &'static Reader<_> = Box::leak(Box::new(self.reader.clone()));
        let guard = reader.read();
        let shown = guard.clone();
        self.live.push((guard, shown));
    }

    fn release(&mut self, pick: usize) {
        if !self.live.is_empty() {
            drop(self.live.swap_remove(pick % self.live.len()));
        }
    }

    fn check(&self) {
        for (guard, shown) in &self.live {
            assert_eq!(**guard, *shown, "a guarded side was written");
        }
    }

    /// Returns whether a guard holds the back.
    fn hold_the_back(&self, version: u64) -> bool {
        self.live
            .iter()
            .any(|(guard, _)| ReadGuard::version(guard) < version)
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Take,
    Release(usize),
    /// Holds a batch across an await, for at most `polls` polls.
    Write {
        polls: usize,
        end: u8,
    },
    Transact {
        polls: usize,
        fails: bool,
    },
    /// Calls the method that does not wait.
    WithoutWaiting,
    Watch {
        polls: usize,
    },
    Reclaim,
    Swap {
        polls: usize,
    },
    Finish {
        polls: usize,
    },
}

fn step() -> impl Strategies {
    prop_oneof![
        3 => Just(Step::Take),
        4 => any::<usize>().prop_map(Step::Release),
        4 => (0..4_usize, 0..4_u8).prop_map(|(polls, end)| Step::Write { polls, end }),
        4 => (0..4_usize, any::<bool>()).prop_map(|(polls, fails)| Step::Transact { polls, fails }),
        1 => Just(Step::WithoutWaiting),
        2 => (0..3_usize).prop_map(|polls| Step::Watch { polls }),
        1 => Just(Step::Reclaim),
        4 => (0..4_usize).prop_map(|polls| Step::Swap { polls }),
        2 => (0..3_usize).prop_map(|polls| Step::Finish { polls }),
    ]
}

use proptest::strategy::Strategy as Strategies_;
trait Strategies: Strategies_<Value = Step> {}
impl<G: Strategies_<Value = Step>> Strategies for G {}

/// The expected state of a log.
#[derive(Default)]
struct Model {
    published: Vec<u32>,
    pending: Vec<u32>,
    version: u64,
}

impl Model {
    fn publish(&mut self) {
        if !self.pending.is_empty() {
            self.published.append(&mut self.pending);
            self.version += 1;
        }
    }
}

fn log_agrees_with_the_model<S: Strategy + 'static>(strategy: S, steps: &[Step]) {
    let (writer, reader) = rc(vec![], vec![], Watched::new(strategy));
    let mut writer: Log<S> = OpWriter::new(writer);
    let mut watcher = Watcher::new(reader.clone());
    let mut guards = Guards {
        reader,
        live: vec![],
    };
    let mut model = Model::default();
    for (at, &step) in steps.iter().enumerate() {
        let (first, second) = (2 * at as u32, 2 * at as u32 + 1);
        let is_held = guards.hold_the_back(model.version);
        match step {
            Step::Take => guards.take(),
            Step::Release(pick) => guards.release(pick),
            Step::Write { polls, end } => {
                let writes = async {
                    let mut batch = writer.write_async().await;
                    batch.apply(Push(first));
                    yield_now().await;
                    batch.apply(Push(second));
                    match end {
                        0 => drop(batch),
                        1 => {
                            batch.publish();
                        }
                        2 => {
                            batch.defer();
                        }
                        _ => {
                            batch.rollback();
                        }
                    }
                };
                let ended = poll_and_cancel(writes, polls).is_some();
                assert_eq!(ended, !is_held && polls >= 2);
                if ended {
                    model.pending.extend([first, second]);
                    match end {
                        0 | 1 => model.publish(),
                        2 => {}
                        _ => model.pending.clear(),
                    }
                } else if !is_held && polls == 1 {
                    // The cancelled task drops half a batch, which publishes it.
                    model.pending.push(first);
                    model.publish();
                }
            }
            Step::Transact { polls, fails } => {
                let transacts = writer.transact_async(async |batch: &mut Batch<_>| {
                    batch.apply(Push(first));
                    yield_now().await;
                    batch.apply(Push(second));
                    if fails { Err(at) } else { Ok(at) }
                });
                let expected = if fails { Err(at) } else { Ok(at) };
                let ended = poll_and_cancel(transacts, polls);
                assert_eq!(ended, (!is_held && polls >= 2).then_some(expected));
                if ended == Some(Ok(at)) {
                    model.pending.extend([first, second]);
                    model.publish();
                } else if !is_held && polls > 0 {
                    model.pending.clear();
                }
            }
            Step::WithoutWaiting => {
                if let Some(mut batch) = writer.try_write() {
                    assert!(!is_held);
                    batch.apply(Push(first));
                    drop(batch);
                    model.pending.push(first);
                    model.publish();
                } else {
                    assert!(is_held);
                }
            }
            Step::Watch { polls } => {
                let last_seen = watcher.last_seen();
                let changed = poll_and_cancel(watcher.changed(), polls);
                let newer = polls > 0 && model.version > last_seen;
                assert_eq!(changed, newer.then_some(Ok(model.version)));
                assert_eq!(
                    watcher.last_seen(),
                    if newer { model.version } else { last_seen }
                );
            }
            Step::Reclaim => {
                let ptr = writer.as_writer().ptr().clone();
                drop(writer);
                writer = OpWriter::new(Writer::claim(ptr).unwrap());
                model.pending.clear();
            }
            Step::Swap { .. } | Step::Finish { .. } => {}
        }
        guards.check();
        assert_eq!(*guards.reader.read(), model.published);
        assert_eq!(writer.as_writer().version(), model.version);
        assert_eq!(writer.has_pending(), !model.pending.is_empty());
    }
    guards.live.clear();
    let batch = writer.try_write().expect("no guard is live");
    let all = [model.published, model.pending].concat();
    assert_eq!(*batch, all, "a change was lost");
    batch.publish();
    assert_eq!(*guards.reader.read(), all);
}

fn cells_agree_with_the_model<S: Strategy + 'static>(strategy: S, steps: &[Step]) {
    let (mut writer, reader) = rc(0, 0, Watched::new(strategy));
    let mut guards = Guards {
        reader,
        live: vec![],
    };
    let (mut front, mut back, mut version) = (0, 0, 0);
    for (at, &step) in steps.iter().enumerate() {
        let is_held = guards.hold_the_back(version);
        match step {
            Step::Take => guards.take(),
            Step::Release(pick) => guards.release(pick),
            Step::Swap { polls } => {
                let ready = poll_and_cancel(writer.swap_async(), polls).is_some();
                if polls > 0 && !is_held {
                    std::mem::swap(&mut front, &mut back);
                    version += 1;
                }
                assert_eq!(ready, polls > 0 && !guards.hold_the_back(version));
            }
            Step::Finish { polls } => {
                let ready = poll_and_cancel(writer.finish_async(), polls).is_some();
                assert_eq!(ready, polls > 0 && !is_held);
            }
            Step::Reclaim => {
                let ptr = writer.ptr().clone();
                drop(writer);
                writer = Writer::claim(ptr).unwrap();
            }
            Step::WithoutWaiting => {
                assert_eq!(writer.start_swap(), !is_held);
                if !is_held {
                    std::mem::swap(&mut front, &mut back);
                    version += 1;
                }
            }
            Step::Write { .. } | Step::Transact { .. } | Step::Watch { .. } => {
                match writer.try_back_mut() {
                    Some(value) => {
                        assert!(!is_held, "the back was given away under a guard");
                        assert_eq!(*value, back);
                        *value = at;
                        back = at;
                    }
                    None => assert!(is_held),
                }
            }
        }
        guards.check();
        assert_eq!((*writer.front(), writer.version()), (front, version));
        assert_eq!(*guards.reader.read(), front);
    }
}

fn every_strategy(steps: &[Step]) {
    macro_rules! with {
        ($($strategy:ident),+) => {
            $(
                log_agrees_with_the_model($strategy::new(), steps);
                cells_agree_with_the_model($strategy::new(), steps);
            )+
        };
    }
    with!(
        LocalStrategy,
        CountStrategy,
        LockStrategy,
        EpochStrategy,
        FlashStrategy
    );
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 1 } else { 400 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn futures_dropped_after_any_poll_lose_nothing(
        steps in prop::collection::vec(step(), 1..if cfg!(miri) { 20 } else { 60 })
    ) {
        every_strategy(&steps);
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

/// WithoutWaiting and awaiting calls alternate on one writer.
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
