//! What goes wrong in chapter 14.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::collections::HashMap;
use std::pin::pin;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};

use dbuf_follow::{Builder, Event, Memory};

/// The events of an engine: a load at revision 1, a transaction, another load.
fn events() -> Vec<Event<u32, u64>> {
    let all = |n| (0..10).map(move |key| Event::Put(key, n));
    let mut events = vec![Event::Reset];
    for n in 1..=3 {
        if n == 3 {
            events.push(Event::Reset);
        }
        events.extend(all(n));
        events.push(Event::Commit(n));
    }
    events
}

/// Applies them one by one, as a loop written by hand does, and calls `check` after each.
fn by_hand(mut check: impl FnMut(&HashMap<u32, u64>, u64)) {
    let map = RwLock::new(HashMap::new());
    let revision = AtomicU64::new(0);
    for event in events() {
        match event {
            Event::Reset => map.write().unwrap().clear(),
            Event::Put(key, value) => _ = map.write().unwrap().insert(key, value),
            Event::Delete(key) => _ = map.write().unwrap().remove(&key),
            Event::Commit(at) | Event::Progress(at) => revision.store(at, Ordering::Release),
        }
        check(&map.read().unwrap(), revision.load(Ordering::Acquire));
    }
}

#[test]
fn a_reload_in_place_shows_half_a_load() {
    let (mut empty, mut mixed) = (0, 0);
    by_hand(|map, revision| {
        let first = map.values().next();
        empty += u32::from(revision > 0 && map.len() < 10);
        mixed += u32::from(map.values().any(|value| Some(value) != first));
    });
    assert!(empty > 0, "keys that the engine has are missing");
    assert!(mixed > 0, "half a transaction is seen");
}

#[test]
fn a_revision_beside_the_map_lies() {
    let mut lies = 0;
    by_hand(|map, revision| {
        let whole = map.len() == 10 && map.values().all(|&value| value == map[&0]);
        lies += u32::from(whole && map[&0] != revision);
    });
    assert!(lies > 0, "a whole state has the revision of another");
}

#[test]
fn a_follower_shows_neither() {
    let engine = Memory::new();
    let (follower, driver) = Builder::new(engine.clone()).start();
    let mut driver = pin!(driver);
    let mut seen = Vec::new();
    let mut changes = Vec::new();
    for event in events() {
        match event {
            Event::Commit(_) => _ = engine.commit(changes.drain(..)),
            change => changes.push(change),
        }
        // The driver runs as far as it can, and a reader reads.
        let waiting = driver
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(waiting.is_pending());
        let map = follower.map().read();
        let first = map.values().next().copied();
        assert!(map.values().all(|&value| Some(value) == first));
        assert!(matches!(map.len(), 0 | 10));
        // A new engine is at revision 1.
        assert_eq!(map.revision(), 1 + first.unwrap_or(0));
        seen.extend(first);
    }
    seen.dedup();
    assert_eq!(seen, [1, 2, 3]);
}
