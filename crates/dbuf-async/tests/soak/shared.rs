//! Threads, and tasks of a multi-threaded executor.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use dbuf_async::Watcher;
use dbuf_async::core::{
    BlockingStrategy, DoubleBuffer, OpWriter, OwnedReadGuard, ReadGuard, Reader, SharedReadGuard,
    SharedReader, Version, Writer,
};
use dbuf_async::strategies::Watched;
use dbuf_testing::soak::{self, Notes, Tally};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::common::yield_now;
use crate::ledger::{Ledger, Op, WRITERS, change, change_async};

/// The first writers are threads, the others tasks.
const THREADS: usize = WRITERS / 2;
/// The number of threads that read; twice as many tasks read.
const READERS: usize = 1;
const WATCHERS: usize = 8;
/// The least number of turns that a writer takes in a wave. A turn hands the writer over between
/// threads, so it makes several changes.
const MIN_TURNS: u64 = 2;
const CHANGES_PER_TURN: u64 = 16;

pub(crate) trait Soaked: BlockingStrategy + 'static {}

impl<S> Soaked for S where S: BlockingStrategy + 'static {}

type Ptr<S> = Arc<DoubleBuffer<Ledger, S>>;
type Log<S> = OpWriter<Ptr<S>, Op>;
type Seen = (Tally, Notes<[u64; WRITERS]>);

/// A reader that moves between threads, and the last version that it saw.
struct Handle<S: Soaked> {
    reader: Reader<Ptr<S>>,
    seen: Version,
}

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

/// Returns the version, and how often this writer wrote.
fn before<S: Soaked>(log: &Log<S>, writer_index: usize) -> (Version, u64) {
    (log.as_writer().version(), log.front().of[writer_index])
}

/// Checks one read: it is not older than the last publish before it, and consistent.
fn check_read(notes: &mut Seen, returned: Version, version: Version, ledger: &Ledger) {
    assert!(
        version >= returned,
        "read {version} after the publish of {returned}"
    );
    ledger.check(version);
    notes.1.note(version, ledger.of);
    notes.0.reads += 1;
}

impl<S: Soaked> Handle<S> {
    fn read(&mut self, world: &World<S>, seen: &mut Seen) {
        let returned = world.returned.load(SeqCst);
        let guard = self.reader.read();
        let version = ReadGuard::version(&guard);
        assert!(version >= self.seen, "read {version} after {}", self.seen);
        self.seen = version;
        check_read(seen, returned, version, &guard);
    }

    /// Takes guards of one reader on two sides, and drops the older one first.
    fn nest(&self, seen: &mut Seen) {
        let outer = self.reader.read();
        let version = ReadGuard::version(&outer);
        thread::yield_now();
        let inner = self.reader.read();
        assert!(ReadGuard::version(&inner) >= version);
        check_read(seen, 0, version, &outer);
        drop(outer);
        check_read(seen, 0, ReadGuard::version(&inner), &inner);
    }
}

fn writes<S: Soaked>(world: &World<S>, writer_index: usize, end: Instant) {
    let mut turns = 0;
    while Instant::now() < end || turns < MIN_TURNS {
        turns += 1;
        let mut slot = world.writer.blocking_lock();
        for kind in 0..CHANGES_PER_TURN {
            if kind + turns % CHANGES_PER_TURN == CHANGES_PER_TURN {
                world.claim_again(&mut slot);
            }
            let log = slot.as_mut().unwrap();
            let before = before(log, writer_index);
            let was = change(log, writer_index, kind);
            world.changed(log, writer_index, before, was);
        }
        drop(slot);
        thread::yield_now();
    }
}

async fn writes_async<S: Soaked>(world: Arc<World<S>>, writer_index: usize, end: Instant) {
    let mut turns = 0;
    while Instant::now() < end || turns < MIN_TURNS {
        turns += 1;
        let mut slot = world.writer.lock().await;
        let log = slot.as_mut().unwrap();
        for kind in 0..CHANGES_PER_TURN {
            let before = before(log, writer_index);
            let was = change_async(log, writer_index, kind).await;
            world.changed(log, writer_index, before, was);
        }
        drop(slot);
        yield_now().await;
    }
}

/// Reads with a reader that another thread used, and does one more thing with it.
fn reads<S: Soaked>(world: &World<S>, first: u64) -> Seen {
    let (mut seen, mut kind) = (Seen::default(), first);
    while !world.done.load(SeqCst) {
        kind += 1;
        let pooled = world.pool.lock().unwrap().pop();
        let mut handle = pooled.unwrap_or_else(|| world.handle());
        for _ in 0..32 {
            handle.read(world, &mut seen);
        }
        match kind % 8 {
            0 => {
                handle.nest(&mut seen);
            }
            1 => {
                let clone = handle.reader.clone();
                let version = clone.version();
                assert!(version >= handle.seen);
                seen.0.readers += 1;
            }
            2 => {
                let returned = world.returned.load(SeqCst);
                let guard = Box::new(handle.reader.clone()).into_guard();
                check_read(&mut seen, returned, OwnedReadGuard::version(&guard), &guard);
                drop(OwnedReadGuard::into_reader(guard));
                seen.0.readers += 1;
            }
            3 => {
                let weak = Reader::new(Arc::downgrade(&world.ptr));
                let returned = world.returned.load(SeqCst);
                let guard = weak.try_read().unwrap();
                check_read(&mut seen, returned, ReadGuard::version(&guard), &guard);
                drop(guard);
                seen.0.readers += 1;
            }
            4 => {
                handle = world.handle();
                handle.read(world, &mut seen);
                seen.0.readers += 1;
            }
            _ => {}
        }
        world.pool.lock().unwrap().push(handle);
        thread::yield_now();
    }
    seen
}

/// Starts threads for a few reads each, each with its own reader behind the shared one.
fn visits<S: Soaked>(world: &Arc<World<S>>) -> Seen {
    let mut seen = Seen::default();
    while !world.done.load(SeqCst) {
        let visitors = [(); 3].map(|()| {
            let world = Arc::clone(world);
            thread::spawn(move || {
                let mut seen = Seen::default();
                for _ in 0..3 {
                    let returned = world.returned.load(SeqCst);
                    let guard = world.shared.read();
                    let nested = world.shared.read();
                    let version = SharedReadGuard::version(&guard);
                    assert!(SharedReadGuard::version(&nested) >= version);
                    check_read(&mut seen, returned, version, &guard);
                    drop(guard);
                    check_read(
                        &mut seen,
                        returned,
                        SharedReadGuard::version(&nested),
                        &nested,
                    );
                }
                // The thread's own reader, and one for each nested read.
                seen.0.readers += 4;
                seen
            })
        });
        for visitor in visitors {
            add(&mut seen, visitor.join().unwrap());
            seen.0.threads += 1;
        }
    }
    seen
}

async fn reads_async<S: Soaked>(world: Arc<World<S>>) -> Seen {
    let (mut seen, mut handle) = (Seen::default(), world.handle());
    while !world.done.load(SeqCst) {
        for _ in 0..16 {
            handle.read(&world, &mut seen);
        }
        yield_now().await;
    }
    seen.0.readers += 1;
    seen
}

async fn watches<S: Soaked>(world: Arc<World<Watched<S>>>) -> Seen {
    let mut seen = Seen::default();
    let mut watcher = Watcher::new(world.handle().reader);
    let mut last_seen = watcher.last_seen();
    while last_seen != world.last.load(SeqCst) {
        match watcher.changed().await {
            Ok(version) => {
                assert!(version > last_seen, "reported {version} after {last_seen}");
                last_seen = version;
                let guard = watcher.read();
                check_read(&mut seen, last_seen, ReadGuard::version(&guard), &guard);
                seen.0.notifications += 1;
            }
            // Another thread claims the writer again.
            Err(_) => yield_now().await,
        }
    }
    assert_eq!(
        last_seen,
        watcher.version(),
        "the last publish was not reported"
    );
    seen.0.readers += 1;
    seen
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
