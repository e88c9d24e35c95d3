//! Writers that set a copy aside, since a guard is kept.

use std::hash::RandomState;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Waker};

use dbuf_hashmap::ConcurrentHashMap;
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread::spawn;

use crate::common::{unwind, unwinds};
use crate::world::{Modelled, Seen, World, fail, going_on, join, task};

/// A guard is held until all writers are done. So one of them sets its copy aside, and the others,
/// also those in the queue behind it, continue.
pub(crate) fn writers_go_on_without_a_guard<S: Modelled>(seen: &Arc<Seen>) {
    let world = World::<S>::going_on(seen, true);
    world.insert(0, 0);
    let guard = world.map.read();
    // From now on, writers need the guard's copy.
    join([task(&world, |world| world.insert(1, 1))]);
    join([
        task(&world, |world| world.insert(2, 1)),
        task(&world, |world| {
            world.insert(3, 1);
            fail(world, 4);
        }),
        task(&world, |world| fail(world, thread_rng().gen_range(0..9))),
    ]);
    assert_eq!((guard.len(), world.map.spare_stragglers()), (1, 1));
    drop(guard);
    world.ends_with(4);
    assert_eq!(world.map.spare_since(), None);
}

/// Two guards hold two copies: writers wait until either guard is released.
pub(crate) fn second_copy_is_waited_for<S: Modelled>(seen: &Arc<Seen>) {
    let world = World::<S>::going_on(seen, true);
    let first = world.map.read();
    // Two publishes go without the guard's copy. This thread makes the second one.
    world.map.insert(0, 1);
    world.map.insert(0, 2);
    assert_eq!(world.map.spare_stragglers(), 1);
    let second = world.map.read();
    join([task(&world, |world| world.insert(2, 1))]);
    let writers = [
        task(&world, |world| world.insert(3, 1)),
        task(&world, |world| world.insert(4, 1)),
        task(&world, |world| fail(world, thread_rng().gen_range(0..9))),
    ];
    if world.map.queued_writers() > 1 {
        seen.fetch_add(1, SeqCst);
    }
    shuttle::thread::yield_now();
    if thread_rng().gen_bool(0.5) {
        assert_eq!(first.len(), 0);
        drop(first);
        // It continues, with the second guard's copy set aside.
        join(writers);
        assert_eq!(second.len(), 1);
    } else {
        assert_eq!(second.len(), 1);
        drop(second);
        join(writers);
        assert_eq!(first.len(), 0);
    }
    world.ends_with(4);
}

/// A task without a timer is not woken. It continues when it is polled.
pub(crate) fn a_task_goes_on_at_its_poll<S: Modelled>(seen: &Arc<Seen>) {
    let world = World::<S>::going_on(seen, false);
    let guard = world.map.read();
    join([task(&world, |world| _ = world.map.insert(1, 1))]);
    let polled = task(&world, |world| {
        let mut write = Box::pin(world.map.insert_async(2, 1));
        let mut cx = Context::from_waker(Waker::noop());
        while write.as_mut().poll(&mut cx).is_pending() {
            shuttle::thread::yield_now();
        }
        assert_eq!(world.map.get_cloned(&2), Some(1));
    });
    join([polled, task(&world, |world| fail(world, 7))]);
    assert_eq!((guard.len(), world.map.spare_stragglers()), (0, 1));
    drop(guard);
    world.ends_with(2);
}

/// Tasks without a timer sleep until a writer has set the side aside. It wakes them at once,
/// before it runs a function of the user, which panics.
pub(crate) fn a_writer_that_sets_aside_wakes_the_others<S: Modelled>(seen: &Arc<Seen>) {
    let panics = Arc::new(AtomicBool::new(true));
    let (hook_panics, counted) = (Arc::clone(&panics), Arc::clone(seen));
    let map = going_on(seen).strategy(S::default()).on_spare(move |_| {
        if hook_panics.swap(false, SeqCst) {
            unwind();
        }
        counted.fetch_add(1, SeqCst);
    });
    let map: ConcurrentHashMap<u32, u32, RandomState, S> = map.build_concurrent();
    let guard = map.read();
    map.insert(1, 1);
    let tasks = [2, 3].map(|key| {
        let map = map.clone();
        spawn(move || {
            let write = || _ = shuttle::future::block_on(map.insert_async(key, 1));
            if unwinds(write) {
                shuttle::future::block_on(map.insert_async(key, 1));
            }
        })
    });
    let thread = map.clone();
    let thread = spawn(move || {
        if unwinds(|| _ = thread.insert(4, 1)) {
            assert_eq!(thread.get_cloned(&4), None, "the failed write is seen");
        }
    });
    join(tasks.into_iter().chain([thread]));
    if !panics.load(SeqCst) && map.get_cloned(&4).is_none() {
        seen.fetch_add(1, SeqCst);
    }
    assert_eq!((guard.len(), map.spare_stragglers()), (0, 1));
    assert_eq!([2, 3].map(|key| map.get_cloned(&key)), [Some(1); 2]);
}
