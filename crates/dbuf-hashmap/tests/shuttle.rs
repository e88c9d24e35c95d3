//! Random schedules of the writers of a `ConcurrentHashMap`. Run by `.ci/shuttle`,
//! with `--cfg dbuf_shuttle`; `docs/verification.md` says what the models do not see.
//!
//! Each model runs `DBUF_SHUTTLE_ITERATIONS` times for each strategy and for each of
//! two schedulers. A task that sleeps forever is a deadlock, which shuttle reports.
#![cfg(dbuf_shuttle)]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

mod common;

use std::hash::RandomState;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{unwind, unwinds};
use dbuf_hashmap::strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use dbuf_hashmap::{BlockingStrategy, Builder, ConcurrentHashMap, PublishPolicy};
use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::thread::{JoinHandle, spawn};

trait Modelled: BlockingStrategy + Default + 'static {}

impl<S> Modelled for S where S: BlockingStrategy + Default + 'static {}

/// How often what a model is about did happen, over all executions.
type Seen = AtomicUsize;

struct World<S: Modelled> {
    map: ConcurrentHashMap<u32, u32, RandomState, S>,
    /// Writes that have returned. No step of the model.
    last_seen: Mutex<Vec<(u32, u32)>>,
    seen: Arc<Seen>,
}

impl<S: Modelled> World<S> {
    fn new(policy: PublishPolicy, seen: &Arc<Seen>) -> Arc<Self> {
        Arc::new(Self {
            map: Builder::new()
                .strategy(S::default())
                .publish_policy(policy)
                .build_concurrent(),
            last_seen: Mutex::default(),
            seen: Arc::clone(seen),
        })
    }

    /// Sees what is told, then writes, sees its own write, and tells of it.
    fn insert(&self, key: u32, value: u32) {
        self.see_what_is_told();
        if self.map.queued_writers() > 0 {
            self.seen.fetch_add(1, SeqCst);
        }
        // By a thread or by a task.
        if thread_rng().gen_bool(0.5) {
            self.map.insert(key, value);
        } else {
            shuttle::future::block_on(self.map.insert_async(key, value));
        }
        assert_eq!(
            self.map.get_cloned(&key),
            Some(value),
            "not seen by its writer"
        );
        self.last_seen.lock().unwrap().push((key, value));
        self.see_what_is_told();
    }

    fn see_what_is_told(&self) {
        let last_seen = self.last_seen.lock().unwrap().clone();
        for (key, value) in last_seen {
            assert!(
                self.map.get_cloned(&key) >= Some(value),
                "not seen by who was last_seen"
            );
        }
    }

    /// Both copies hold what was told, and this much of it.
    fn ends_with(&self, entries: usize) {
        self.see_what_is_told();
        assert_eq!(self.map.len(), entries);
        let batch = self.map.write();
        assert_eq!(batch.as_map(), batch.published());
        drop(batch);
        assert_eq!((self.map.queued_writers(), self.map.stragglers()), (0, 0));
    }
}

fn task<S: Modelled>(
    world: &Arc<World<S>>,
    body: impl FnOnce(&World<S>) + Send + 'static,
) -> JoinHandle<()> {
    let world = Arc::clone(world);
    spawn(move || body(&world))
}

fn join(tasks: impl IntoIterator<Item = JoinHandle<()>>) {
    tasks.into_iter().for_each(|task| task.join().unwrap());
}

/// Three writers, two writes by one of them. Some execution has a queue.
fn writes_are_seen_on_return<S: Modelled>(seen: &Arc<Seen>) {
    let world = World::<S>::new(PublishPolicy::Immediate, seen);
    join([
        task(&world, |world| world.insert(1, 1)),
        task(&world, |world| world.insert(2, 1)),
        task(&world, |world| {
            world.insert(3, 1);
            world.insert(3, 2);
        }),
    ]);
    assert_eq!(world.map.read().version(), 4);
    world.ends_with(3);
}

/// A write that returns although it changed nothing, or not by its own will.
fn fail<S: Modelled>(world: &World<S>, how: u32) {
    let map = &world.map;
    match how {
        0 => assert!(unwinds(|| _ = map.update(&0, |_| unwind()))),
        1 => assert!(unwinds(|| {
            let _ = map.transact(|batch| -> Result<(), ()> {
                batch.clear();
                unwind();
            });
        })),
        2 => {
            let failed = map.transact(|batch| {
                batch.clear();
                Err::<(), _>(1)
            });
            assert_eq!(failed, Err(1));
        }
        3 => assert_eq!(map.remove(&9), None),
        4 => {
            let batch = map.write();
            assert!(batch.as_map().len() >= batch.published().len());
        }
        5 => {
            // Gives up at once, also in the middle of the queue.
            let Some(batch) = map.write_timeout(Duration::ZERO) else {
                world.seen.fetch_add(1, SeqCst);
                return;
            };
            batch.rollback();
        }
        6 => drop(map.try_write()),
        7 => {
            // Polled, and dropped wherever it is.
            let mut write = Box::pin(map.write_async());
            let waker = std::task::Waker::noop();
            let polled = write
                .as_mut()
                .poll(&mut std::task::Context::from_waker(waker));
            if polled.is_pending() {
                world.seen.fetch_add(1, SeqCst);
                shuttle::thread::yield_now();
            }
        }
        _ => _ = map.publish(),
    }
}

/// Nobody's change is lost by another's failure.
fn failures_lose_nothing<S: Modelled>(seen: &Arc<Seen>) {
    let world = World::<S>::new(PublishPolicy::Immediate, seen);
    world.map.insert(0, 0);
    join([
        task(&world, |world| world.insert(1, 1)),
        task(&world, |world| fail(world, thread_rng().gen_range(0..9))),
        task(&world, |world| world.insert(2, 1)),
        task(&world, |world| fail(world, thread_rng().gen_range(0..9))),
    ]);
    world.ends_with(3);
}

/// Writers wait for a guard; its task drops it, or publishes first: all of them go on.
fn the_last_guard_wakes_all_writers<S: Modelled>(seen: &Arc<Seen>) {
    let world = World::<S>::new(PublishPolicy::Immediate, seen);
    let guard = world.map.read();
    join([task(&world, |world| world.insert(1, 1))]);
    assert_eq!(world.map.stragglers(), 1);
    let writers = [
        task(&world, |world| world.insert(2, 1)),
        task(&world, |world| fail(world, 4)),
        task(&world, |world| fail(world, 5)),
    ];
    if world.map.queued_writers() > 1 {
        seen.fetch_add(1, SeqCst);
    }
    // A writer that waits for the guard leaves the lock to its holder. Not always: this
    // gives the others the time to fall asleep.
    if thread_rng().gen_bool(0.3) {
        world.map.publish();
    }
    drop(guard);
    join(writers);
    world.ends_with(2);
}

/// Writers queue up behind a batch, and one more batch among them. Readers see each
/// batch whole and never go back.
fn a_batch_keeps_the_queue_waiting<S: Modelled>(seen: &Arc<Seen>) {
    let world = World::<S>::new(PublishPolicy::Immediate, seen);
    let mut batch = world.map.write();
    batch.insert(10, 1);
    let tasks = [
        task(&world, |world| world.insert(1, 1)),
        task(&world, |world| world.insert(2, 1)),
        task(&world, |world| {
            fail(world, 4);
            let mut batch = world.map.write();
            batch.insert(10, 2);
            batch.insert(11, 2);
            batch.publish();
        }),
        task(&world, |world| {
            let (mut version, mut stamp) = (0, 0);
            for _ in 0..2 {
                let snapshot = world.map.read();
                assert!(snapshot.version() >= version, "a reader went back");
                version = snapshot.version();
                let (first, second) = (snapshot.get(&10), snapshot.get(&11));
                assert_eq!(first, second, "half a batch");
                assert!(first.copied().unwrap_or(0) >= stamp);
                stamp = first.copied().unwrap_or(0);
            }
        }),
    ];
    if world.map.queued_writers() > 1 {
        seen.fetch_add(1, SeqCst);
    }
    batch.insert(11, 1);
    batch.publish();
    join(tasks);
    assert_eq!(world.map.get_cloned(&11), Some(2));
    world.ends_with(4);
}

/// Changes wait for a count or for `publish`; none is lost.
fn every_loses_nothing<S: Modelled>(seen: &Arc<Seen>) {
    let world = World::<S>::new(PublishPolicy::Every(2), seen);
    world.map.write().insert(0, 0);
    join([
        task(&world, |world| _ = world.map.insert(1, 1)),
        task(&world, |world| {
            world.map.insert(2, 1);
            world.map.publish();
            assert_eq!(world.map.get_cloned(&2), Some(1));
        }),
        task(&world, |world| {
            world.map.insert(3, 1);
            fail(world, thread_rng().gen_range(0..9));
        }),
    ]);
    if world.map.publish().is_published() {
        seen.fetch_add(1, SeqCst);
    }
    world.ends_with(4);
}

fn iterations() -> usize {
    let name = "DBUF_SHUTTLE_ITERATIONS";
    std::env::var(name).map_or(100, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number of iterations, not {text:?}"))
    })
}

fn run(scheduler: impl Scheduler + 'static, model: fn(&Arc<Seen>), seen: &Arc<Seen>) {
    let mut config = shuttle::Config::new();
    config.stack_size = 0x4_0000;
    let seen = Arc::clone(seen);
    shuttle::Runner::new(scheduler, config).run(move || model(&seen));
}

/// For all strategies together: some of them never do what a model is about.
fn check(models: [fn(&Arc<Seen>); 4]) {
    let seen = Arc::default();
    for model in models {
        run(RandomScheduler::new(iterations()), model, &seen);
        run(PctScheduler::new(3, iterations()), model, &seen);
    }
    let seen = seen.load(SeqCst);
    assert!(seen > 0, "no execution did what the model is about");
    println!(
        "{seen} of {} executions did what the model is about",
        8 * iterations()
    );
}

macro_rules! models {
    ($($model:ident)*) => {$(
        mod $model {
            use super::*;

            #[test]
            fn every_strategy() {
                check([
                    super::$model::<CountStrategy>,
                    super::$model::<EpochStrategy>,
                    super::$model::<FlashStrategy>,
                    super::$model::<LockStrategy>,
                ]);
            }
        }
    )*};
}

models! {
    writes_are_seen_on_return
    failures_lose_nothing
    the_last_guard_wakes_all_writers
    a_batch_keeps_the_queue_waiting
    every_loses_nothing
}
