//! Guards that are held for up to 300 ms, one that is forgotten, and threads that write under their
//! own guards, together with tasks that write and a task that watches. No reader goes back, readers
//! see a whole batch or nothing of it, every later read sees a write that has returned, what a
//! guard shows does not change, and no write is lost.

use std::array::from_fn;
use std::hash::{BuildHasher, RandomState};
use std::mem;
use std::panic::{set_hook, take_hook};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Once, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use dbuf_hashmap::strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use dbuf_hashmap::{Builder, ConcurrentHashMap, MapRef, OnStraggler, Version, Watched};
use tokio::runtime;
use tokio::task::JoinSet;

use crate::common::unwinds;
use crate::futures::yield_now;
use crate::setup::{Rng, Stressed, rounds};

/// The number of writers: the first ones are threads, the others tasks.
const WRITERS: usize = 4;
const THREADS: usize = 2;
const READERS: usize = 2;
/// The number of keys that every batch stamps.
const STAMPED: u32 = 6;
/// The first of the writers' own keys, which their batches change too.
const OWN: u32 = 100;
/// A key that is written after a guard was forgotten, and at the end.
const FORGOTTEN: u32 = OWN - 1;
/// A value that no reader may see.
const UNDONE: u32 = u32::MAX;
const ROUND: Duration = Duration::from_millis(450);

type Map<S> = ConcurrentHashMap<u32, u32, RandomState, Watched<S>>;

struct World<S: Stressed> {
    map: Map<S>,
    /// The results of each writer's writes that have returned.
    returned: [AtomicU32; WRITERS],
    /// The number of published batches.
    batches: AtomicU32,
    /// Read-locked by a thread that writes under its own guard, and write-locked by one that forgets
    /// a guard: a thread that waits for a forgotten guard, while it holds the copy that was set
    /// aside, would wait for itself.
    own_guards: RwLock<()>,
    /// The time after which a guard may be forgotten.
    half: Instant,
    /// The number of copies that were set aside, and whether a guard was forgotten.
    set_aside: Arc<AtomicU32>,
    forgot: AtomicBool,
    /// The last version, once it is known.
    last: AtomicU64,
    done: AtomicBool,
}

/// The contents of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Contents {
    stamp: u32,
    own: [u32; WRITERS],
    len: usize,
}

impl Contents {
    fn of<H: BuildHasher>(map: MapRef<'_, u32, u32, H>) -> Self {
        let at = |key: u32| map.get(&key).copied().unwrap_or(0);
        let stamps: [u32; STAMPED as usize] = from_fn(|key| at(key as u32));
        assert_eq!(stamps, [stamps[0]; STAMPED as usize], "half a batch");
        let own = from_fn(|id| at(OWN + id as u32));
        assert!(!own.contains(&UNDONE), "a rolled back change is seen");
        let len = map.len();
        Self {
            stamp: stamps[0],
            own,
            len,
        }
    }

    /// Returns whether nothing is older than before.
    fn is_after(&self, stamp: u32, own: &[u32; WRITERS]) -> bool {
        self.stamp >= stamp && self.own.iter().zip(own).all(|(now, before)| now >= before)
    }
}

impl<S: Stressed + 'static> World<S> {
    fn new(after: Duration) -> Self {
        let set_aside = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&set_aside);
        let on_straggler = OnStraggler::Spare {
            after,
            up_to: usize::MAX,
        };
        Self {
            map: Builder::new()
                .strategy(S::default())
                .watched()
                .on_straggler(on_straggler)
                .on_spare(move |_| _ = counted.fetch_add(1, SeqCst))
                .sleep(|time| async move { _ = smol::Timer::after(time).await })
                .build_concurrent(),
            returned: Default::default(),
            batches: AtomicU32::new(0),
            own_guards: RwLock::new(()),
            half: Instant::now() + ROUND / 2,
            set_aside,
            forgot: AtomicBool::new(false),
            last: AtomicU64::new(Version::MAX),
            done: AtomicBool::new(false),
        }
    }

    fn returned(&self) -> [u32; WRITERS] {
        self.returned.each_ref().map(|own| own.load(SeqCst))
    }

    /// Records a write that has returned: its writer sees it, and so does every later read.
    fn wrote(&self, id: usize, own: u32) {
        let now = Contents::of(self.map.read().as_map());
        assert_eq!(
            now.own[id], own,
            "a write is lost, or its writer does not see it"
        );
        self.returned[id].store(own, SeqCst);
    }
}

/// What one thread or task has seen last.
#[derive(Default)]
struct Seen {
    version: Version,
    stamp: u32,
    own: [u32; WRITERS],
}

impl Seen {
    /// Checks a read that began after these writes had returned.
    fn check(&mut self, returned: &[u32; WRITERS], version: Version, now: &Contents) {
        assert!(
            now.is_after(0, returned),
            "{now:?} does not show {returned:?}"
        );
        assert!(
            version >= self.version && now.is_after(self.stamp, &self.own),
            "a reader went back from version {} to {version}, {now:?}",
            self.version
        );
        (self.version, self.stamp, self.own) = (version, now.stamp, now.own);
    }
}

/// Holds a guard for a while: usually a short one, and at most this many microseconds.
fn keep(rng: &mut Rng, longest: u32) {
    let most = match rng.roll(32) {
        0..=15 => return thread::yield_now(),
        16..=27 => 2_000,
        28..=30 => 30_000,
        _ => longest,
    };
    thread::sleep(Duration::from_micros(u64::from(rng.roll(most))));
}

/// Drops a guard, or forgets one of them in the second half of a round. Returns whether it did
/// forget it.
fn end<S: Stressed + 'static, G>(world: &World<S>, guard: G, rng: &mut Rng) -> bool {
    if rng.roll(32) > 0 || Instant::now() < world.half {
        return false;
    }
    // The lock is only tried while this thread holds a guard.
    let Ok(_alone) = world.own_guards.try_write() else {
        return false;
    };
    if world.forgot.swap(true, SeqCst) {
        return false;
    }
    mem::forget(guard);
    // The second write sets its copy aside. For either one, a reader may hold the spare copy.
    let mut writes = 0;
    while writes < 2 {
        writes += u32::from(!unwinds(|| _ = world.map.insert(FORGOTTEN, 1)));
        thread::yield_now();
    }
    true
}

/// Stamps every key with one more than before, and also the writer's own key.
macro_rules! stamp {
    ($batch:expr, $id:expr, $own:expr) => {
        for key in 0..STAMPED {
            $batch.upsert(key, 1, |n| *n += 1);
        }
        assert_eq!(
            $batch.insert(OWN + $id as u32, $own + 1).unwrap_or(0),
            $own,
            "a write was lost"
        );
    };
}

/// Makes one write. `own` is the value of the writer's key, before and after.
fn write<S: Stressed>(world: &World<S>, id: usize, kind: u32, own: &mut u32) {
    let (map, key) = (&world.map, OWN + id as u32);
    match kind {
        0..=3 => {
            let was = map.insert(key, *own + 1).unwrap_or(0);
            assert_eq!(was, *own, "a write was lost");
        }
        4 => {
            let mut batch = map.write();
            stamp!(batch, id, *own);
            batch.publish();
            world.batches.fetch_add(1, SeqCst);
        }
        5 => {
            let batch = if *own % 2 == 0 {
                map.try_write()
            } else {
                map.write_timeout(Duration::from_millis(1))
            };
            let Some(mut batch) = batch else { return };
            stamp!(batch, id, *own);
            drop(batch);
            world.batches.fetch_add(1, SeqCst);
        }
        _ => {
            let failed = map.transact(|batch| {
                batch.clear();
                batch.insert(key, UNDONE);
                Err::<(), _>(())
            });
            assert!(failed.is_err());
            return;
        }
    }
    *own += 1;
}

/// Runs a thread that writes, often under its own guard.
fn writes<S: Stressed + 'static>(world: &World<S>, id: usize, seed: u64, end_at: Instant) {
    let (mut rng, mut own) = (Rng::of_thread(seed, id), 0);
    let (mut refused, mut forgot) = (0, false);
    // The first write happens in any case, and more follow until they meet its copy.
    let mut is_first = true;
    while is_first || Instant::now() < end_at {
        let takes = is_first || rng.roll(4) == 0;
        let lock = || {
            world
                .own_guards
                .read()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let guard = takes.then(|| (lock(), world.map.read()));
        let shown = guard
            .as_ref()
            .map(|(_, guard)| Contents::of(guard.as_map()));
        let writes = if is_first { 3 } else { 1 + rng.roll(4) };
        for _ in 0..writes {
            let kind = if is_first { 0 } else { rng.roll(7) };
            if unwinds(|| write(world, id, kind, &mut own)) {
                // The write would have waited for its own thread, and has changed nothing.
                assert!(guard.is_some() || forgot, "a write panicked");
                refused += 1;
                break;
            }
            world.wrote(id, own);
        }
        world.wrote(id, own);
        if let (Some((lock, guard)), Some(shown)) = (guard, shown) {
            keep(&mut rng, 30_000);
            assert_eq!(Contents::of(guard.as_map()), shown, "a guard's map changed");
            drop(lock);
            forgot |= end(world, guard, &mut rng);
        }
        is_first = false;
    }
    println!("writer {id}: {own} writes, {refused} refused under its own guard");
}

async fn writes_async<S: Stressed + 'static>(world: Arc<World<S>>, id: usize, end_at: Instant) {
    let (map, mut own) = (&world.map, 0);
    while Instant::now() < end_at {
        if own % 2 == 0 {
            map.insert_async(OWN + id as u32, own + 1).await;
        } else {
            let mut batch = map.write_async().await;
            stamp!(batch, id, own);
            batch.publish();
            world.batches.fetch_add(1, SeqCst);
        }
        own += 1;
        world.wrote(id, own);
        yield_now().await;
    }
    println!("task {id}: {own} writes");
}

fn reads<S: Stressed + 'static>(world: &World<S>, thread: usize, seed: u64) {
    let (mut rng, mut seen) = (Rng::of_thread(seed, thread), Seen::default());
    while !world.done.load(SeqCst) {
        let returned = world.returned();
        let guard = world.map.read();
        let shown = Contents::of(guard.as_map());
        seen.check(&returned, guard.version(), &shown);
        if rng.roll(2) == 0 {
            let returned = world.returned();
            let nested = world.map.read();
            seen.check(&returned, nested.version(), &Contents::of(nested.as_map()));
        }
        keep(&mut rng, 300_000);
        assert_eq!(Contents::of(guard.as_map()), shown, "a guard's map changed");
        end(world, guard, &mut rng);
    }
}

async fn watches<S: Stressed + 'static>(world: Arc<World<S>>) {
    let mut watcher = world.map.watcher();
    let mut last_seen = watcher.last_seen();
    while last_seen != world.last.load(SeqCst) {
        let version = watcher.changed().await.unwrap();
        assert!(version > last_seen, "{version} after {last_seen}");
        last_seen = version;
        let returned = world.returned();
        let map = watcher.read();
        // With Flash, the reader of another worker thread may be behind others, but not behind the
        // watcher.
        let mut seen = Seen {
            version,
            ..Seen::default()
        };
        seen.check(&returned, map.version(), &Contents::of(map.as_map()));
    }
}

fn round<S: Stressed + 'static>(seed: u64) -> u32 {
    let after = [0, 0, 1, 1, 2, 5, 20, 100][Rng(seed).roll(8) as usize];
    let world = Arc::new(World::<S>::new(Duration::from_millis(after)));
    let workers = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let _in = workers.enter();
    let end_at = Instant::now() + ROUND;
    let (mut writers, mut watchers) = (JoinSet::new(), JoinSet::new());
    watchers.spawn(watches(Arc::clone(&world)));
    for id in THREADS..WRITERS {
        writers.spawn(writes_async(Arc::clone(&world), id, end_at));
    }
    /// Ends the readers, even if a writer panics.
    struct Done<'w>(&'w AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, SeqCst);
        }
    }
    thread::scope(|scope| {
        let (world, done) = (&*world, Done(&world.done));
        for reader in WRITERS..WRITERS + READERS {
            scope.spawn(move || reads(world, reader, seed));
        }
        let threads: Vec<_> = (0..THREADS)
            .map(|id| scope.spawn(move || writes(world, id, seed, end_at)))
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        workers.block_on(async {
            while let Some(ended) = writers.join_next().await {
                ended.unwrap();
            }
        });
        drop(done);
    });
    let World { map, .. } = &*world;
    let expected = world.returned();
    // Only the forgotten guard remains, and its copy is set aside.
    for n in 1..=3 {
        if n == 3 {
            world.last.store(map.read().version() + 1, SeqCst);
        }
        map.insert(FORGOTTEN, n);
    }
    workers.block_on(async {
        while let Some(ended) = watchers.join_next().await {
            ended.unwrap();
        }
    });
    let kept = usize::from(world.forgot.load(SeqCst));
    assert_eq!((map.stragglers(), map.spare_stragglers()), (0, kept));
    assert_eq!(map.spare_since().is_some(), kept > 0);
    let mut batch = map.write();
    assert_eq!(batch.as_map(), batch.published());
    let end = Contents::of(batch.as_map());
    assert_eq!((end.stamp, end.own), (world.batches.load(SeqCst), expected));
    batch.insert(FORGOTTEN, 4);
    batch.publish();
    assert_eq!(map.queued_writers(), 0);
    world.set_aside.load(SeqCst)
}

/// Suppresses the message of writes that panic instead of waiting for their own thread's guard.
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

fn check<S: Stressed + 'static>(name: &str) {
    expect_own_guards();
    let mut set_aside = 0;
    rounds(name, 1, |seed| set_aside += round::<S>(seed));
    println!("{name}: {set_aside} copies were set aside");
    assert!(set_aside > 0, "no guard was held for long enough");
}

#[test]
fn count() {
    check::<CountStrategy>("Count, kept guards");
}

#[test]
fn epoch() {
    check::<EpochStrategy>("Epoch, kept guards");
}

#[test]
fn flash() {
    check::<FlashStrategy>("Flash, kept guards");
}

#[test]
fn lock() {
    check::<LockStrategy>("Lock, kept guards");
}
