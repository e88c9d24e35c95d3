//! Each copy has its own capacity, and each gets the room that a batch reserves.

use core::hash::{BuildHasherDefault, Hasher};

use dbuf_hashmap::{Builder, ConcurrentHashMap};

/// Makes keys their own hashes, so that they fill successive buckets and removed keys leave
/// tombstones.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are numbers");
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}

type Map<V> = ConcurrentHashMap<u64, V, BuildHasherDefault<Identity>>;

fn map<V: Clone>() -> Map<V> {
    Builder::new()
        .hasher(BuildHasherDefault::default())
        .build_concurrent()
}

/// The number of entries that fit into 16,384 buckets.
const FULL: u64 = 14_336;

/// Returns the capacities of both copies, the published one first.
fn capacities<V: Clone>(map: &Map<V>) -> [usize; 2] {
    map.catch_up();
    let batch = map.write();
    let room = [batch.published().capacity(), batch.capacity()];
    batch.rollback();
    room
}

/// Makes a map whose published copy has room for many entries, and the other copy none.
fn one_large_copy() -> Map<u64> {
    let map = map();
    let mut batch = map.write();
    batch.extend((0..FULL).map(|n| (n, n)));
    batch.clear(); // drops the earlier log
    batch.publish();
    let [published, back] = capacities(&map);
    assert!(
        published >= FULL as usize && back < 100,
        "{published}, {back}"
    );
    map
}

#[test]
fn builder_gives_room_to_both_copies() {
    let map: Map<u64> = Builder::new()
        .capacity(100)
        .hasher(BuildHasherDefault::default())
        .build_concurrent();
    let room = capacities(&map);
    assert!(room.iter().all(|room| *room >= 100), "{room:?}");
}

#[test]
fn shrink_frees_the_room_of_the_other_copy() {
    let map = one_large_copy();
    map.shrink_to_fit();
    let room = capacities(&map);
    assert!(room.iter().all(|room| *room < 100), "{room:?}");
    // Nothing is freed, so nothing is published.
    let version = map.read().version();
    map.shrink_to_fit();
    assert_eq!(map.read().version(), version);
}

#[test]
fn shrink_frees_the_room_of_both_copies_after_a_drain() {
    let map = map();
    map.write().extend((0..FULL).map(|n| (n, n)));
    map.retain(|n, _| *n < 700);
    map.drain();
    map.write().extend((0..800).map(|n| (n, n)));
    map.shrink_to_fit();
    let room = capacities(&map);
    assert!(room.iter().all(|room| *room < 1_000), "{room:?}");
}

#[test]
fn reserve_gives_room_to_the_other_copy() {
    let map = one_large_copy();
    map.insert(1, 1);
    map.reserve(5_000);
    let room = capacities(&map);
    assert!(room.iter().all(|room| *room >= 5_000), "{room:?}");
    // Both copies have the room, so nothing is published.
    let version = map.read().version();
    map.reserve(5_000);
    map.try_reserve(5_000).unwrap();
    assert_eq!(map.read().version(), version);
}

#[test]
fn clear_and_drain_keep_the_room_of_removed_entries() {
    let empties: [fn(&Map<String>); 2] = [|map| map.clear(), |map| drop(map.drain())];
    for empty in empties {
        let map = map();
        map.write().extend((0..FULL).map(|n| (n, String::new())));
        let before = capacities(&map);
        assert_eq!(before, [FULL as usize; 2]);
        map.retain(|n, _| *n < 700);
        empty(&map);
        assert_eq!(capacities(&map), before);
    }
}
