//! Random steps with shared handles: tables that come and go, colliding ids, forgotten guards,
//! refreshes, guards in late destructors, wakers that read.

use std::cell::RefCell;
use std::mem;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::thread;

use dbuf_strategies::core::{
    ArcOpWriter, BlockingStrategy, DoubleBuffer, MappedSharedReadGuard, OpWriter, Operation,
    SharedReadGuard, SharedReader, Strategy, Writer,
};
use dbuf_strategies::{CountStrategy, EpochStrategy, FlashStrategy};
use dbuf_testing::Tracked;

type Ptr<S> = Arc<DoubleBuffer<Tracked, S>>;

struct Random(u64);
impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % below
    }
}

struct Reads<S: Strategy>(Mutex<Option<SharedReader<Ptr<S>>>>);
impl<S> Wake for Reads<S>
where
    S: Strategy<ReaderToken: Send> + Send + Sync + 'static,
{
    fn wake(self: Arc<Self>) {
        if let Some(shared) = &*self.0.lock().unwrap() {
            let _ = shared.has_guard();
            let mut guard = shared.read();
            let _inner = shared.read();
            SharedReadGuard::refresh(&mut guard);
        }
    }
}

enum Held<'s, S: Strategy> {
    Whole(SharedReadGuard<'s, Ptr<S>>),
    Mapped(MappedSharedReadGuard<'s, Tracked, Ptr<S>>),
}
impl<S: Strategy> Held<'_, S> {
    fn get(&self) -> (usize, u64) {
        match self {
            Held::Whole(guard) => (guard.get(), SharedReadGuard::version(guard)),
            Held::Mapped(guard) => (guard.get(), MappedSharedReadGuard::version(guard)),
        }
    }
}

fn reads<S: Strategy>(
    handles: &[SharedReader<Ptr<S>>],
    random: &mut Random,
    steps: usize,
    forgets: bool,
) {
    let mut held: Vec<(usize, Held<'_, S>, (usize, u64))> = Vec::new();
    let mut forgotten = vec![0; handles.len()];
    for _ in 0..steps {
        let at = random.next(handles.len());
        match random.next(9) {
            0..3 if held.len() < 6 => {
                let guard = handles[at].read();
                let guard = if random.next(2) == 0 {
                    Held::Whole(guard)
                } else {
                    Held::Mapped(SharedReadGuard::map(guard, |value, _| value))
                };
                let value = guard.get();
                assert_eq!(value.0 as u64, value.1);
                held.push((at, guard, value));
            }
            3..5 if !held.is_empty() => {
                let pick = random.next(held.len());
                let (at, guard, _) = held.swap_remove(pick);
                if forgets && random.next(8) == 0 {
                    forgotten[at] += 1;
                    mem::forget(guard);
                }
            }
            5..8 if !held.is_empty() => {
                let pick = random.next(held.len());
                if let (_, Held::Whole(guard), value) = &mut held[pick] {
                    let moved = SharedReadGuard::refresh(guard);
                    let now = (guard.get(), SharedReadGuard::version(guard));
                    assert!(now.0 >= value.0 && moved == (now != *value));
                    *value = now;
                }
            }
            _ => {
                let n = held.iter().filter(|held| held.0 == at).count() + forgotten[at];
                // There may be a forgotten guard of an earlier turn too.
                assert!(n == 0 || handles[at].has_guard());
                if !forgets {
                    assert_eq!(handles[at].has_guard(), n > 0);
                }
            }
        }
        for (_, guard, value) in &held {
            assert_eq!(guard.get(), *value, "a guarded side changed");
        }
    }
    while !held.is_empty() {
        held.swap_remove(random.next(held.len()));
    }
}

struct Set(usize);

impl Operation<Tracked> for Set {
    fn apply(&mut self, value: &mut Tracked, (): &()) {
        value.set(self.0);
    }
}

type Log<S> = ArcOpWriter<Tracked, Set, S>;

fn log<S: Strategy>(strategy: S) -> Log<S> {
    let buffer = DoubleBuffer::new(Tracked::new(0), Tracked::new(0), strategy);
    OpWriter::new(Writer::claim(Arc::new(buffer)).unwrap())
}

fn writes<S>(
    writers: &mut [Log<S>],
    shared: &[SharedReader<Ptr<S>>],
    random: &mut Random,
    steps: usize,
) where
    S: BlockingStrategy + 'static,
{
    for _ in 0..steps {
        let at = random.next(writers.len());
        let writer = &mut writers[at];
        let next = writer.as_writer().version() as usize + 1;
        if random.next(3) == 0 {
            let goes_on = writer.set_aside();
            assert!(goes_on || writer.spare_since().is_some());
        }
        match random.next(4) {
            0 => {
                let handle = Some(shared[at].clone());
                let waker = Waker::from(Arc::new(Reads(Mutex::new(handle))));
                let _ = writer.poll_finish(&mut Context::from_waker(&waker));
            }
            _ => {
                if let Some(mut batch) = writer.try_write() {
                    batch.apply(Set(next));
                } else {
                    thread::yield_now();
                }
            }
        }
    }
}

type Job<S> = (Vec<SharedReader<Ptr<S>>>, u64, bool);

fn fuzz<S>(new: fn() -> S, seed: u64)
where
    S: BlockingStrategy + 'static,
{
    let (rounds, steps) = if cfg!(miri) { (2, 12) } else { (300, 400) };
    let mut random = Random(seed | 1);
    let (done, is_done) = channel();
    let start = |lives: usize| -> Sender<Job<S>> {
        let (jobs, take) = channel::<Job<S>>();
        let done = done.clone();
        thread::spawn(move || {
            for _ in 0..lives {
                let Ok((handles, seed, forgets)) = take.recv() else {
                    return;
                };
                reads(&handles, &mut Random(seed | 1), steps, forgets);
                drop(handles);
                done.send(()).unwrap();
            }
        });
        jobs
    };
    let mut workers = [start(usize::MAX), start(usize::MAX), start(2)];
    for round in 0..rounds {
        let mut writers: Vec<_> = (0..10).map(|_| log(new())).collect();
        let handles: Vec<_> = writers
            .iter()
            .map(|w| SharedReader::new(w.as_writer().ptr().clone()))
            .collect();
        // Ids that share a slot of the cache.
        let few: Vec<_> = [0, 8, 1, 9].map(|at| handles[at].clone()).into();
        let forgets = random.next(3) == 0;
        if round % 2 == 1 {
            workers[2] = start(2);
        }
        for worker in &workers {
            let job = (few.clone(), random.next(usize::MAX) as u64, forgets);
            worker.send(job).unwrap();
        }
        let mut few_writers: Vec<_> = writers
            .drain(..)
            .enumerate()
            .filter(|(at, _)| [0, 8, 1, 9].contains(at))
            .map(|(_, w)| w)
            .collect();
        let by: Vec<_> = [0, 1, 8, 9].map(|at| handles[at].clone()).into();
        drop(handles);
        writes(&mut few_writers, &by, &mut random, steps);
        drop(few);
        drop(by);
        for _ in &workers {
            is_done.recv().unwrap();
        }
        drop(few_writers);
    }
}

fn seeds() -> std::ops::Range<u64> {
    let first = std::env::var("SEED").map_or(1, |seed| seed.parse().unwrap());
    first..first + if cfg!(miri) { 1 } else { 3 }
}

#[test]
fn epoch() {
    seeds().for_each(|seed| fuzz(EpochStrategy::new, seed * 77));
}
#[test]
fn flash() {
    seeds().for_each(|seed| fuzz(FlashStrategy::new, seed * 79));
}
#[test]
fn count() {
    seeds().for_each(|seed| fuzz(CountStrategy::new, seed * 83));
}

// Late destructors

type Late = SharedReader<Ptr<EpochStrategy>>;

type LateGuard = (Held<'static, EpochStrategy>, (usize, u64));

struct Holds {
    guards: RefCell<Vec<LateGuard>>,
    handles: RefCell<Vec<&'static Late>>,
    seed: RefCell<u64>,
}

impl Drop for Holds {
    fn drop(&mut self) {
        let mut random = Random(*self.seed.borrow() | 1);
        let handles = self.handles.take();
        if handles.is_empty() {
            return;
        }
        for _ in 0..12 {
            let at = random.next(handles.len());
            match random.next(5) {
                0 => {
                    let guard = Held::Whole(handles[at].read());
                    let value = guard.get();
                    self.guards.borrow_mut().push((guard, value));
                }
                1 | 2 => {
                    let mut guards = self.guards.borrow_mut();
                    if !guards.is_empty() {
                        let pick = random.next(guards.len());
                        let gone = guards.swap_remove(pick);
                        assert_eq!(gone.0.get(), gone.1);
                    }
                }
                3 => {
                    for (guard, value) in &mut *self.guards.borrow_mut() {
                        if let Held::Whole(guard) = guard {
                            SharedReadGuard::refresh(guard);
                            *value = (guard.get(), SharedReadGuard::version(guard));
                        }
                    }
                }
                _ => {
                    // A handle of its own, which lives as long as this value.
                    let buffer =
                        DoubleBuffer::new(Tracked::new(0), Tracked::new(0), EpochStrategy::new());
                    let own = SharedReader::new(Arc::new(buffer));
                    let guard = own.read();
                    assert!(own.has_guard());
                    assert_eq!(guard.get(), 0);
                    if random.next(2) == 0 {
                        mem::forget(guard);
                    } else {
                        drop(guard);
                        assert!(!own.has_guard());
                    }
                }
            }
            for (guard, value) in &*self.guards.borrow() {
                assert_eq!(guard.get(), *value);
            }
        }
    }
}

macro_rules! locals {
    ($($name:ident)*) => {
        thread_local! {
            $(static $name: Holds = const { Holds {
                guards: RefCell::new(Vec::new()),
                handles: RefCell::new(Vec::new()),
                seed: RefCell::new(0),
            } };)*
        }
    };
}
locals!(FIRST SECOND THIRD);

#[test]
fn late() {
    let mut random = Random((seeds().start * 91) | 1);
    let mut writers = Vec::new();
    let mut handles: Vec<&'static Late> = Vec::new();
    for _ in 0..3 {
        let writer = log(EpochStrategy::new());
        let ptr = writer.as_writer().ptr().clone();
        handles.push(Box::leak(Box::new(SharedReader::new(ptr))));
        writers.push(writer);
    }
    let shared: Vec<_> = handles.iter().map(|&handle| handle.clone()).collect();
    for _ in 0..if cfg!(miri) { 3 } else { 3000 } {
        thread::scope(|scope| {
            for _ in 0..2 {
                let (seed, handles) = (random.next(usize::MAX) as u64, &handles);
                scope.spawn(move || {
                    let mut random = Random(seed | 1);
                    let locals = [&FIRST, &SECOND, &THIRD];
                    for (n, local) in locals.iter().enumerate() {
                        if random.next(2) == 0 {
                            drop(handles[random.next(3)].read());
                        }
                        local.with(|local| {
                            *local.handles.borrow_mut() = handles.clone();
                            *local.seed.borrow_mut() = seed / (n as u64 + 3);
                            for _ in 0..random.next(3) {
                                let guard = Held::Whole(handles[random.next(3)].read());
                                let value = guard.get();
                                local.guards.borrow_mut().push((guard, value));
                            }
                        });
                    }
                });
            }
            writes(&mut writers, &shared, &mut random, 10);
        });
        // A scope does not wait for destructors of thread locals.
        writes(&mut writers, &shared, &mut random, 5);
    }
    for writer in writers {
        let mut writer = writer.into_writer();
        assert!(
            writer.finish_timeout(std::time::Duration::from_secs(20)),
            "a guard was not released"
        );
        assert!(writer.start_swap());
        assert!(
            writer.finish_timeout(std::time::Duration::from_secs(20)),
            "a guard was not released"
        );
    }
}
