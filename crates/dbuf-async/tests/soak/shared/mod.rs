//! Threads, and tasks of a multi-threaded executor.

mod readers;
mod writers;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use dbuf_async::core::{
    BlockingStrategy, DoubleBuffer, OpWriter, Reader, SharedReader, Version, Writer,
};
use dbuf_async::strategies::Watched;
use dbuf_testing::soak::{self, Notes, Tally};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::ledger::{Ledger, Op, WRITERS, change_async};
use readers::{Handle, reads, reads_async, visits, watches};
use writers::{before, writes, writes_async};

/// The first writers are threads, the others tasks.
const THREADS: usize = WRITERS / 2;
/// The number of threads that read; twice as many tasks read.
const READERS: usize = 1;
const WATCHERS: usize = 8;
pub(crate) trait Soaked: BlockingStrategy + 'static {}

impl<S> Soaked for S where S: BlockingStrategy + 'static {}

type Ptr<S> = Arc<DoubleBuffer<Ledger, S>>;
type Log<S> = OpWriter<Ptr<S>, Op>;
type Seen = (Tally, Notes<[u64; WRITERS]>);

pub(crate) struct World<S: Soaked> {
    ptr: Ptr<S>,
    writer: tokio::sync::Mutex<Option<Log<S>>>,
    shared: SharedReader<Ptr<S>>,
    pool: Mutex<Vec<Handle<S>>>,
    /// The last version whose publish returned.
    returned: AtomicU64,
    /// The last version of this wave, `u64::MAX` until it is known.
    last: AtomicU64,
    done: AtomicBool,
}

impl<S: Soaked> World<S> {
    fn new(strategy: S) -> Self {
        let ptr = Arc::new(DoubleBuffer::cloned(Ledger::default(), strategy));
        let writer = Writer::claim(Arc::clone(&ptr)).unwrap();
        Self {
            writer: tokio::sync::Mutex::new(Some(OpWriter::new(writer))),
            shared: SharedReader::new(Arc::clone(&ptr)),
            pool: Mutex::default(),
            returned: AtomicU64::new(0),
            last: AtomicU64::new(u64::MAX),
            done: AtomicBool::new(false),
            ptr,
        }
    }

    fn handle(&self) -> Handle<S> {
        Handle {
            reader: Reader::new(Arc::clone(&self.ptr)),
            seen: 0,
        }
    }

    /// Records a change that has returned; `made` and `version` are from before it.
    fn changed(
        &self,
        log: &Log<S>,
        writer_index: usize,
        (version, made): (Version, u64),
        was: bool,
    ) {
        let (before, version) = (version, log.as_writer().version());
        assert_eq!(version, before + u64::from(was));
        log.front().check(version);
        assert_eq!(
            log.front().of[writer_index],
            made + u64::from(was),
            "a write was lost"
        );
        self.returned.fetch_max(version, SeqCst);
    }

    /// Ends the claim in any state, and claims again.
    fn claim_again(&self, slot: &mut Option<Log<S>>) {
        let version = slot.as_ref().map(|log| log.as_writer().version());
        drop(slot.take().map(OpWriter::into_writer));
        let writer = Writer::claim(Arc::clone(&self.ptr)).unwrap();
        assert_eq!(version, Some(writer.version()));
        *slot = Some(OpWriter::new(writer));
    }
}

pub(crate) type Watch<S> = fn(&Arc<World<S>>, &mut JoinSet<Seen>);

pub(crate) fn no_watchers<S: Soaked>(_: &Arc<World<S>>, _: &mut JoinSet<Seen>) {}

pub(crate) fn with_watchers<S: Soaked>(world: &Arc<World<Watched<S>>>, tasks: &mut JoinSet<Seen>) {
    for _ in 0..WATCHERS {
        tasks.spawn(watches(Arc::clone(world)));
    }
}

fn add(seen: &mut Seen, other: Seen) {
    seen.0 += other.0;
    seen.1.merge(other.1);
}

fn wave<S: Soaked>(world: &Arc<World<S>>, end: Instant, watch: Watch<S>) -> Tally {
    world.done.store(false, SeqCst);
    world.last.store(u64::MAX, SeqCst);
    let first = world.returned.load(SeqCst);
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let _in = runtime.enter();
    let (mut tasks, mut writers) = (JoinSet::new(), JoinSet::new());
    watch(world, &mut tasks);
    for _ in 0..2 * READERS {
        tasks.spawn(reads_async(Arc::clone(world)));
    }
    let mut readers: Vec<_> = (0..READERS)
        .map(|number| {
            let world = Arc::clone(world);
            thread::spawn(move || reads(&world, 3 * number as u64))
        })
        .collect();
    let visited = Arc::clone(world);
    readers.push(thread::spawn(move || visits(&visited)));
    for writer_index in THREADS..WRITERS {
        writers.spawn(writes_async(Arc::clone(world), writer_index, end));
    }
    let threads: Vec<_> = (0..THREADS)
        .map(|writer_index| {
            let world = Arc::clone(world);
            thread::spawn(move || writes(&world, writer_index, end))
        })
        .collect();

    for thread in threads {
        thread.join().unwrap();
    }
    let mut seen = Seen::default();
    runtime.block_on(async {
        while let Some(ended) = writers.join_next().await {
            ended.unwrap();
        }
        world.done.store(true, SeqCst);
        // One more publish, which every watcher reports.
        let mut slot = world.writer.lock().await;
        let log = slot.as_mut().unwrap();
        let before = before(log, 0);
        world.last.store(before.0 + 1, SeqCst);
        let was = change_async(log, 0, 0).await;
        world.changed(log, 0, before, was);
        drop(slot);
        while let Some(ended) = tasks.join_next().await {
            add(&mut seen, ended.unwrap());
        }
    });
    for reader in readers {
        add(&mut seen, reader.join().unwrap());
    }
    seen.0.publishes = world.returned.load(SeqCst) - first;
    seen.0.threads += (THREADS + READERS + 1) as u64;
    // No guard is live at the end.
    let mut slot = world.writer.blocking_lock();
    let log = slot.as_mut().unwrap();
    log.catch_up();
    assert_eq!((log.stragglers(), log.has_pending()), (0, false));
    seen.0
}

pub(crate) fn run<S: Soaked>(
    name: &str,
    time: Duration,
    strategy: impl Fn() -> S,
    watch: Watch<S>,
) {
    soak::soak(
        name,
        time,
        || Arc::new(World::new(strategy())),
        |world, end| wave(world, end, watch),
    );
}
