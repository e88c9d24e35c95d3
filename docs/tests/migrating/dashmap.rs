//! The calls of "From `DashMap`" in `docs/migrating.md`, theirs before ours.

use std::collections::HashMap;
use std::sync::Arc;

use dashmap::DashMap;
use dbuf_hashmap::ConcurrentHashMap;

#[test]
fn calls() {
    let shared_dash = Arc::new(DashMap::new());
    let shared_map = ConcurrentHashMap::new();
    assert_eq!(
        Arc::clone(&shared_dash).insert(1, "one"),
        shared_map.clone().insert(1, "one")
    );
    assert_eq!(shared_dash.len(), shared_map.len());

    let dash: DashMap<&str, i32> = DashMap::with_capacity(100);
    let map = ConcurrentHashMap::with_capacity(100);
    let same = || {
        let theirs: HashMap<_, _> = dash
            .iter()
            .map(|entry| (*entry.key(), *entry.value()))
            .collect();
        theirs == map.read().iter().map(|(k, n)| (*k, *n)).collect()
    };
    assert!(same());
    assert_eq!(dash.insert("a", 1), map.insert("a", 1));

    // Reading.
    assert_eq!(*dash.get("a").unwrap(), *map.get("a").unwrap());
    assert_eq!(dash.view("a", |_, n| n + 1), map.get_with("a", |n| n + 1));
    assert_eq!(dash.get("a").unwrap().pair(), map.get("a").unwrap().pair());
    assert_eq!(dash.contains_key("b"), map.contains_key("b"));
    assert_eq!(dash.try_get("a").is_locked(), map.get("a").is_none());

    // Writing.
    dash.get_mut("a").map(|mut n| *n += 1);
    map.update("a", |n| *n += 1);
    assert!(same());
    dash.alter("a", |_, n| n * 2);
    map.update("a", |n| *n *= 2);
    assert!(same());
    *dash.entry("c").or_insert(0) += 1;
    map.entry("c", |entry| *entry.or_insert(0) += 1);
    assert!(same());
    assert_eq!(
        *dash.entry("d").or_insert_with(|| 4),
        map.get_or_insert_with("d", || 4)
    );
    dash.entry("a").and_modify(|n| *n += 1).or_insert(0);
    map.upsert("a", 0, |n| *n += 1);
    assert!(same());
    assert_eq!(dash.remove("c"), map.remove_entry("c"));
    assert_eq!(
        Ok(dash.remove_if("d", |_, n| *n > 3).map(|(_, n)| n)),
        map.remove_if("d", |_, n| *n > 3)
    );
    assert_eq!(dash.insert("b", 1), map.insert("b", 1));
    dash.retain(|_, n| *n > 1);
    map.retain(|_, n| *n > 1);
    assert!(same());
    dash.alter_all(|_, n| n + 1);
    map.retain_mut(|_, n| {
        *n += 1;
        true
    });
    assert!(same());
    dash.iter_mut().for_each(|mut n| *n += 2);
    map.write().values_mut().for_each(|n| *n += 2);
    assert!(same());

    // The whole.
    let theirs = dash.iter().map(|entry| *entry.value()).sum::<i32>();
    let ours = map.iter().map(|entry| *entry.value()).sum::<i32>();
    assert_eq!(theirs, ours);
    assert_eq!(dash.len(), map.len());
    let frozen = dash.clone().into_read_only();
    let reader = map.reader();
    assert_eq!(frozen.get("a"), reader.get("a").as_deref());
    dash.clear();
    map.clear();
    assert!(same());

    // Where a DashMap may deadlock, depending on the hashes, ours goes on with a third copy.
    map.insert("a", 1);
    let guard = map.get("a");
    assert!(map.try_write().is_none());
    assert_eq!(map.insert("b", 2), None);
    assert_eq!(map.insert("b", 3), Some(2));
    drop(guard);
}
