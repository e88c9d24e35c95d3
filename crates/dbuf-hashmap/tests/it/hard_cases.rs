//! The hardest cases of the concurrent map: a lost wake, and a removal that is pending.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use dbuf_hashmap::strategies::LockStrategy;
use dbuf_hashmap::strategies::core::Side;
use dbuf_hashmap::{BlockingStrategy, Builder, PublishPolicy, Strategy};

/// A [`LockStrategy`] that wakes as Flash and Count do, with a gate in the middle: the guard is
/// released, then a second writer registers, sees that and removes its waker, and then the
/// guard's drop takes a waker.
#[derive(Clone)]
struct Gated(Arc<Gates>);

struct Gates {
    inner: LockStrategy,
    waker: Mutex<Option<Waker>>,
    polls: AtomicUsize,
    armed: AtomicBool,
    gone: Barrier,
    taken: Barrier,
}

// SAFETY: everything but waking is `LockStrategy`'s. S6: a waker that is registered before a
// guard is released is taken by that guard, unless a later poll replaced it and saw that
// the swap is finished.
unsafe impl Strategy for Gated {
    type WriterToken = <LockStrategy as Strategy>::WriterToken;
    type ReaderToken = <LockStrategy as Strategy>::ReaderToken;
    type GuardToken = <LockStrategy as Strategy>::GuardToken;

    fn try_claim_writer(&self) -> Option<Self::WriterToken> {
        self.0.inner.try_claim_writer()
    }
    unsafe fn release_writer(&self, writer: Self::WriterToken) {
        // SAFETY: the caller's promise.
        unsafe { self.0.inner.release_writer(writer) }
    }
    fn is_writer_claimed(&self) -> bool {
        self.0.inner.is_writer_claimed()
    }
    fn new_reader(&self) -> Self::ReaderToken {
        self.0.inner.new_reader()
    }
    unsafe fn acquire(&self, reader: &Self::ReaderToken) -> Self::GuardToken {
        // SAFETY: the caller's promise.
        unsafe { self.0.inner.acquire(reader) }
    }
    fn side(guard: &Self::GuardToken) -> Side {
        LockStrategy::side(guard)
    }
    unsafe fn release(&self, reader: &Self::ReaderToken, guard: Self::GuardToken) {
        // SAFETY: the caller's promise.
        unsafe { self.0.inner.release(reader, guard) };
        if self.0.armed.swap(false, SeqCst) {
            self.0.gone.wait();
            self.0.taken.wait();
        }
        let waker = self.0.waker.lock().unwrap().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
    fn front(&self) -> Side {
        self.0.inner.front()
    }
    unsafe fn start_swap(&self, writer: &mut Self::WriterToken) {
        // SAFETY: the caller's promise.
        unsafe { self.0.inner.start_swap(writer) }
    }
    unsafe fn is_finished(&self, writer: &Self::WriterToken) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.0.inner.is_finished(writer) }
    }
    unsafe fn try_finish(&self, writer: &mut Self::WriterToken) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.0.inner.try_finish(writer) }
    }
    unsafe fn poll_finish(&self, writer: &mut Self::WriterToken, cx: &mut Context<'_>) -> Poll<()> {
        *self.0.waker.lock().unwrap() = Some(cx.waker().clone());
        let second = self.0.polls.fetch_add(1, SeqCst) == 1;
        if second {
            self.0.gone.wait();
        }
        // SAFETY: the caller's promise.
        let finished = unsafe { self.0.inner.try_finish(writer) };
        if finished {
            drop(self.0.waker.lock().unwrap().take());
        }
        if second {
            self.0.taken.wait();
        }
        if finished {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
    unsafe fn stragglers(&self, writer: &Self::WriterToken) -> usize {
        // SAFETY: the caller's promise.
        unsafe { self.0.inner.stragglers(writer) }
    }
}

impl BlockingStrategy for Gated {}

/// Provokes a lost wake: all writers register one waker. The writer that registers last, and sees
/// at once that the swap is finished, removes the waker of all sleeping writers.
#[test]
fn the_writer_that_sees_the_swap_finished_wakes_the_sleepers() {
    let gates = Arc::new(Gates {
        inner: LockStrategy::new(),
        waker: Mutex::default(),
        polls: AtomicUsize::new(0),
        armed: AtomicBool::new(false),
        gone: Barrier::new(2),
        taken: Barrier::new(2),
    });
    let map = Builder::new()
        .strategy(Gated(Arc::clone(&gates)))
        .build_concurrent::<u32, u32>();
    let guard = map.read();
    thread::scope(|scope| scope.spawn(|| map.insert(0, 0)).join().unwrap());
    let (done, returned) = mpsc::channel();
    let sleeper = thread::spawn({
        let map = map.clone();
        move || {
            map.insert(1, 1);
            done.send(()).unwrap();
        }
    });
    while gates.polls.load(SeqCst) < 1 {
        thread::yield_now();
    }
    let finder = thread::spawn({
        let map = map.clone();
        move || drop(map.write())
    });
    while gates.polls.load(SeqCst) < 2 {
        thread::yield_now();
    }
    gates.armed.store(true, SeqCst);
    drop(guard);
    finder.join().unwrap();
    returned
        .recv_timeout(Duration::from_secs(20))
        .expect("the first writer is woken");
    sleeper.join().unwrap();
}

/// Pins that `get_or_insert_with` does not see a pending removal.
#[test]
fn a_pending_removal_is_not_seen_by_get_or_insert_with() {
    let map = Builder::new()
        .publish_policy(PublishPolicy::Every(10))
        .build_concurrent();
    map.insert(1, 1);
    map.publish();
    map.remove(&1);
    assert_eq!(map.get_or_insert_with(1, || 2), 1);
    map.publish();
    assert_eq!(map.get_cloned(&1), None);
}
