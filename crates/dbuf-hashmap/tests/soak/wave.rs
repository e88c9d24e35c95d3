//! The threads and tasks of one wave.

use std::hash::RandomState;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use dbuf_hashmap::{Builder, SharedReader, Version, Watched};
use dbuf_testing::soak::{self, Notes, Tally};
use tokio::runtime;
use tokio::task::JoinSet;

use crate::contents::{Contents, Made, Map, Number, Soaked, WRITERS, change, change_async};
use crate::futures::yield_now;

/// The first ones are threads, the others tasks.
const THREADS: u32 = WRITERS / 2;
/// Threads that read; twice as many tasks do.
const READERS: usize = 1;
const WATCHERS: usize = 8;
/// A writer makes at least so many changes in a wave, however short.
const LEAST: u64 = 10;

/// Whether a publish is one point for all readers: what a task may expect whose worker
/// threads have a reader each.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Flips {
    AtOnce,
    ReaderByReader,
}

pub(crate) struct World<S: Soaked> {
    pub(crate) map: Map<S>,
    flips: Flips,
    /// What each writer's changes that have returned come to.
    returned: [[AtomicU64; 2]; WRITERS as usize],
    /// The last version of this wave, as soon as it is known.
    last: AtomicU64,
    done: AtomicBool,
}

impl<S: Soaked> World<S> {
    fn new(strategy: S, flips: Flips) -> Self {
        Self::with_map(Builder::new().strategy(strategy).build_concurrent(), flips)
    }

    pub(crate) fn with_map(map: Map<S>, flips: Flips) -> Self {
        Self {
            map,
            flips,
            returned: Default::default(),
            last: AtomicU64::new(Version::MAX),
            done: AtomicBool::new(false),
        }
    }

    pub(crate) fn returned(&self) -> Contents {
        let of = |who: usize| [0, 1].map(|kind: usize| self.returned[who][kind].load(SeqCst));
        Contents(std::array::from_fn(of))
    }

    /// Takes note of changes that have returned; their writer sees them.
    pub(crate) fn changed(&self, who: u32, made: Made) {
        let contents = Contents::of(self.map.read().as_map());
        assert_eq!(
            contents.0[who as usize], made,
            "a write was lost, or not seen"
        );
        for (kind, made) in made.into_iter().enumerate() {
            self.returned[who as usize][kind].store(made, SeqCst);
        }
    }

    pub(crate) fn made(&self, who: u32) -> Made {
        self.returned().0[who as usize]
    }
}

/// What one thread or task saw.
#[derive(Default)]
pub(crate) struct Seen {
    tally: Tally,
    notes: Notes<Contents>,
    version: Version,
}

impl Seen {
    fn look(&mut self, returned: &Contents, version: Version, contents: Contents) {
        assert!(
            contents.is_after(returned),
            "{contents:?} after {returned:?}"
        );
        self.notes.note(version, contents);
        self.tally.reads += 1;
    }

    /// As `look`, and nobody goes back.
    fn look_on(&mut self, returned: &Contents, version: Version, contents: Contents) {
        assert!(version >= self.version, "{version} after {}", self.version);
        self.version = version;
        self.look(returned, version, contents);
    }

    fn add(&mut self, other: Self) {
        self.tally += other.tally;
        self.notes.merge(other.notes);
    }
}

/// One snapshot, and another one under it.
fn snapshots<S: Soaked>(
    world: &World<S>,
    reader: &SharedReader<u32, Number, RandomState, S>,
    seen: &mut Seen,
) {
    let returned = world.returned();
    let outer = reader.read();
    seen.look_on(&returned, outer.version(), Contents::of(outer.as_map()));
    if seen.tally.reads % 4 == 0 {
        let before = Contents::of(outer.as_map());
        let nested = reader.read();
        assert!(nested.version() >= outer.version());
        thread::yield_now();
        assert_eq!(Contents::of(outer.as_map()), before, "a snapshot changed");
        drop(outer);
        seen.look(&returned, nested.version(), Contents::of(nested.as_map()));
        seen.tally.readers += 1;
    }
}

fn writes<S: Soaked>(world: &World<S>, who: u32, end: Instant) {
    // A handle of its own, for a while.
    let (mut map, mut made) = (world.map.clone(), world.made(who));
    let (mut kind, mut rounds) = (u64::from(3 * who), 0);
    while Instant::now() < end || rounds < LEAST {
        (kind, rounds) = (kind + 1, rounds + 1);
        change(&map, who, kind, &mut made);
        world.changed(who, made);
        if kind % 16 == 0 {
            map = map.clone();
        }
        thread::yield_now();
    }
}

async fn writes_async<S: Soaked>(world: Arc<World<S>>, who: u32, end: Instant) {
    let (mut kind, mut rounds, mut made) = (u64::from(who), 0, world.made(who));
    while Instant::now() < end || rounds < LEAST {
        (kind, rounds) = (kind + 1, rounds + 1);
        change_async(&world.map, who, kind, &mut made).await;
        world.changed(who, made);
        yield_now().await;
    }
}

fn reads<S: Soaked>(world: &World<S>) -> Seen {
    let mut seen = Seen::default();
    while !world.done.load(SeqCst) {
        let reader = world.map.clone().reader();
        for _ in 0..32 {
            snapshots(world, &reader, &mut seen);
        }
        thread::yield_now();
    }
    seen
}

/// Threads that live for a few looks.
fn visits<S: Soaked>(world: &Arc<World<S>>) -> Seen {
    let mut seen = Seen::default();
    while !world.done.load(SeqCst) {
        let visitors = [(); 3].map(|()| {
            let world = Arc::clone(world);
            thread::spawn(move || {
                let (mut seen, reader) = (Seen::default(), world.map.reader());
                for _ in 0..4 {
                    snapshots(&world, &reader, &mut seen);
                }
                seen.tally.readers += 1;
                seen
            })
        });
        for visitor in visitors {
            seen.add(visitor.join().unwrap());
            seen.tally.threads += 1;
        }
    }
    seen
}

async fn reads_async<S: Soaked>(world: Arc<World<S>>) -> Seen {
    let (mut seen, reader) = (Seen::default(), world.map.reader());
    while !world.done.load(SeqCst) {
        for _ in 0..16 {
            snapshots(&world, &reader, &mut seen);
        }
        yield_now().await;
        if world.flips == Flips::ReaderByReader {
            // Another worker thread's reader may be behind.
            seen.version = 0;
        }
    }
    seen
}

async fn watches<S: Soaked>(world: Arc<World<Watched<S>>>) -> Seen {
    let (mut seen, mut watcher) = (Seen::default(), world.map.watcher());
    let mut last_seen = watcher.last_seen();
    while last_seen != world.last.load(SeqCst) {
        let version = watcher.changed().await.unwrap();
        assert!(
            version > last_seen,
            "last_seen of {version} after {last_seen}"
        );
        last_seen = version;
        let map = watcher.read();
        assert!(
            map.version() >= last_seen,
            "last_seen of {last_seen}, read {}",
            map.version()
        );
        seen.look(
            &Contents::default(),
            map.version(),
            Contents::of(map.as_map()),
        );
        seen.tally.notifications += 1;
    }
    assert_eq!(
        last_seen,
        watcher.read().version(),
        "the last publish was not last_seen of"
    );
    seen.tally.readers += 1;
    seen
}

pub(crate) type Watch<S> = fn(&Arc<World<S>>, &mut JoinSet<Seen>);

pub(crate) fn no_watchers<S: Soaked>(_: &Arc<World<S>>, _: &mut JoinSet<Seen>) {}

pub(crate) fn with_watchers<S>(world: &Arc<World<Watched<S>>>, tasks: &mut JoinSet<Seen>)
where
    S: Soaked,
{
    for _ in 0..WATCHERS {
        tasks.spawn(watches(Arc::clone(world)));
    }
}

fn wave<S: Soaked>(world: &Arc<World<S>>, end: Instant, watch: Watch<S>) -> Tally {
    world.done.store(false, SeqCst);
    world.last.store(Version::MAX, SeqCst);
    let first = world.map.read().version();
    let runtime = runtime::Builder::new_multi_thread()
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
        .map(|_| {
            let world = Arc::clone(world);
            thread::spawn(move || reads(&world))
        })
        .collect();
    let visited = Arc::clone(world);
    readers.push(thread::spawn(move || visits(&visited)));
    for who in THREADS..WRITERS {
        writers.spawn(writes_async(Arc::clone(world), who, end));
    }
    let threads: Vec<_> = (0..THREADS)
        .map(|who| {
            let world = Arc::clone(world);
            thread::spawn(move || writes(&world, who, end))
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
        // One more, which all who watch are told of.
        let mut made = world.made(0);
        let version = world.map.read().version();
        world.last.store(version + 1, SeqCst);
        change_async(&world.map, 0, 1, &mut made).await;
        world.changed(0, made);
        while let Some(ended) = tasks.join_next().await {
            seen.add(ended.unwrap());
        }
    });
    for reader in readers {
        seen.add(reader.join().unwrap());
    }
    seen.tally.publishes = world.map.read().version() - first;
    seen.tally.threads += (THREADS as usize + READERS + 1) as u64;
    // Both copies are equal, and nobody is in the way.
    let batch = world.map.write();
    assert_eq!(batch.as_map(), batch.published());
    drop(batch);
    assert_eq!((world.map.stragglers(), world.map.queued_writers()), (0, 0));
    seen.tally
}

pub(crate) fn run<S: Soaked>(
    name: &str,
    time: Duration,
    strategy: impl Fn() -> S,
    flips: Flips,
    watch: Watch<S>,
) {
    soak::soak(
        name,
        time,
        || Arc::new(World::new(strategy(), flips)),
        |world, end| wave(world, end, watch),
    );
}
