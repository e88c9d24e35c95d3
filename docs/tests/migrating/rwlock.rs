//! The calls of "From `RwLock<HashMap>`" in `docs/migrating.md`, theirs before ours.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use dbuf_hashmap::ConcurrentHashMap;

#[test]
fn calls() {
    let lock = Arc::new(RwLock::new(HashMap::from([("a", 1), ("b", 2)])));
    let map = ConcurrentHashMap::from([("a", 1), ("b", 2)]);
    let same = || *lock.read().unwrap() == map.read().iter().map(|(k, n)| (*k, *n)).collect();
    assert!(same());
    let (other_lock, other_map) = (Arc::clone(&lock), map.clone());
    assert_eq!(other_lock.read().unwrap().len(), other_map.len());

    // Reading.
    assert_eq!(lock.read().unwrap().get("a").copied(), map.get_cloned("a"));
    assert_eq!(
        lock.read().unwrap().get("a").map(|n| n + 1),
        map.get_with("a", |n| n + 1)
    );
    assert_eq!(
        lock.read().unwrap().contains_key("a"),
        map.contains_key("a")
    );
    assert_eq!(lock.read().unwrap().len(), map.len());
    assert_eq!(
        lock.read().unwrap().get_key_value("a").unwrap(),
        map.get("a").unwrap().pair()
    );
    {
        let table = lock.read().unwrap();
        let snapshot = map.read();
        assert_eq!(table["a"], snapshot["a"]);
        assert_eq!(table.values().sum::<i32>(), snapshot.values().sum::<i32>());
    }

    // Writing.
    assert_eq!(lock.write().unwrap().insert("c", 3), map.insert("c", 3));
    lock.write().unwrap().extend([("d", 4)]);
    map.write().extend([("d", 4)]);
    assert!(same());
    assert_eq!(lock.write().unwrap().remove("c"), map.remove("c"));
    assert_eq!(
        lock.write().unwrap().remove_entry("d"),
        map.remove_entry("d")
    );
    lock.write().unwrap().get_mut("a").map(|n| *n *= 10);
    map.update("a", |n| *n *= 10);
    assert!(same());
    *lock.write().unwrap().entry("e").or_insert(0) += 1;
    map.entry("e", |entry| *entry.or_insert(0) += 1);
    assert!(same());
    lock.write()
        .unwrap()
        .entry("e")
        .and_modify(|n| *n += 1)
        .or_insert(9);
    map.upsert("e", 9, |n| *n += 1);
    assert!(same());
    assert_eq!(
        *lock.write().unwrap().entry("f").or_insert_with(|| 6),
        map.get_or_insert_with("f", || 6)
    );
    lock.write().unwrap().retain(|_, n| *n > 1);
    map.retain(|_, n| *n > 1);
    assert!(same());
    lock.write().unwrap().values_mut().for_each(|n| *n += 1);
    map.write().values_mut().for_each(|n| *n += 1);
    assert!(same());
    {
        let mut table = lock.write().unwrap();
        let mut batch = map.write();
        assert_eq!(table.insert("g", 7), batch.insert("g", 7));
        assert_eq!(table.remove("f"), batch.remove("f"));
    }
    assert!(same());
    assert_eq!(lock.try_write().is_ok(), map.try_write().is_some());
    let theirs: HashMap<_, _> = lock.write().unwrap().drain().collect();
    let ours: HashMap<_, _> = map.drain().collect();
    assert_eq!(theirs, ours);
    lock.write().unwrap().insert("h", 8);
    map.insert("h", 8);
    lock.write().unwrap().clear();
    map.clear();
    assert!(same());
    lock.write().unwrap().shrink_to_fit();
    map.shrink_to_fit();
    assert_eq!(lock.read().unwrap().capacity(), map.capacity());
}
