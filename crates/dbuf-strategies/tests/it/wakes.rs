//! Which leaves wake a writer that waits for three readers, and whom a set of wakers wakes.
#![forbid(unsafe_code)]

use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use dbuf_core::waker_set::{
    Sleeps::{self, Task, Thread},
    WakerSet,
};
use dbuf_strategies::core::{Strategy, arc};
use dbuf_strategies::{
    CountStrategy, EpochStrategy, Fence, FlashStrategy, LocalStrategy, LockStrategy,
};

use crate::common::Count;

/// Returns which of three readers wakes a writer that polled once, if they leave in this order.
fn wakes<S: Strategy>(strategy: S, order: [usize; 3]) -> Vec<usize> {
    let (mut writer, first) = arc(0, 0, strategy);
    let readers = [first.clone(), first.clone(), first];
    let mut guards = readers.each_ref().map(|reader| Some(reader.read()));
    assert!(writer.start_swap());
    let (count, waker) = Count::waker();
    let mut cx = Context::from_waker(&waker);
    assert!(writer.poll_finish(&mut cx).is_pending());
    let wakes = |reader: &usize| {
        let before = count.wakes();
        drop(guards[*reader].take());
        count.wakes() > before
    };
    order.into_iter().filter(wakes).collect()
}

const ORDERS: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
];

/// Where guards are counted, only the last leave wakes.
#[test]
fn last_leave_alone_wakes_where_guards_are_counted() {
    for order in ORDERS {
        let last = vec![order[2]];
        assert_eq!(wakes(LockStrategy::new(), order), last);
        assert_eq!(wakes(CountStrategy::new(), order), last);
        assert_eq!(wakes(FlashStrategy::new(), order), last);
        assert_eq!(wakes(LocalStrategy::new(), order), last);
    }
}

/// Epoch asks one straggler, and only its leave wakes.
#[test]
fn straggler_that_was_asked_alone_wakes() {
    for fence in [Fence::Symmetric, Fence::Asymmetric] {
        let asked = wakes(EpochStrategy::with_fence(fence), ORDERS[0]);
        assert_eq!(asked.len(), 1);
        for order in ORDERS {
            assert_eq!(wakes(EpochStrategy::with_fence(fence), order), asked);
            assert_eq!(wakes(EpochStrategy::new(), order), asked);
        }
    }
}

/// The names of those that were woken, in their order.
type Woken = Arc<Mutex<Vec<&'static str>>>;

struct Named(&'static str, Woken);

impl Wake for Named {
    fn wake(self: Arc<Self>) {
        self.1.lock().unwrap().push(self.0);
    }
}

/// A set whose waiters have the numbers from 1 on.
fn set_of(waiters: &[(&'static str, Sleeps)]) -> (WakerSet, Woken) {
    let (set, woken) = (WakerSet::new(), Woken::default());
    for &(name, sleeps) in waiters {
        let waker = Waker::from(Arc::new(Named(name, Arc::clone(&woken))));
        set.join(set.number(), sleeps, waker);
    }
    (set, woken)
}

fn taken(woken: &Woken) -> Vec<&'static str> {
    std::mem::take(&mut woken.lock().unwrap())
}

#[test]
fn threads_are_woken_before_tasks() {
    let (set, woken) = set_of(&[("task", Task), ("thread", Thread), ("last", Task)]);
    set.wake_all();
    assert_eq!(taken(&woken), ["thread", "task", "last"]);
}

#[test]
fn a_wake_takes_waiters_up_to_the_first_thread() {
    let (set, woken) = set_of(&[("a", Task), ("b", Thread), ("c", Thread), ("d", Task)]);
    set.wake_next();
    assert_eq!(taken(&woken), ["b", "a"]);
    set.wake_next();
    assert_eq!(taken(&woken), ["c"]);
    set.wake_next();
    assert_eq!(taken(&woken), ["d"]);
}

#[test]
fn a_thread_is_woken_by_its_number() {
    let (set, woken) = set_of(&[("task", Task), ("thread", Thread)]);
    assert!(!set.wake_thread(1), "a task may never run");
    assert!(set.wake_thread(2));
    assert!(!set.wake_thread(2), "it is woken once");
    assert_eq!(taken(&woken), ["thread"]);
    assert!(set.leave(1) && !set.leave(2));
}
