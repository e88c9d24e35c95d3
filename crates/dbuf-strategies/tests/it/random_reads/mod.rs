//! Random steps with shared handles: tables that come and go, colliding ids, forgotten guards,
//! refreshes, guards in late destructors, wakers that read.

mod late;

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

use crate::common::Random;

type Ptr<S> = Arc<DoubleBuffer<Tracked, S>>;

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
        let at = random.below(handles.len());
        match random.below(9) {
            0..3 if held.len() < 6 => {
                let guard = handles[at].read();
                let guard = if random.below(2) == 0 {
                    Held::Whole(guard)
                } else {
                    Held::Mapped(SharedReadGuard::map(guard, |value, _| value))
                };
                let value = guard.get();
                assert_eq!(value.0 as u64, value.1);
                held.push((at, guard, value));
            }
            3..5 if !held.is_empty() => {
                let pick = random.below(held.len());
                let (at, guard, _) = held.swap_remove(pick);
                if forgets && random.below(8) == 0 {
                    forgotten[at] += 1;
                    mem::forget(guard);
                }
            }
            5..8 if !held.is_empty() => {
                let pick = random.below(held.len());
                if let (_, Held::Whole(guard), value) = &mut held[pick] {
                    let moved = SharedReadGuard::refresh(guard);
                    let now = (guard.get(), SharedReadGuard::version(guard));
                    assert!(now.0 >= value.0, "{now:?} after {value:?}");
                    assert_eq!(moved, now != *value, "{now:?} after {value:?}");
                    *value = now;
                }
            }
            _ => {
                let n = held.iter().filter(|held| held.0 == at).count() + forgotten[at];
                // There may be a forgotten guard of an earlier turn too.
                assert!(n == 0 || handles[at].has_guard(), "none of {n} guards");
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
        held.swap_remove(random.below(held.len()));
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
        let at = random.below(writers.len());
        let writer = &mut writers[at];
        let next = writer.as_writer().version() as usize + 1;
        if random.below(3) == 0 {
            let goes_on = writer.set_aside();
            assert!(
                goes_on || writer.spare_since().is_some(),
                "the spare side is free"
            );
        }
        match random.below(4) {
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
    let (rounds, steps) = if cfg!(miri) {
        (2, 12)
    } else if cfg!(dbuf_sanitize) {
        (60, 200)
    } else {
        (300, 400)
    };
    let mut random = Random::new(seed);
    let (done, is_done) = channel();
    let start = |lives: usize| -> Sender<Job<S>> {
        let (jobs, take) = channel::<Job<S>>();
        let done = done.clone();
        thread::spawn(move || {
            for _ in 0..lives {
                let Ok((handles, seed, forgets)) = take.recv() else {
                    return;
                };
                reads(&handles, &mut Random::new(seed), steps, forgets);
                drop(handles);
                done.send(()).unwrap();
            }
        });
        jobs
    };
    let mut workers = [start(usize::MAX), start(usize::MAX), start(2)];
    for round in 0..rounds {
        // Ten tables, of which the ids of two pairs share a slot of the cache.
        let mut writers: Vec<_> = (0..10).map(|_| log(new())).collect();
        let of = |at: usize| SharedReader::new(writers[at].as_writer().ptr().clone());
        let all: Vec<_> = (0..10).map(of).collect();
        let few = [0, 8, 1, 9].map(|at| all[at].clone()).to_vec();
        let forgets = random.below(3) == 0;
        if round % 2 == 1 {
            workers[2] = start(2);
        }
        for worker in &workers {
            let job = (few.clone(), random.below(usize::MAX) as u64, forgets);
            worker.send(job).unwrap();
        }
        writers.drain(2..8);
        let handles = [0, 1, 8, 9].map(|at| all[at].clone());
        drop((all, few));
        writes(&mut writers, &handles, &mut random, steps);
        drop(handles);
        for _ in &workers {
            is_done.recv().unwrap();
        }
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
