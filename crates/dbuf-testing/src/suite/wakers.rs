//! Wakers of a writer that waits.

use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use core::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Wake;
use std::thread;

use dbuf_core::{Writer, split};

use super::harness::SuitePtr;

/// A waker that counts its wakes.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn waker() -> (Arc<Self>, Waker) {
        let count = Arc::new(Self::default());
        (Arc::clone(&count), Waker::from(count))
    }

    pub(crate) fn wakes(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn poll<P: SuitePtr>(writer: &mut Writer<P>, waker: &Waker) -> Poll<()> {
    writer.poll_finish(&mut Context::from_waker(waker))
}

/// S6: the last leave wakes a waiting writer once; a leave without a waiting writer wakes none.
pub fn waker_is_called_by_the_last_leave<P: SuitePtr>(new: impl Fn() -> P) {
    let (mut writer, reader) = split(new()).unwrap();
    let (count, waker) = Count::waker();
    drop(reader.read());
    let guard = reader.read();
    let nested = reader.read();
    assert!(writer.start_swap());
    drop(reader.read());
    assert_eq!(count.wakes(), 0);
    assert_eq!(poll(&mut writer, &waker), Poll::Pending);
    drop(reader.read());
    drop(guard);
    assert_eq!(count.wakes(), 0, "a guard still holds the back");
    drop(nested);
    assert_eq!(count.wakes(), 1);
    assert_eq!(poll(&mut writer, &waker), Poll::Ready(()));
    drop(reader.read());
    assert_eq!(count.wakes(), 1);
}

/// The orders in which three guards are dropped.
const ORDERS: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
];

/// S6: three readers that leave in any order wake once for each poll, at the latest with the last
/// leave. A task that polls whenever it is woken sees the swap finish.
pub fn poll_is_answered_by_one_leave_of_three<P: SuitePtr>(new: impl Fn() -> P) {
    for order in ORDERS {
        for polls_again in [false, true] {
            let (mut writer, first) = split(new()).unwrap();
            let readers = [first.clone(), first.clone(), first];
            let mut guards = readers.each_ref().map(|reader| Some(reader.read()));
            assert!(writer.start_swap());
            let (count, waker) = Count::waker();
            assert_eq!(poll(&mut writer, &waker), Poll::Pending);
            let mut polls = 1;
            for (leaves, guard) in order.into_iter().enumerate() {
                drop(guards[guard].take());
                assert!(count.wakes() <= polls, "one poll was answered twice");
                if polls_again && count.wakes() == polls {
                    let finished = poll(&mut writer, &waker).is_ready();
                    assert_eq!(finished, leaves == 2);
                    polls += usize::from(!finished);
                }
            }
            assert_eq!(count.wakes(), polls, "no leave woke the writer");
            assert!(writer.try_finish());
        }
    }
}

/// S6: a poll with another waker replaces the first one.
pub fn newest_waker_replaces_the_others<P: SuitePtr>(new: impl Fn() -> P) {
    let (mut writer, reader) = split(new()).unwrap();
    let (first, first_waker) = Count::waker();
    let (second, second_waker) = Count::waker();
    let guard = reader.read();
    assert!(writer.start_swap());
    assert_eq!(poll(&mut writer, &first_waker), Poll::Pending);
    assert_eq!(poll(&mut writer, &second_waker), Poll::Pending);
    assert_eq!(poll(&mut writer, &second_waker), Poll::Pending);
    drop(guard);
    assert_eq!((first.wakes(), second.wakes()), (0, 1));
    assert_eq!(poll(&mut writer, &second_waker), Poll::Ready(()));
    drop((first_waker, second_waker));
    assert_eq!(Arc::strong_count(&first), 1, "a replaced waker is dropped");
}

/// A waker of which one step panics.
struct Panicking {
    clone: bool,
    wake: bool,
}

fn panicking(steps: &'static Panicking) -> Waker {
    const VTABLE: RawWakerVTable = RawWakerVTable::new(
        |data| {
            // SAFETY: `data` is the reference below.
            let steps = unsafe { &*data.cast::<Panicking>() };
            assert!(!steps.clone, "clone panics");
            RawWaker::new(data, &VTABLE)
        },
        |data| {
            // SAFETY: `data` is the reference below.
            let steps = unsafe { &*data.cast::<Panicking>() };
            // A test that fails drops its guards: no second panic.
            assert!(!steps.wake || thread::panicking(), "wake panics");
        },
        |_| {},
        |_| {},
    );
    let data = core::ptr::from_ref(steps).cast();
    // SAFETY: the table's functions only read a static; they are thread-safe.
    unsafe { Waker::from_raw(RawWaker::new(data, &VTABLE)) }
}

/// A poll panics, and the next calls return no `&mut` to the guarded side.
pub fn waker_that_panics_when_cloned_changes_nothing<P: SuitePtr>(new: impl Fn() -> P) {
    static STEPS: Panicking = Panicking {
        clone: true,
        wake: false,
    };
    let (mut writer, reader) = split(new()).unwrap();
    let guard = reader.read();
    writer.try_back_mut().unwrap().set(1);
    assert!(writer.start_swap());
    let waker = panicking(&STEPS);
    let unwound = catch_unwind(AssertUnwindSafe(|| poll(&mut writer, &waker)));
    assert!(unwound.is_err());
    assert!(writer.is_swapping());
    assert!(writer.try_back_mut().is_none());
    assert_eq!(guard.get(), 0);
    drop(guard);
    writer.try_back_mut().unwrap().set(2);
}

/// Returns a waker that panics when it is woken.
pub(crate) fn panicking_wake() -> Waker {
    static STEPS: Panicking = Panicking {
        clone: false,
        wake: true,
    };
    panicking(&STEPS)
}

/// S7: if the waker panics in a leave, the guard is released.
pub fn waker_that_panics_leaves_the_guard_released<P: SuitePtr>(new: impl Fn() -> P) {
    let (mut writer, reader) = split(new()).unwrap();
    let guard = reader.read();
    assert!(writer.start_swap());
    assert_eq!(poll(&mut writer, &panicking_wake()), Poll::Pending);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(guard))).is_err());
    assert!(writer.try_finish());
    // The reader still works, and its guards are counted correctly.
    let guard = reader.read();
    assert!(writer.start_swap());
    assert!(!writer.try_finish());
    drop(guard);
    assert!(writer.try_finish());
}

/// After a cancelled wait, no call returns the guarded back.
pub fn cancelled_wait_gives_no_back<P: SuitePtr>(new: impl Fn() -> P) {
    let ptr = new();
    let (mut writer, reader) = split(ptr.clone()).unwrap();
    let guard = reader.read();
    assert!(writer.start_swap());
    let (count, waker) = Count::waker();
    assert_eq!(poll(&mut writer, &waker), Poll::Pending);
    drop(waker);
    assert!(writer.try_back_mut().is_none());
    assert!(!writer.start_swap());
    drop(writer);
    let mut writer = Writer::claim(ptr).unwrap();
    assert!(writer.try_back_mut().is_none());
    assert_eq!(guard.get(), 0);
    drop(guard);
    assert!(count.wakes() <= 1);
    assert!(writer.try_back_mut().is_some());
}
