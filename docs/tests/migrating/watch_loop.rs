//! The calls of "From a hand-written watch loop" in `docs/migrating.md`, theirs before ours.

use std::collections::HashMap;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Release},
};
use std::sync::{Arc, RwLock};

use dbuf_follow::{Builder, Event, Memory};

#[test]
fn calls() {
    pollster::block_on(async {
        let engine = Memory::new();
        let map = Arc::new(RwLock::new(HashMap::new()));
        let seen = AtomicU64::new(0);
        let (follower, driver) = Builder::new(engine.clone()).start();
        std::thread::spawn(|| pollster::block_on(driver));
        assert_eq!(map.read().unwrap().len(), follower.map().len());

        let (key, value, gone) = ("a", 1, "b");
        map.write().unwrap().clear(); // from here on, readers see half a load
        let mut events = vec![Event::Reset];
        map.write().unwrap().insert(key, value);
        events.push(Event::Put(key, value));
        map.write().unwrap().remove(gone);
        events.push(Event::Delete(gone));
        let revision = 2;
        seen.store(revision, Release);
        assert_eq!(engine.commit(events), revision);

        while seen.load(Acquire) < revision {}
        assert_eq!(follower.wait_for(revision).await, Ok(revision));
        let theirs = map.read().unwrap().get("a").copied();
        assert_eq!(theirs, follower.map().get_cloned("a"));
        assert_eq!(seen.load(Acquire), follower.revision());
    });
}
