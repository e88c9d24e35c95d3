//! The threads and tasks of a round.

use std::mem;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::world::{Contents, FORGOTTEN, OWN, STAMPED, Seen, UNDONE, World};
use crate::common::unwinds;
use crate::futures::yield_now;
use crate::setup::{Rng, Stressed};

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
                Err::<(), _>(UNDONE)
            });
            assert_eq!(failed, Err(UNDONE));
            return;
        }
    }
    *own += 1;
}

/// Runs a thread that writes, often under its own guard.
pub(super) fn writes<S: Stressed + 'static>(
    world: &World<S>,
    id: usize,
    seed: u64,
    end_at: Instant,
) {
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

pub(super) async fn writes_async<S: Stressed + 'static>(
    world: Arc<World<S>>,
    id: usize,
    end_at: Instant,
) {
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

pub(super) fn reads<S: Stressed + 'static>(world: &World<S>, thread: usize, seed: u64) {
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

pub(super) async fn watches<S: Stressed + 'static>(world: Arc<World<S>>) {
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
