//! Random schedules of the writers of a `ConcurrentHashMap`. `.ci/shuttle` runs them with
//! `--cfg dbuf_shuttle`; `docs/verification.md` says what the models do not cover.
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
#[path = "common/futures.rs"]
mod futures;

use std::hash::RandomState;
use std::panic::{set_hook, take_hook};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, Once};
use std::task::{Context, Waker};
use std::time::Duration;

use common::{unwind, unwinds};
use dbuf_hashmap::strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use dbuf_hashmap::{BlockingStrategy, Builder, ConcurrentHashMap, OnStraggler, PublishPolicy};
use futures::yield_now;
use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::thread::{JoinHandle, spawn};

trait Modelled: BlockingStrategy + Default + 'static {}

impl<S> Modelled for S where S: BlockingStrategy + Default + 'static {}

/// How often the event that a model is about happened, over all executions.
type Seen = AtomicUsize;

struct World<S: Modelled> {
    map: ConcurrentHashMap<u32, u32, RandomState, S>,
    /// The writes that have returned. Recording them is no step of the model.
    recorded: Mutex<Vec<(u32, u32)>>,
    seen: Arc<Seen>,
}

impl<S: Modelled> World<S> {
    fn new(policy: PublishPolicy, seen: &Arc<Seen>) -> Arc<Self> {
        Arc::new(Self {
            map: Builder::new()
                .strategy(S::default())
                .publish_policy(policy)
                .build_concurrent(),
            recorded: Mutex::default(),
            seen: Arc::clone(seen),
        })
    }

    /// Makes a map that sets copies aside, which is counted, with or without a timer for tasks.
    fn going_on(seen: &Arc<Seen>, timer: bool) -> Arc<Self> {
        let map = going_on(seen).strategy(S::default());
        let map = if timer {
            map.sleep(|_| yield_now())
        } else {
            map
        };
        Arc::new(Self {
            map: map.build_concurrent(),
            recorded: Mutex::default(),
            seen: Arc::clone(seen),
        })
    }

    /// Checks the recorded writes, then writes, checks its own write, and records it.
    fn insert(&self, key: u32, value: u32) {
        self.check_recorded_writes();
        if self.map.queued_writers() > 0 {
            self.seen.fetch_add(1, SeqCst);
        }
        // The writer is a thread or a task.
        if thread_rng().gen_bool(0.5) {
            self.map.insert(key, value);
        } else {
            shuttle::future::block_on(self.map.insert_async(key, value));
        }
        assert_eq!(
            self.map.get_cloned(&key),
            Some(value),
            "a writer does not see its own write"
        );
        self.recorded.lock().unwrap().push((key, value));
        self.check_recorded_writes();
    }

    fn check_recorded_writes(&self) {
        let recorded = self.recorded.lock().unwrap().clone();
        for (key, value) in recorded {
            assert!(
                self.map.get_cloned(&key) >= Some(value),
                "a recorded write is not seen"
            );
        }
    }

    /// Asserts that both copies hold the recorded writes, which are `entries` many.
    fn ends_with(&self, entries: usize) {
        self.check_recorded_writes();
        assert_eq!(self.map.len(), entries);
        let batch = self.map.write();
        assert_eq!(batch.as_map(), batch.published());
        drop(batch);
        assert_eq!((self.map.queued_writers(), self.map.stragglers()), (0, 0));
    }
}

/// Writers set the stragglers' copy aside after half a second. The model decides each time whether
/// that time has passed.
fn going_on(seen: &Arc<Seen>) -> Builder {
    let seen = Arc::clone(seen);
    let on_straggler = OnStraggler::Spare {
        after: Duration::from_millis(500),
        up_to: usize::MAX,
    };
    Builder::new()
        .on_straggler(on_straggler)
        .on_spare(move |readers| {
            assert!(readers > 0);
            seen.fetch_add(1, SeqCst);
        })
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

/// Three writers, one of which writes twice. Some execution has a queue.
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

/// A write that fails, changes nothing, or is cancelled.
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
            // Gives up at once, even in the middle of the queue.
            let Some(batch) = map.write_timeout(Duration::ZERO) else {
                world.seen.fetch_add(1, SeqCst);
                return;
            };
            batch.rollback();
        }
        6 => drop(map.try_write()),
        7 => {
            // Is polled, and dropped at any point.
            let mut write = Box::pin(map.write_async());
            let polled = write.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            if polled.is_pending() {
                world.seen.fetch_add(1, SeqCst);
                shuttle::thread::yield_now();
            }
        }
        _ => _ = map.publish(),
    }
}

/// The failure of a writer loses no change of another.
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

/// Writers wait for a guard; its task drops it, or publishes first. All of them continue.
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
    // A writer that waits for the guard releases the lock to the guard's holder. This does not
    // always publish, so that the others have time to fall asleep.
    if thread_rng().gen_bool(0.3) {
        world.map.publish();
    }
    drop(guard);
    join(writers);
    world.ends_with(2);
}

/// Writers queue up behind a batch, with one more batch among them. Readers see each batch as a
/// whole and never go back.
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

/// A guard is held until all writers are done. So one of them sets its copy aside, and the others,
/// also those in the queue behind it, continue.
fn writers_go_on_without_a_guard<S: Modelled>(seen: &Arc<Seen>) {
    let world = World::<S>::going_on(seen, true);
    world.insert(0, 0);
    let guard = world.map.read();
    // From now on, writers need the guard's copy.
    join([task(&world, |world| world.insert(1, 1))]);
    join([
        task(&world, |world| world.insert(2, 1)),
        task(&world, |world| {
            world.insert(3, 1);
            fail(world, 4);
        }),
        task(&world, |world| fail(world, thread_rng().gen_range(0..9))),
    ]);
    assert_eq!((guard.len(), world.map.spare_stragglers()), (1, 1));
    drop(guard);
    world.ends_with(4);
    assert!(world.map.spare_since().is_none());
}

/// Two guards hold two copies: writers wait until either guard is released.
fn second_copy_is_waited_for<S: Modelled>(seen: &Arc<Seen>) {
    let world = World::<S>::going_on(seen, true);
    let first = world.map.read();
    // Two publishes go without the guard's copy. This thread makes the second one.
    world.map.insert(0, 1);
    world.map.insert(0, 2);
    assert_eq!(world.map.spare_stragglers(), 1);
    let second = world.map.read();
    join([task(&world, |world| world.insert(2, 1))]);
    let writers = [
        task(&world, |world| world.insert(3, 1)),
        task(&world, |world| world.insert(4, 1)),
        task(&world, |world| fail(world, thread_rng().gen_range(0..9))),
    ];
    if world.map.queued_writers() > 1 {
        seen.fetch_add(1, SeqCst);
    }
    shuttle::thread::yield_now();
    if thread_rng().gen_bool(0.5) {
        assert_eq!(first.len(), 0);
        drop(first);
        // It continues, with the second guard's copy set aside.
        join(writers);
        assert_eq!(second.len(), 1);
    } else {
        assert_eq!(second.len(), 1);
        drop(second);
        join(writers);
        assert_eq!(first.len(), 0);
    }
    world.ends_with(4);
}

/// A task without a timer is not woken. It continues when it is polled.
fn a_task_goes_on_at_its_poll<S: Modelled>(seen: &Arc<Seen>) {
    let world = World::<S>::going_on(seen, false);
    let guard = world.map.read();
    join([task(&world, |world| _ = world.map.insert(1, 1))]);
    let polled = task(&world, |world| {
        let mut write = Box::pin(world.map.insert_async(2, 1));
        let mut cx = Context::from_waker(Waker::noop());
        while write.as_mut().poll(&mut cx).is_pending() {
            shuttle::thread::yield_now();
        }
        assert_eq!(world.map.get_cloned(&2), Some(1));
    });
    join([polled, task(&world, |world| fail(world, 7))]);
    assert_eq!((guard.len(), world.map.spare_stragglers()), (0, 1));
    drop(guard);
    world.ends_with(2);
}

/// Tasks without a timer sleep until a writer has set the side aside. It wakes them at once,
/// before it runs a function of the user, which panics.
fn a_writer_that_sets_aside_wakes_the_others<S: Modelled>(seen: &Arc<Seen>) {
    let panics = Arc::new(AtomicBool::new(true));
    let (hook_panics, counted) = (Arc::clone(&panics), Arc::clone(seen));
    let map = going_on(seen).strategy(S::default()).on_spare(move |_| {
        if hook_panics.swap(false, SeqCst) {
            unwind();
        }
        counted.fetch_add(1, SeqCst);
    });
    let map: ConcurrentHashMap<u32, u32, RandomState, S> = map.build_concurrent();
    let guard = map.read();
    map.insert(1, 1);
    let tasks = [2, 3].map(|key| {
        let map = map.clone();
        spawn(move || {
            let write = || _ = shuttle::future::block_on(map.insert_async(key, 1));
            if unwinds(write) {
                shuttle::future::block_on(map.insert_async(key, 1));
            }
        })
    });
    let thread = map.clone();
    let thread = spawn(move || {
        if unwinds(|| _ = thread.insert(4, 1)) {
            assert!(thread.get_cloned(&4).is_none());
        }
    });
    join(tasks.into_iter().chain([thread]));
    if !panics.load(SeqCst) && map.get_cloned(&4).is_none() {
        seen.fetch_add(1, SeqCst);
    }
    assert_eq!((guard.len(), map.spare_stragglers()), (0, 1));
    assert!([2, 3].iter().all(|key| map.contains_key(key)));
}

/// Suppresses the message of writes that panic instead of waiting for their own thread's guard.
/// Replaces shuttle's own hook, which is set when a model begins.
fn expect_own_guards() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = take_hook();
        set_hook(Box::new(move |info| {
            let is_expected = |text: &&str| text.contains("would wait for its own guard");
            if !info.payload().downcast_ref().is_some_and(is_expected) {
                report(info);
            }
        }));
    });
}

fn write_under_own_guard<S: Modelled>(world: &World<S>, key: u32) {
    let guard = world.map.read();
    let (version, len) = (guard.version(), guard.len());
    let mut written = 0;
    for value in 1..=2 {
        if unwinds(|| _ = world.map.insert(key, value)) {
            break;
        }
        written = value;
        assert_eq!(world.map.get_cloned(&key), Some(value));
    }
    assert_eq!((guard.version(), guard.len()), (version, len));
    assert_eq!(world.map.get_cloned(&key).unwrap_or(0), written);
    drop(guard);
    world.insert(key, 3);
}

/// Threads write under their own guards. A write succeeds or panics, the latter only while another
/// thread holds a copy too; a write that panicked succeeds without the guard.
fn writes_under_own_guards<S: Modelled>(seen: &Arc<Seen>) {
    expect_own_guards();
    let world = World::<S>::going_on(seen, true);
    join([task(&world, |world| write_under_own_guard(world, 1))]);
    assert!(seen.load(SeqCst) > 0, "no write met its own guard");
    join([
        task(&world, |world| write_under_own_guard(world, 2)),
        task(&world, |world| write_under_own_guard(world, 3)),
        task(&world, |world| world.insert(4, 1)),
    ]);
    world.ends_with(4);
}

/// A value whose next clone may panic.
#[derive(Debug, PartialEq)]
struct Fragile(u32, Arc<Fuse>);

#[derive(Debug, Default)]
struct Fuse(AtomicBool);

impl PartialEq for Fuse {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Clone for Fragile {
    fn clone(&self) -> Self {
        if self.1.0.swap(false, SeqCst) {
            unwind();
        }
        Self(self.0, Arc::clone(&self.1))
    }
}

/// The clone into the spare side panics once: the write that made it fails and changes nothing, and
/// all others continue.
fn a_clone_that_panics_fails_one_write<S: Modelled>(seen: &Arc<Seen>) {
    let set_aside = Arc::default();
    let map = going_on(&set_aside)
        .strategy(S::default())
        .sleep(|_| yield_now())
        .build_concurrent();
    let map: ConcurrentHashMap<u32, Fragile, RandomState, S> = map;
    let (fuse, safe) = (Arc::new(Fuse::default()), Arc::default());
    map.insert(0, Fragile(0, Arc::clone(&fuse)));
    let guard = map.read();
    map.insert(1, Fragile(1, Arc::clone(&safe)));
    // From now on, the next clone of the whole map panics.
    fuse.0.store(true, SeqCst);
    let failed = Arc::new(AtomicUsize::new(0));
    let writers = (2..5).map(|key| {
        let (map, safe, failed) = (map.clone(), Arc::clone(&safe), Arc::clone(&failed));
        spawn(move || {
            let write = || {
                let value = Fragile(key, Arc::clone(&safe));
                if key == 4 {
                    shuttle::future::block_on(map.insert_async(key, value));
                } else {
                    map.insert(key, value);
                }
            };
            while unwinds(&write) {
                failed.fetch_add(1, SeqCst);
                assert!(map.get_cloned(&key).is_none());
            }
            assert!(map.get_with(&key, |value| value.0) == Some(key));
        })
    });
    join(writers.collect::<Vec<_>>());
    assert_eq!((failed.load(SeqCst), set_aside.load(SeqCst)), (1, 1));
    assert_eq!((guard.len(), map.spare_stragglers()), (1, 1));
    drop(guard);
    seen.fetch_add(1, SeqCst);
    let batch = map.write();
    assert_eq!((batch.as_map(), batch.len()), (batch.published(), 5));
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

/// Checks all strategies together, since the event of a model never happens with some of them.
fn check(models: [fn(&Arc<Seen>); 4]) {
    let seen = Arc::default();
    for model in models {
        run(RandomScheduler::new(iterations()), model, &seen);
        run(PctScheduler::new(3, iterations()), model, &seen);
    }
    let seen = seen.load(SeqCst);
    assert!(seen > 0, "the event of the model did not happen");
    println!(
        "{seen} of the model's events in {} executions",
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
    writers_go_on_without_a_guard
    second_copy_is_waited_for
    a_task_goes_on_at_its_poll
    a_writer_that_sets_aside_wakes_the_others
    writes_under_own_guards
    a_clone_that_panics_fails_one_write
}
