//! Writes that panic: under their own guards, or in a clone.

use std::hash::RandomState;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use dbuf_hashmap::ConcurrentHashMap;
use shuttle::thread::spawn;

use crate::common::{expect_own_guards, unwind, unwinds};
use crate::futures::yield_now;
use crate::world::{Modelled, Seen, World, going_on, join, task};

fn write_under_own_guard<S: Modelled>(world: &World<S>, key: u32) {
    let guard = world.map.read();
    let (version, len) = (guard.version(), guard.len());
    let mut written = 0;
    for value in 1..=2 {
        if unwinds(|| _ = world.map.insert(key, value)) {
            break;
        }
        written = value;
        assert_eq!(world.map.get_cloned(&key), Some(value));
    }
    assert_eq!((guard.version(), guard.len()), (version, len));
    assert_eq!(world.map.get_cloned(&key).unwrap_or(0), written);
    drop(guard);
    world.insert(key, 3);
}

/// Threads write under their own guards. A write succeeds or panics, the latter only while another
/// thread holds a copy too; a write that panicked succeeds without the guard.
pub(crate) fn writes_under_own_guards<S: Modelled>(seen: &Arc<Seen>) {
    expect_own_guards();
    let world = World::<S>::going_on(seen, true);
    join([task(&world, |world| write_under_own_guard(world, 1))]);
    assert!(seen.load(SeqCst) > 0, "no write met its own guard");
    join([
        task(&world, |world| write_under_own_guard(world, 2)),
        task(&world, |world| write_under_own_guard(world, 3)),
        task(&world, |world| world.insert(4, 1)),
    ]);
    world.ends_with(4);
}

/// A value whose next clone may panic.
#[derive(Debug, PartialEq)]
struct Fragile(u32, Arc<Fuse>);

#[derive(Debug, Default)]
struct Fuse(AtomicBool);

impl PartialEq for Fuse {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Clone for Fragile {
    fn clone(&self) -> Self {
        if self.1.0.swap(false, SeqCst) {
            unwind();
        }
        Self(self.0, Arc::clone(&self.1))
    }
}

/// The clone into the spare side panics once: the write that made it fails and changes nothing, and
/// all others continue.
pub(crate) fn a_clone_that_panics_fails_one_write<S: Modelled>(seen: &Arc<Seen>) {
    let set_aside = Arc::default();
    let map = going_on(&set_aside)
        .strategy(S::default())
        .sleep(|_| yield_now())
        .build_concurrent();
    let map: ConcurrentHashMap<u32, Fragile, RandomState, S> = map;
    let (fuse, safe) = (Arc::new(Fuse::default()), Arc::default());
    map.insert(0, Fragile(0, Arc::clone(&fuse)));
    let guard = map.read();
    map.insert(1, Fragile(1, Arc::clone(&safe)));
    // From now on, the next clone of the whole map panics.
    fuse.0.store(true, SeqCst);
    let failed = Arc::new(AtomicUsize::new(0));
    let writers = (2..5).map(|key| {
        let (map, safe, failed) = (map.clone(), Arc::clone(&safe), Arc::clone(&failed));
        spawn(move || {
            let write = || {
                let value = Fragile(key, Arc::clone(&safe));
                if key == 4 {
                    shuttle::future::block_on(map.insert_async(key, value));
                } else {
                    map.insert(key, value);
                }
            };
            while unwinds(&write) {
                failed.fetch_add(1, SeqCst);
                assert_eq!(map.get_cloned(&key), None, "the failed write is seen");
            }
            assert_eq!(map.get_with(&key, |value| value.0), Some(key));
        })
    });
    join(writers.collect::<Vec<_>>());
    assert_eq!((failed.load(SeqCst), set_aside.load(SeqCst)), (1, 1));
    assert_eq!((guard.len(), map.spare_stragglers()), (1, 1));
    drop(guard);
    seen.fetch_add(1, SeqCst);
    let batch = map.write();
    assert_eq!((batch.as_map(), batch.len()), (batch.published(), 5));
}
