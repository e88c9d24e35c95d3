//! Writers that wait for each other, or for a guard.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use dbuf_hashmap::PublishPolicy;
use shuttle::rand::{Rng, thread_rng};

use crate::world::{Modelled, Seen, World, fail, join, task};

/// Three writers, one of which writes twice. Some execution has a queue.
pub(crate) fn writes_are_seen_on_return<S: Modelled>(seen: &Arc<Seen>) {
    let world = World::<S>::new(PublishPolicy::Immediate, seen);
    join([
        task(&world, |world| world.insert(1, 1)),
        task(&world, |world| world.insert(2, 1)),
        task(&world, |world| {
            world.insert(3, 1);
            world.insert(3, 2);
        }),
    ]);
    assert_eq!(world.map.read().version(), 4);
    world.ends_with(3);
}

/// The failure of a writer loses no change of another.
pub(crate) fn failures_lose_nothing<S: Modelled>(seen: &Arc<Seen>) {
    let world = World::<S>::new(PublishPolicy::Immediate, seen);
    world.map.insert(0, 0);
    join([
        task(&world, |world| world.insert(1, 1)),
        task(&world, |world| fail(world, thread_rng().gen_range(0..9))),
        task(&world, |world| world.insert(2, 1)),
        task(&world, |world| fail(world, thread_rng().gen_range(0..9))),
    ]);
    world.ends_with(3);
}

/// Writers wait for a guard; its task drops it, or publishes first. All of them continue.
pub(crate) fn the_last_guard_wakes_all_writers<S: Modelled>(seen: &Arc<Seen>) {
    let world = World::<S>::new(PublishPolicy::Immediate, seen);
    let guard = world.map.read();
    join([task(&world, |world| world.insert(1, 1))]);
    assert_eq!(world.map.stragglers(), 1);
    let writers = [
        task(&world, |world| world.insert(2, 1)),
        task(&world, |world| fail(world, 4)),
        task(&world, |world| fail(world, 5)),
    ];
    if world.map.queued_writers() > 1 {
        seen.fetch_add(1, SeqCst);
    }
    // A writer that waits for the guard releases the lock to the guard's holder. This does not
    // always publish, so that the others have time to fall asleep.
    if thread_rng().gen_bool(0.3) {
        world.map.publish();
    }
    drop(guard);
    join(writers);
    world.ends_with(2);
}

/// Writers queue up behind a batch, with one more batch among them. Readers see each batch as a
/// whole and never go back.
pub(crate) fn a_batch_keeps_the_queue_waiting<S: Modelled>(seen: &Arc<Seen>) {
    let world = World::<S>::new(PublishPolicy::Immediate, seen);
    let mut batch = world.map.write();
    batch.insert(10, 1);
    let tasks = [
        task(&world, |world| world.insert(1, 1)),
        task(&world, |world| world.insert(2, 1)),
        task(&world, |world| {
            fail(world, 4);
            let mut batch = world.map.write();
            batch.insert(10, 2);
            batch.insert(11, 2);
            batch.publish();
        }),
        task(&world, |world| {
            let (mut version, mut stamp) = (0, 0);
            for _ in 0..2 {
                let snapshot = world.map.read();
                assert!(snapshot.version() >= version, "a reader went back");
                version = snapshot.version();
                let (first, second) = (snapshot.get(&10), snapshot.get(&11));
                assert_eq!(first, second, "half a batch");
                let now = first.copied().unwrap_or(0);
                assert!(now >= stamp, "stamp {now} after {stamp}");
                stamp = now;
            }
        }),
    ];
    if world.map.queued_writers() > 1 {
        seen.fetch_add(1, SeqCst);
    }
    batch.insert(11, 1);
    batch.publish();
    join(tasks);
    assert_eq!(world.map.get_cloned(&11), Some(2));
    world.ends_with(4);
}

/// Changes wait for a count or for `publish`; none is lost.
pub(crate) fn every_loses_nothing<S: Modelled>(seen: &Arc<Seen>) {
    let world = World::<S>::new(PublishPolicy::Every(2), seen);
    world.map.write().insert(0, 0);
    join([
        task(&world, |world| _ = world.map.insert(1, 1)),
        task(&world, |world| {
            world.map.insert(2, 1);
            world.map.publish();
            assert_eq!(world.map.get_cloned(&2), Some(1));
        }),
        task(&world, |world| {
            world.map.insert(3, 1);
            fail(world, thread_rng().gen_range(0..9));
        }),
    ]);
    if world.map.publish().is_published() {
        seen.fetch_add(1, SeqCst);
    }
    world.ends_with(4);
}
