//! The threads and tasks of one wave.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use dbuf_hashmap::{Version, Watched};
use dbuf_testing::soak::{self, Tally};
use tokio::runtime;
use tokio::task::JoinSet;

use crate::contents::{Contents, Soaked, WRITERS, change, change_async};
use crate::futures::yield_now;
use crate::world::{Flips, Seen, World, snapshots};

/// The number of writers: the first ones are threads, the others tasks.
const THREADS: u32 = WRITERS / 2;
/// The number of threads that read. Twice as many tasks read.
const READERS: usize = 1;
const WATCHERS: usize = 8;
/// The least number of changes of a writer in a wave.
const LEAST: u64 = 10;

fn writes<S: Soaked>(world: &World<S>, id: u32, end: Instant) {
    // Uses another handle for a while.
    let (mut map, mut made) = (world.map.clone(), world.made(id));
    let (mut kind, mut rounds) = (u64::from(3 * id), 0);
    while Instant::now() < end || rounds < LEAST {
        (kind, rounds) = (kind + 1, rounds + 1);
        change(&map, id, kind, &mut made);
        world.changed(id, made);
        if kind % 16 == 0 {
            map = map.clone();
        }
        thread::yield_now();
    }
}

async fn writes_async<S: Soaked>(world: Arc<World<S>>, id: u32, end: Instant) {
    let (mut kind, mut rounds, mut made) = (u64::from(id), 0, world.made(id));
    while Instant::now() < end || rounds < LEAST {
        (kind, rounds) = (kind + 1, rounds + 1);
        change_async(&world.map, id, kind, &mut made).await;
        world.changed(id, made);
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

/// Starts threads that live for a few reads.
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
            // The reader of another worker thread may be behind.
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
            "version {version} is reported after {last_seen}"
        );
        last_seen = version;
        let map = watcher.read();
        assert!(
            map.version() >= last_seen,
            "version {last_seen} is reported, but the read shows {}",
            map.version()
        );
        seen.check(
            &Contents::default(),
            map.version(),
            Contents::of(map.as_map()),
        );
        seen.tally.notifications += 1;
    }
    assert_eq!(
        last_seen,
        watcher.read().version(),
        "the last publish was not reported"
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
    for id in THREADS..WRITERS {
        writers.spawn(writes_async(Arc::clone(world), id, end));
    }
    let threads: Vec<_> = (0..THREADS)
        .map(|id| {
            let world = Arc::clone(world);
            thread::spawn(move || writes(&world, id, end))
        })
        .collect();

    for thread in threads {
        thread.join().unwrap();
    }
    let mut seen = Seen::default();
    runtime.block_on(async {
        writers.join_all().await;
        world.done.store(true, SeqCst);
        // One more publish, which all watchers see.
        let mut made = world.made(0);
        let version = world.map.read().version();
        world.last.store(version + 1, SeqCst);
        change_async(&world.map, 0, 1, &mut made).await;
        world.changed(0, made);
        for ended in tasks.join_all().await {
            seen.add(ended);
        }
    });
    for reader in readers {
        seen.add(reader.join().unwrap());
    }
    seen.tally.publishes = world.map.read().version() - first;
    seen.tally.threads += (THREADS as usize + READERS + 1) as u64;
    // Both copies are equal, and no straggler remains.
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
