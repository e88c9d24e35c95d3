//! Wakers run user code: they panic, poll or drop their task inside `wake`, block, and outlive
//! their executor. None of this blocks a reader or another writer.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::{Wake, Waker};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::MapStrategy;
use crate::common::unwinds;
use crate::futures::{Blocks, Polled, poll_with};

type Map<S> = dbuf_hashmap::ConcurrentHashMap<u32, u32, std::hash::RandomState, S>;
type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a task and a thread wait for.
#[derive(Clone, Copy, Debug)]
enum Obstacle {
    Batch,
    Reader,
}

fn map<S: MapStrategy>(new: fn() -> S) -> Map<S> {
    dbuf_hashmap::Builder::new()
        .strategy(new())
        .build_concurrent()
}

/// Runs a test with each strategy and each obstacle. The test makes its worlds.
fn over_worlds(test: impl Fn(&dyn Fn() -> World)) {
    use dbuf_hashmap::strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
    for obstacle in [Obstacle::Batch, Obstacle::Reader] {
        test(&|| World::new(&map(CountStrategy::new), obstacle));
        test(&|| World::new(&map(EpochStrategy::new), obstacle));
        test(&|| World::new(&map(FlashStrategy::new), obstacle));
        test(&|| World::new(&map(LockStrategy::new), obstacle));
    }
}

/// A map with an obstacle for writers, and closures that work on it.
struct World {
    /// Removes the obstacle, on a thread of its own. Returns whether that unwound.
    remove: Option<mpsc::Sender<()>>,
    removed: mpsc::Receiver<bool>,
    insert: Arc<dyn Fn(u32) + Send + Sync>,
    insert_async: Box<dyn Fn(u32) -> Task>,
    queued: Box<dyn Fn() -> usize>,
    holder: Option<JoinHandle<()>>,
}

impl World {
    fn new<S: MapStrategy>(map: &Map<S>, obstacle: Obstacle) -> Self {
        let (remove, asked) = mpsc::channel();
        let (sender, removed) = mpsc::channel();
        let (ready, is_ready) = mpsc::channel();
        let holds = map.clone();
        let holder = thread::spawn(move || {
            let held = match obstacle {
                Obstacle::Batch => (Some(holds.write()), None),
                Obstacle::Reader => (None, Some(holds.read())),
            };
            ready.send(()).unwrap();
            asked.recv().unwrap();
            sender.send(unwinds(|| drop(held))).unwrap();
        });
        is_ready.recv().unwrap();
        if matches!(obstacle, Obstacle::Reader) {
            map.insert(0, 0); // the first publish waits for no guard
        }
        let (inserts, awaits, waits) = (map.clone(), map.clone(), map.clone());
        Self {
            remove: Some(remove),
            removed,
            insert: Arc::new(move |key| _ = inserts.insert(key, key)),
            insert_async: Box::new(move |key| {
                let map = awaits.clone();
                Box::pin(async move { _ = map.insert_async(key, key).await })
            }),
            queued: Box::new(move || waits.queued_writers()),
            holder: Some(holder),
        }
    }

    /// A write by a thread, which reports its end.
    fn insert_on_a_thread(&self, key: u32) -> mpsc::Receiver<()> {
        let (done, ended) = mpsc::channel();
        let insert = Arc::clone(&self.insert);
        thread::spawn(move || {
            insert(key);
            done.send(()).ok();
        });
        ended
    }

    fn wait_for_queue(&self, length: usize) {
        while (self.queued)() < length {
            thread::yield_now();
        }
    }

    /// Removes the obstacle. Fails if that never returns.
    fn remove(&mut self) -> bool {
        self.remove.take().unwrap().send(()).unwrap();
        let unwound = within(&self.removed, "the obstacle's owner returns");
        self.holder.take().unwrap().join().unwrap();
        unwound
    }
}

/// Returns what is sent in time. Only a hang takes longer.
fn within<T>(receiver: &mpsc::Receiver<T>, what: &str) -> T {
    receiver.recv_timeout(Duration::from_secs(20)).expect(what)
}

/// A waker after the end of its executor, which unwraps access to its queue.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        resume_unwind(Box::new("the executor is gone"));
    }
}

#[test]
fn a_waker_that_panics_loses_no_other_wake() {
    over_worlds(|world| {
        let mut world = world();
        let waker = Waker::from(Arc::new(Panics));
        let mut task = (world.insert_async)(1);
        assert!(poll_with(&mut task, &waker).is_pending());
        let thread = world.insert_on_a_thread(2);
        world.wait_for_queue(2);
        assert!(world.remove(), "the caller gets the panic");
        within(&thread, "a thread that waited with the task is woken");
        drop(task);
        within(&world.insert_on_a_thread(3), "later writes work");
    });
}

#[test]
fn a_waker_that_panicked_changes_no_later_queue() {
    over_worlds(|world| {
        for panics in [true, false] {
            let mut world = world();
            let mut waits = Polled::new((world.insert_async)(1));
            let waker = Waker::from(Arc::new(Panics));
            let mut panicking = (world.insert_async)(2);
            if panics {
                assert!(poll_with(&mut panicking, &waker).is_pending());
            }
            assert!(waits.poll().is_pending());
            assert_eq!(world.remove(), panics);
            assert!(waits.count.wakes() > 0, "the other task is woken");
            drop(panicking);
            assert!(waits.poll().is_ready(), "it waits on");
        }
    });
}

/// Like async-task's: the waker owns the task, and drops it when the queue is gone.
struct Owns {
    task: Mutex<Option<Task>>,
    queue: mpsc::Sender<Arc<Self>>,
    unwraps: bool,
}

impl Wake for Owns {
    fn wake(self: Arc<Self>) {
        let queue = self.queue.clone();
        let sent = queue.send(Arc::clone(&self));
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        drop(task.take());
        drop(task);
        assert!(sent.is_ok() || !self.unwraps, "the executor is gone");
    }
}

#[test]
fn a_task_whose_executor_is_gone_blocks_no_writer() {
    over_worlds(|world| {
        for unwraps in [true, false] {
            let mut world = world();
            let (queue, ready) = mpsc::channel();
            let owns = Arc::new(Owns {
                task: Mutex::new(Some((world.insert_async)(1))),
                queue,
                unwraps,
            });
            let waker = Waker::from(Arc::clone(&owns));
            let mut task = owns.task.lock().unwrap();
            assert!(poll_with(task.as_mut().unwrap(), &waker).is_pending());
            drop(task);
            drop((waker, owns, ready)); // the executor shuts down
            let thread = world.insert_on_a_thread(2);
            world.wait_for_queue(2);
            assert_eq!(world.remove(), unwraps);
            within(&thread, "a thread that waited with it is woken");
        }
    });
}

/// A waker that polls its task at once, like a schedule function `|task| task.run()`.
struct Inline {
    task: Mutex<Option<Task>>,
    polls: AtomicUsize,
}

impl Wake for Inline {
    fn wake(self: Arc<Self>) {
        self.polls.fetch_add(1, SeqCst);
        let waker = Waker::from(Arc::clone(&self));
        if let Ok(mut slot) = self.task.try_lock()
            && let Some(task) = &mut *slot
            && poll_with(task, &waker).is_ready()
        {
            *slot = None;
        }
    }
}

#[test]
fn a_waker_may_poll_its_task_in_place() {
    over_worlds(|world| {
        let mut world = world();
        let inline = Arc::new(Inline {
            task: Mutex::new(Some((world.insert_async)(1))),
            polls: AtomicUsize::new(0),
        });
        Arc::clone(&inline).wake();
        assert_eq!(inline.polls.load(SeqCst), 1);
        world.remove();
        assert!(
            inline.task.lock().unwrap().is_none(),
            "the task ran inside `wake`"
        );
    });
}

#[test]
fn a_waker_that_blocks_blocks_no_writer() {
    over_worlds(|world| {
        let mut world = world();
        let (waker, has_entered, go_on) = Blocks::waker();
        let mut task = (world.insert_async)(1);
        assert!(poll_with(&mut task, &waker).is_pending());
        let thread = world.insert_on_a_thread(2);
        world.wait_for_queue(2);
        world.remove.as_ref().unwrap().send(()).unwrap();
        within(&has_entered, "the task is woken");
        within(&thread, "the thread was woken before the task");
        within(&world.insert_on_a_thread(3), "the lock is free");
        go_on.send(()).unwrap();
        let unwound = within(&world.removed, "the obstacle's owner returns");
        assert!(!unwound, "the waker has not panicked");
        world.holder.take().unwrap().join().unwrap();
    });
}

/// If a waker panics when it is cloned, only the call that cloned it fails.
#[test]
fn a_waker_that_panics_as_it_is_cloned_fails_its_own_poll_only() {
    use std::task::{RawWaker, RawWakerVTable};

    const UNCLONABLE: RawWakerVTable = RawWakerVTable::new(
        |_| resume_unwind(Box::new("no clone")),
        |_| {},
        |_| {},
        |_| {},
    );

    over_worlds(|world| {
        let mut world = world();
        // SAFETY: the functions ignore the data, and cloning it never returns.
        let waker = unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &UNCLONABLE)) };
        let mut task = (world.insert_async)(1);
        assert!(unwinds(|| _ = poll_with(&mut task, &waker)), "no clone");
        drop(task);
        let thread = world.insert_on_a_thread(2);
        world.wait_for_queue(1);
        world.remove();
        within(&thread, "the thread is woken");
    });
}
