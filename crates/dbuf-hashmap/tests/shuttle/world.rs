//! A map, the writes that have returned, and what its tasks do.

use std::hash::RandomState;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use dbuf_hashmap::{BlockingStrategy, Builder, ConcurrentHashMap, OnStraggler, PublishPolicy};
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread::{JoinHandle, spawn};

use crate::common::{unwind, unwinds};
use crate::futures::yield_now;

pub(crate) trait Modelled: BlockingStrategy + Default + 'static {}

impl<S> Modelled for S where S: BlockingStrategy + Default + 'static {}

/// How often the event that a model is about happened, over all executions.
pub(crate) type Seen = AtomicUsize;

pub(crate) struct World<S: Modelled> {
    pub(crate) map: ConcurrentHashMap<u32, u32, RandomState, S>,
    /// The writes that have returned. Recording them is no step of the model.
    recorded: Mutex<Vec<(u32, u32)>>,
    pub(crate) seen: Arc<Seen>,
}

impl<S: Modelled> World<S> {
    pub(crate) fn new(policy: PublishPolicy, seen: &Arc<Seen>) -> Arc<Self> {
        Self::of(Builder::new().publish_policy(policy), seen)
    }

    fn of(builder: Builder, seen: &Arc<Seen>) -> Arc<Self> {
        Arc::new(Self {
            map: builder.strategy(S::default()).build_concurrent(),
            recorded: Mutex::default(),
            seen: Arc::clone(seen),
        })
    }

    /// Makes a map that sets copies aside, which is counted, with or without a timer for tasks.
    pub(crate) fn going_on(seen: &Arc<Seen>, timer: bool) -> Arc<Self> {
        let map = going_on(seen);
        let map = match timer {
            true => map.sleep(|_| yield_now()),
            false => map,
        };
        Self::of(map, seen)
    }

    /// Checks the recorded writes, then writes, checks its own write, and records it.
    pub(crate) fn insert(&self, key: u32, value: u32) {
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
    pub(crate) fn ends_with(&self, entries: usize) {
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
pub(crate) fn going_on(seen: &Arc<Seen>) -> Builder {
    let seen = Arc::clone(seen);
    let on_straggler = OnStraggler::Spare {
        after: Duration::from_millis(500),
        up_to: usize::MAX,
    };
    Builder::new()
        .on_straggler(on_straggler)
        .on_spare(move |readers| {
            assert!(readers > 0, "set aside for no reader");
            seen.fetch_add(1, SeqCst);
        })
}

pub(crate) fn task<S: Modelled>(
    world: &Arc<World<S>>,
    body: impl FnOnce(&World<S>) + Send + 'static,
) -> JoinHandle<()> {
    let world = Arc::clone(world);
    spawn(move || body(&world))
}

pub(crate) fn join(tasks: impl IntoIterator<Item = JoinHandle<()>>) {
    tasks.into_iter().for_each(|task| task.join().unwrap());
}

/// A write that fails, changes nothing, or is cancelled.
pub(crate) fn fail<S: Modelled>(world: &World<S>, how: u32) {
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
            let [back, front] = [batch.as_map().len(), batch.published().len()];
            assert!(
                back >= front,
                "{back} entries in the back, {front} in the front"
            );
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
