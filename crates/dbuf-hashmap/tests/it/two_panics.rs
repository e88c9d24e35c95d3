//! Several destructors that panic in one call. Each call propagates one panic and runs every
//! destructor; an abort of the process fails all tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use dbuf_hashmap::{ConcurrentHashMap, ConcurrentHashSet};

use crate::common::{unwind, unwinds};

#[derive(Default)]
struct Fuse {
    /// Set while destructors panic.
    armed: AtomicBool,
    live: AtomicUsize,
}

struct Bomb(Arc<Fuse>);

impl Bomb {
    fn new(fuse: &Arc<Fuse>) -> Self {
        fuse.live.fetch_add(1, Relaxed);
        Self(Arc::clone(fuse))
    }
}

impl Clone for Bomb {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Relaxed);
        if self.0.armed.load(Relaxed) {
            unwind();
        }
    }
}

/// Makes a map with four bombs in each copy, and nothing left to replay.
fn bombs() -> (ConcurrentHashMap<u32, Bomb>, Arc<Fuse>) {
    let fuse = Arc::new(Fuse::default());
    let map = ConcurrentHashMap::new();
    map.write().extend((0..4).map(|n| (n, Bomb::new(&fuse))));
    map.catch_up();
    assert_eq!(fuse.live.load(Relaxed), 8);
    (map, fuse)
}

/// Runs `f` with destructors that panic, and returns whether it panicked.
fn panics(fuse: &Fuse, f: impl FnOnce()) -> bool {
    fuse.armed.store(true, Relaxed);
    let panicked = unwinds(f);
    fuse.armed.store(false, Relaxed);
    panicked
}

#[test]
fn retain() {
    let (map, fuse) = bombs();
    assert!(panics(&fuse, || map.retain(|n, _| *n == 0)));
    assert_eq!(map.len(), 1, "published before the destructors ran");
    assert!(panics(&fuse, || map.catch_up()));
    assert_eq!((map.len(), fuse.live.load(Relaxed)), (1, 2));
}

#[test]
fn clear() {
    let (map, fuse) = bombs();
    assert!(panics(&fuse, || map.clear()));
    assert!(panics(&fuse, || map.catch_up()));
    assert_eq!((map.len(), fuse.live.load(Relaxed)), (0, 0));
}

#[test]
fn extend() {
    let (map, fuse) = bombs();
    let entries: Vec<_> = (0..3).map(|n| (n, Bomb::new(&fuse))).collect();
    assert!(panics(&fuse, || map.write().extend(entries)));
    assert_eq!(map.len(), 4);
    assert!(panics(&fuse, || map.catch_up()));
    assert_eq!((map.len(), fuse.live.load(Relaxed)), (4, 8));
}

#[test]
fn two_removes() {
    let (map, fuse) = bombs();
    let mut batch = map.write();
    let removed = [batch.remove(&0), batch.remove(&1)];
    batch.publish();
    drop(removed);
    assert!(panics(&fuse, || map.catch_up()));
    assert_eq!((map.len(), fuse.live.load(Relaxed)), (2, 4));
}

#[test]
fn rollback() {
    let (map, fuse) = bombs();
    let mut batch = map.write();
    batch.insert(8, Bomb::new(&fuse));
    batch.insert(9, Bomb::new(&fuse));
    batch.rollback();
    assert!(panics(&fuse, || map.catch_up()));
    map.catch_up();
    assert_eq!((map.len(), fuse.live.load(Relaxed)), (4, 8));
}

#[test]
fn drop_of_the_map() {
    let (map, fuse) = bombs();
    assert!(panics(&fuse, || drop(map)));
    assert_eq!(fuse.live.load(Relaxed), 0);
}

#[test]
fn drop_of_a_pair() {
    let fuse = Arc::new(Fuse::default());
    let (mut writer, reader) = dbuf_hashmap::new();
    writer.write().extend((0..4).map(|n| (n, Bomb::new(&fuse))));
    writer.catch_up();
    drop(reader);
    assert!(panics(&fuse, || drop(writer)));
    assert_eq!(fuse.live.load(Relaxed), 0);
}

#[test]
fn drop_while_the_thread_unwinds() {
    let (map, fuse) = bombs();
    assert!(panics(&fuse, move || {
        let _map = map;
        unwind();
    }));
    assert_eq!(fuse.live.load(Relaxed), 0);
}

#[test]
fn reserve_that_is_refused_leaves_the_batch() {
    let map = ConcurrentHashMap::from([(1, 1)]);
    let mut batch = map.write();
    batch.insert(2, 2);
    assert!(unwinds(|| batch.reserve(usize::MAX)), "it overflows");
    batch.insert(3, 3);
    batch.publish();
    assert_eq!(map.len(), 3);
    let set = ConcurrentHashSet::from([1]);
    assert!(unwinds(|| set.reserve(usize::MAX)), "it overflows");
    assert!(set.insert(2), "2 is new");
}
