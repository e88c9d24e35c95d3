//! The hardest cases of the concurrent map: lost wakes, destructors, copies after panics.

use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use dbuf_hashmap::strategies::LockStrategy;
use dbuf_hashmap::strategies::core::Side;
use dbuf_hashmap::{
    BlockingStrategy, Builder, ConcurrentHashMap, ConcurrentHashSet, Operation, PublishPolicy,
    Strategy,
};

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

/// What keys and values refer to: the map, and how often it refused them.
#[derive(Default)]
struct Probe {
    map: Mutex<Option<ConcurrentHashMap<Mortal, Mortal>>>,
    set: Mutex<Option<ConcurrentHashSet<Mortal>>>,
    refused: AtomicUsize,
    dropped: AtomicUsize,
}

/// A key or value whose destructor writes to the map.
struct Mortal(u32, Arc<Probe>);

impl Drop for Mortal {
    fn drop(&mut self) {
        let probe = &self.1;
        probe.dropped.fetch_add(1, SeqCst);
        let map = probe.map.lock().unwrap().clone();
        let set = probe.set.lock().unwrap().clone();
        let refused = catch_unwind(AssertUnwindSafe(|| {
            if let Some(map) = map {
                map.publish();
            }
            if let Some(set) = set {
                set.publish();
            }
        }));
        if refused.is_err() {
            probe.refused.fetch_add(1, SeqCst);
        }
    }
}

impl Clone for Mortal {
    fn clone(&self) -> Self {
        Self(self.0, Arc::clone(&self.1))
    }
}

impl PartialEq for Mortal {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Mortal {}

impl Hash for Mortal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// Detects destructors that run under the writers' lock, where a write is refused: that is a
/// panic in `drop`, and two of them abort the process.
#[test]
fn no_destructor_runs_under_the_lock() {
    type Map = ConcurrentHashMap<Mortal, Mortal>;
    type Make<'a> = &'a dyn Fn(u32) -> Mortal;
    type Write = fn(&Map, Make<'_>);
    let writes: [(&str, Write); 34] = [
        ("insert", |map, m| _ = map.insert(m(1), m(2))),
        ("remove", |map, m| _ = map.remove(&m(1))),
        ("remove_if", |map, m| _ = map.remove_if(&m(1), |_, _| true)),
        ("update", |map, m| _ = map.update(&m(1), |v| v.0 += 1)),
        ("upsert, there", |map, m| {
            map.upsert(m(1), m(2), |v| v.0 += 1);
        }),
        ("upsert, new", |map, m| {
            map.upsert(m(9), m(2), |v| v.0 += 1);
        }),
        ("upsert_with, there", |map, m| {
            map.upsert_with(m(1), || unreachable!(), |v| v.0 += 1);
        }),
        ("upsert_with, new", |map, m| {
            map.upsert_with(m(9), || m(2), |_| unreachable!());
        }),
        ("try_insert, there", |map, m| _ = map.try_insert(m(1), m(2))),
        ("try_insert, new", |map, m| _ = map.try_insert(m(9), m(2))),
        ("remove_entry", |map, m| _ = map.remove_entry(&m(1))),
        ("remove_if, refused", |map, m| {
            _ = map.remove_if(&m(1), |_, _| false);
        }),
        ("compute, replaced", |map, m| {
            _ = map.compute(m(1), |_| Operation::<_>::Insert(m(2)));
        }),
        ("compute, new", |map, m| {
            _ = map.compute(m(9), |_| Operation::<_>::Insert(m(2)));
        }),
        ("compute, removed", |map, m| {
            _ = map.compute(m(1), |_| Operation::<_>::Remove);
        }),
        ("compute, not there", |map, m| {
            _ = map.compute(m(9), |_| Operation::<_>::Remove);
        }),
        ("compute, aborted", |map, m| {
            _ = map.compute(m(1), |_| Operation::Abort(m(2)));
            _ = map.compute(m(9), |_| Operation::Abort(m(2)));
        }),
        ("entry", |map, m| {
            map.entry(m(1), |entry| {
                entry.and_modify(|v| v.0 += 1).or_insert(m(2)).0
            });
            map.entry(m(9), |entry| entry.or_insert_with(|| m(2)).0);
        }),
        ("drain", |map, _| drop(map.drain())),
        ("catch_up", |map, m| {
            _ = map.remove(&m(1));
            map.catch_up();
        }),
        ("extract_if", |map, _| {
            let mut batch = map.write();
            let taken: Vec<_> = batch.extract_if(|k, _| k.0 > 1).collect();
            batch.publish();
            drop(taken);
        }),
        ("get_or_insert_with, there", |map, m| {
            map.get_or_insert_with(m(1), || m(2));
        }),
        ("get_or_insert_with, pending", |map, m| {
            let mut batch = map.write();
            batch.insert(m(9), m(1));
            batch.defer();
            map.get_or_insert_with(m(9), || m(2));
        }),
        ("retain, some", |map, _| map.retain(|k, _| k.0 != 1)),
        ("retain, none", |map, _| map.retain(|_, _| false)),
        ("retain_mut", |map, _| map.retain_mut(|k, _| k.0 != 1)),
        ("clear", |map, _| map.clear()),
        ("extend", |mut map, m| {
            map.extend([(m(1), m(2)), (m(2), m(2))]);
        }),
        ("transact, refused", |map, m| {
            let refused = map.transact(|batch| {
                std::mem::forget(batch.insert(m(1), m(2)));
                batch.insert(m(9), m(2));
                Err::<(), _>(())
            });
            assert_eq!(refused, Err(()));
        }),
        ("transact, panic", |map, m| {
            let refused = catch_unwind(AssertUnwindSafe(|| {
                let _ = map.transact(|batch| -> Result<(), ()> {
                    batch.insert(m(9), m(2));
                    panic!("closure")
                });
            }));
            assert!(refused.is_err());
        }),
        ("insert, retain_mut", |map, m| {
            let mut batch = map.write();
            batch.insert(m(9), m(2));
            batch.retain_mut(|_, _| true);
            batch.publish();
        }),
        ("rollback", |map, m| {
            let mut batch = map.write();
            batch.insert(m(9), m(2));
            batch.clear();
            batch.rollback();
        }),
        ("upsert, panic", |map, m| {
            let (key, value) = (m(1), m(2));
            let refused = catch_unwind(AssertUnwindSafe(|| {
                map.upsert(key, value, |_| panic!("closure"));
            }));
            assert!(refused.is_err());
        }),
        ("retain, panic", |map, _| {
            let refused = catch_unwind(AssertUnwindSafe(|| {
                map.retain(|k, _| if k.0 == 4 { panic!("closure") } else { false });
            }));
            assert!(refused.is_err());
        }),
    ];
    let mut wrong = vec![];
    for (name, write) in writes {
        let probe = Arc::new(Probe::default());
        let make = |n| Mortal(n, Arc::clone(&probe));
        let map: Map = (0..5).map(|n| (make(n), make(n))).collect();
        *probe.map.lock().unwrap() = Some(map.clone());
        write(&map, &make);
        // The other copy catches up.
        map.insert(make(7), make(7));
        map.insert(make(8), make(8));
        let refused = probe.refused.load(SeqCst);
        if refused > 0 {
            wrong.push(format!("{name}: {refused}"));
        }
        let batch = map.write();
        assert!(batch.as_map() == batch.published(), "{name}");
        drop(batch);
        *probe.map.lock().unwrap() = None;
    }
    assert!(wrong.is_empty(), "refused under the lock: {wrong:#?}");
}

/// The same for sets, which drop an element that is there already.
#[test]
fn no_destructor_of_an_element_runs_under_the_lock() {
    type Set = ConcurrentHashSet<Mortal>;
    type Make<'a> = &'a dyn Fn(u32) -> Mortal;
    type Write = fn(&Set, Make<'_>);
    let writes: [(&str, Write); 4] = [
        ("insert", |set, m| assert!(!set.insert(m(1)))),
        ("remove", |set, m| assert!(set.remove(&m(1)))),
        ("retain", |set, _| set.retain(|_| false)),
        ("extend", |mut set, m| set.extend([m(1), m(2), m(9)])),
    ];
    let mut wrong = vec![];
    for (name, write) in writes {
        let probe = Arc::new(Probe::default());
        let make = |n| Mortal(n, Arc::clone(&probe));
        let set: Set = (0..5).map(make).collect();
        *probe.set.lock().unwrap() = Some(set.clone());
        write(&set, &make);
        set.insert(make(7));
        set.insert(make(8));
        let refused = probe.refused.load(SeqCst);
        if refused > 0 {
            wrong.push(format!("{name}: {refused}"));
        }
        *probe.set.lock().unwrap() = None;
    }
    assert!(wrong.is_empty(), "refused under the lock: {wrong:#?}");
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
