//! Tasks that write, read and watch one map, and a thread that blocks beside them. Every
//! look is checked against the history: what each version held, once and for all.
#![cfg(not(miri))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

#[path = "common/futures.rs"]
mod futures;

use std::hash::RandomState;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use dbuf_hashmap::{
    Builder, ConcurrentHashMap, DefaultStrategy, MapRef, SharedReader, Watched, Watcher,
};
use futures::{poll_and_cancel, yield_now};
use tokio::runtime;
use tokio::task::JoinSet;

const WRITERS: u32 = 4;
const READERS: usize = 8;
const WATCHERS: usize = 100;
/// The writer that is a thread.
const THREAD: u32 = WRITERS;
/// The key of the sum of all others.
const SUM: u32 = u32::MAX;

type Map = ConcurrentHashMap<u32, u64, RandomState, Watched<DefaultStrategy>>;

/// What each writer has written, and the sum.
#[derive(Clone, Debug, Default, PartialEq)]
struct Counts {
    of: [u64; WRITERS as usize + 1],
    sum: u64,
}

impl Counts {
    fn of(map: MapRef<'_, u32, u64, RandomState>) -> Self {
        let at = |key| map.get(&key).copied().unwrap_or(0);
        let counts = Self {
            of: std::array::from_fn(|who| at(who as u32)),
            sum: at(SUM),
        };
        assert_eq!(counts.of.iter().sum::<u64>(), counts.sum, "half a batch");
        counts
    }
}

/// What every version held, as far as somebody has looked.
#[derive(Default)]
struct History(Mutex<Vec<Option<Counts>>>);

impl History {
    fn agrees(&self, version: u64, counts: &Counts) {
        let mut all = self.0.lock().unwrap();
        let at = usize::try_from(version).unwrap();
        if all.len() <= at {
            all.resize_with(at + 1, || None);
        }
        let known = all[at].get_or_insert_with(|| counts.clone());
        assert_eq!(known, counts, "two contents of version {version}");
    }

    /// Later versions hold no less of anybody.
    fn is_monotonic(&self) {
        let all = self.0.lock().unwrap();
        let mut before = &Counts::default();
        for counts in all.iter().flatten() {
            let pairs = before.of.iter().zip(&counts.of);
            assert!(pairs.into_iter().all(|(before, now)| before <= now));
            before = counts;
        }
    }
}

/// One writer's next change: a batch, or a transaction that goes through, fails, or is
/// cancelled halfway. Whether it was made.
async fn change(map: &Map, who: u32, kind: u64) -> bool {
    if kind % 4 == 0 {
        let mut batch = map.write_async().await;
        batch.upsert(who, 1, |n| *n += 1);
        batch.upsert(SUM, 1, |n| *n += 1);
        batch.publish();
        return true;
    }
    let transacts = map.transact_async(async |batch| {
        batch.upsert(who, 1, |n| *n += 1);
        yield_now().await;
        if kind % 4 == 1 {
            return Err(());
        }
        batch.upsert(SUM, 1, |n| *n += 1);
        Ok(())
    });
    if kind % 4 == 2 {
        // At the lock, behind a reader, or within.
        return poll_and_cancel(transacts, 1).is_some();
    }
    transacts.await.is_ok()
}

fn own(map: &Map, who: u32) -> u64 {
    map.get_cloned(&who).unwrap_or(0)
}

async fn writes(map: Map, who: u32, end: Instant, least: u64) {
    let (mut kind, mut made) = (u64::from(who), 0);
    while Instant::now() < end || made < least {
        kind += 1;
        made += u64::from(change(&map, who, kind).await);
        assert_eq!(own(&map, who), made, "a write was lost, or not seen");
        yield_now().await;
    }
}

fn writes_blocking(map: &Map, end: Instant, least: u64) {
    let mut made = 0;
    while Instant::now() < end || made < least {
        let done = map.transact(|batch| {
            batch.upsert(THREAD, 1, |n| *n += 1);
            batch.upsert(SUM, 1, |n| *n += 1);
            Ok::<_, ()>(())
        });
        made += u64::from(done.is_ok());
        assert_eq!(own(map, THREAD), made, "a write was lost, or not seen");
        thread::yield_now();
    }
}

async fn reads(
    reader: SharedReader<u32, u64, RandomState, Watched<DefaultStrategy>>,
    history: Arc<History>,
    looks: Arc<AtomicU64>,
    done: Arc<AtomicBool>,
) {
    let mut seen = 0;
    while !done.load(Relaxed) {
        for _ in 0..20 {
            let map = reader.read();
            assert!(map.version() >= seen, "read {} after {seen}", map.version());
            seen = map.version();
            history.agrees(seen, &Counts::of(map.as_map()));
            looks.fetch_add(1, Relaxed);
        }
        yield_now().await;
    }
}

async fn watches(mut watcher: Watcher<u32, u64>, history: Arc<History>, tells: Arc<AtomicU64>) {
    let mut told = 0;
    while let Ok(version) = watcher.changed().await {
        assert!(version > told, "told of {version} after {told}");
        told = version;
        let map = watcher.read();
        assert!(
            map.version() >= told,
            "told of {told}, read {}",
            map.version()
        );
        history.agrees(map.version(), &Counts::of(map.as_map()));
        tells.fetch_add(1, Relaxed);
    }
    assert_eq!(
        told,
        watcher.read().version(),
        "the last publish was not told of"
    );
}

fn soak(duration: Duration, least: u64) {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap();
    let end = Instant::now() + duration;
    let map: Map = Builder::new().watched().build_concurrent();
    let reader = map.reader();
    let history = Arc::new(History::default());
    let (looks, tells) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
    let done = Arc::<AtomicBool>::default();
    let (mut tasks, mut writers) = (JoinSet::new(), JoinSet::new());
    let _in = runtime.enter();
    for _ in 0..WATCHERS {
        tasks.spawn(watches(
            map.watcher(),
            Arc::clone(&history),
            Arc::clone(&tells),
        ));
    }
    for _ in 0..READERS {
        tasks.spawn(reads(
            reader.clone(),
            Arc::clone(&history),
            Arc::clone(&looks),
            Arc::clone(&done),
        ));
    }
    for who in 0..WRITERS {
        writers.spawn(writes(map.clone(), who, end, least));
    }
    let blocks = thread::spawn(move || writes_blocking(&map, end, least));
    runtime.block_on(async {
        while let Some(ended) = writers.join_next().await {
            ended.unwrap();
        }
        done.store(true, Relaxed);
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
    });
    blocks.join().unwrap();
    history.is_monotonic();
    let last = reader.read();
    let counts = Counts::of(last.as_map());
    history.agrees(last.version(), &counts);
    // A transaction each, and nothing else was published.
    assert_eq!(counts.sum, last.version());
    assert!(counts.of.iter().all(|made| *made >= least));
    let tells = tells.load(Relaxed);
    assert!(tells >= WATCHERS as u64);
    println!(
        "{} publishes, {} looks, {tells} announcements, {} versions noted",
        last.version(),
        looks.load(Relaxed),
        history.0.lock().unwrap().iter().flatten().count(),
    );
}

#[test]
fn short_soak() {
    soak(Duration::ZERO, 40);
}

#[test]
#[ignore = "takes 10 s: .ci/soak"]
fn long_soak() {
    soak(Duration::from_secs(10), 100);
}
