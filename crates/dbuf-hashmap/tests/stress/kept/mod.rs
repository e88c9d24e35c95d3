//! Guards that are held for up to 300 ms, one that is forgotten, and threads that write under their
//! own guards, together with tasks that write and a task that watches. No reader goes back, readers
//! see a whole batch or nothing of it, every later read sees a write that has returned, what a
//! guard shows does not change, and no write is lost.

mod threads;
mod world;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime;
use tokio::task::JoinSet;

use crate::common::expect_own_guards;
use crate::setup::{Done, Rng, Stressed, over_strategies, rounds};
use threads::{reads, watches, writes, writes_async};
use world::{Contents, FORGOTTEN, READERS, ROUND, THREADS, WRITERS, World};

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
        workers.block_on(writers.join_all());
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
    workers.block_on(watchers.join_all());
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

fn check<S: Stressed + 'static>(name: &str) {
    expect_own_guards();
    let mut set_aside = 0;
    rounds(&format!("{name}, kept guards"), 1, |seed| {
        set_aside += round::<S>(seed);
    });
    println!("{name}: {set_aside} copies were set aside");
    assert!(set_aside > 0, "no guard was held for long enough");
}

over_strategies! { check }
