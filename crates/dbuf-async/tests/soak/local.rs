//! Tasks on one thread that hold guards across awaits.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use dbuf_async::Watcher;
use dbuf_async::core::{
    DoubleBuffer, OpWriter, OwnedReadGuard, ReadGuard, Reader, Strategy, Version, Writer,
};
use dbuf_async::strategies::Watched;
use dbuf_testing::soak::{self, Notes, Tally};
use smol::lock::Mutex;
use smol::{LocalExecutor, Task};

use crate::common::yield_now;
use crate::ledger::{Ledger, Op, WRITERS, change_async};

const READERS: usize = 4;
const WATCHERS: usize = 4;
/// The least number of changes that a writer makes in a wave.
const MIN_CHANGES: u64 = 24;

type Ptr<S> = Rc<DoubleBuffer<Ledger, S>>;
type Log<S> = OpWriter<Ptr<S>, Op>;

pub(crate) struct World<S: Strategy> {
    ptr: Ptr<S>,
    writer: Mutex<Option<Log<S>>>,
    /// The last version whose publish returned.
    returned: Cell<Version>,
    /// The last version of this wave, `Version::MAX` until it is known.
    last: Cell<Version>,
    tally: Cell<Tally>,
    /// All tasks share one thread, so they share one list.
    notes: Cell<Option<Notes<[u64; WRITERS]>>>,
}

impl<S: Strategy> World<S> {
    fn new(strategy: S) -> Self {
        let ptr = Rc::new(DoubleBuffer::cloned(Ledger::default(), strategy));
        let writer = Writer::claim(Rc::clone(&ptr)).unwrap();
        Self {
            ptr,
            writer: Mutex::new(Some(OpWriter::new(writer))),
            returned: Cell::new(0),
            last: Cell::new(Version::MAX),
            tally: Cell::default(),
            notes: Cell::default(),
        }
    }

    fn count(&self, f: impl FnOnce(&mut Tally)) {
        let mut tally = self.tally.get();
        f(&mut tally);
        self.tally.set(tally);
    }

    fn check(&self, version: Version, ledger: &Ledger) {
        ledger.check(version);
        let mut notes = self.notes.take().unwrap_or_default();
        notes.note(version, ledger.of);
        self.notes.set(Some(notes));
        self.count(|tally| tally.reads += 1);
    }

    async fn change(&self, writer_index: usize, kind: u64) {
        let mut slot = self.writer.lock().await;
        if kind % 16 == 0 {
            drop(slot.take().map(OpWriter::into_writer));
            *slot = Some(OpWriter::new(Writer::claim(Rc::clone(&self.ptr)).unwrap()));
        }
        let log = slot.as_mut().unwrap();
        let (before, made) = (log.as_writer().version(), log.front().of[writer_index]);
        let was = u64::from(change_async(log, writer_index, kind).await);
        assert_eq!(log.as_writer().version(), before + was);
        assert_eq!(log.front().of[writer_index], made + was, "a write was lost");
        self.returned.set(before + was);
    }

    fn is_over(&self) -> bool {
        self.returned.get() >= self.last.get()
    }
}

async fn writes<S: Strategy>(world: Rc<World<S>>, writer_index: usize, end: Instant) {
    let (mut kind, mut rounds) = (writer_index as u64, 0);
    while Instant::now() < end || rounds < MIN_CHANGES {
        (kind, rounds) = (kind + 1, rounds + 1);
        world.change(writer_index, kind).await;
        yield_now().await;
    }
}

async fn reads<S: Strategy>(world: Rc<World<S>>, first: u64) {
    let (mut kind, mut seen) = (first, 0);
    let mut reader = Reader::new(Rc::clone(&world.ptr));
    while !world.is_over() {
        kind += 1;
        let guard = reader.read();
        let version = ReadGuard::version(&guard);
        let least = seen.max(world.returned.get());
        assert!(version >= least, "read {version} after {least}");
        seen = version;
        world.check(version, &guard);
        match kind % 4 {
            // The writer awaits this guard, while a nested read sees the newer side.
            0 => {
                let before = guard.clone();
                yield_now().await;
                let nested = reader.read();
                let newer = ReadGuard::version(&nested);
                assert!(newer >= version, "{newer} nested in {version}");
                assert_eq!(*guard, before, "a guarded side was written");
                drop(guard);
                world.check(newer, &nested);
            }
            1 => {
                let owned = Box::new(reader.clone()).into_guard();
                yield_now().await;
                world.check(OwnedReadGuard::version(&owned), &owned);
                world.count(|tally| tally.readers += 1);
            }
            2 => {
                drop(guard);
                let weak = Reader::new(Rc::downgrade(&world.ptr));
                let pinned = weak.try_read().unwrap();
                world.check(ReadGuard::version(&pinned), &pinned);
                drop(pinned);
                reader = reader.clone();
                world.count(|tally| tally.readers += 2);
            }
            _ => {}
        }
        yield_now().await;
    }
}

async fn watches<S: Strategy>(world: Rc<World<Watched<S>>>) {
    let mut watcher = Watcher::new(Reader::new(Rc::clone(&world.ptr)));
    let mut last_seen = watcher.last_seen();
    while last_seen != world.last.get() {
        match watcher.changed().await {
            Ok(version) => {
                assert!(version > last_seen, "reported {version} after {last_seen}");
                last_seen = version;
                let guard = watcher.read();
                let read = ReadGuard::version(&guard);
                assert!(read >= last_seen, "read {read}, reported {last_seen}");
                world.check(read, &guard);
                world.count(|tally| tally.notifications += 1);
            }
            // Another task claims the writer again.
            Err(_) => yield_now().await,
        }
    }
    assert_eq!(
        last_seen,
        watcher.version(),
        "the last publish was not reported"
    );
}

pub(crate) type Watch<S> = fn(&Rc<World<S>>, &LocalExecutor<'static>) -> Vec<Task<()>>;

pub(crate) fn no_local_watchers<S: Strategy>(
    _: &Rc<World<S>>,
    _: &LocalExecutor<'static>,
) -> Vec<Task<()>> {
    Vec::new()
}

pub(crate) fn with_local_watchers<S: Strategy + 'static>(
    world: &Rc<World<Watched<S>>>,
    executor: &LocalExecutor<'static>,
) -> Vec<Task<()>> {
    let watcher = |_| executor.spawn(watches(Rc::clone(world)));
    (0..WATCHERS).map(watcher).collect()
}

fn wave<S: Strategy + 'static>(world: &Rc<World<S>>, end: Instant, watch: Watch<S>) -> Tally {
    let first = world.returned.get();
    world.last.set(Version::MAX);
    world.tally.set(Tally::default());
    let executor = LocalExecutor::new();
    let mut others = watch(world, &executor);
    others.extend((0..READERS).map(|n| executor.spawn(reads(Rc::clone(world), n as u64))));
    let writer = |writer_index| executor.spawn(writes(Rc::clone(world), writer_index, end));
    let writers: Vec<_> = (0..WRITERS).map(writer).collect();
    smol::block_on(executor.run(async {
        for writer in writers {
            writer.await;
        }
        world.last.set(world.returned.get() + 1);
        world.change(0, 4).await;
        for other in others {
            other.await;
        }
    }));
    world.notes.set(None);
    let mut tally = world.tally.get();
    tally.publishes = world.returned.get() - first;
    tally
}

pub(crate) fn run<S: Strategy + 'static>(
    name: &str,
    time: Duration,
    strategy: impl Fn() -> S,
    watch: Watch<S>,
) {
    soak::soak(
        name,
        time,
        || Rc::new(World::new(strategy())),
        |world, end| wave(world, end, watch),
    );
}
