//! The single changes of a `ConcurrentHashMap`: what they return, what both copies hold then, and
//! that their closures run once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use dbuf_hashmap::{Builder, ConcurrentHashMap, Entry, Operation, PublishPolicy, Refused};

use crate::common::{unwind, unwinds};

type Map = ConcurrentHashMap<u32, Vec<u32>>;

/// Asserts what the published copy and the one behind it hold.
fn assert_holds(map: &Map, entries: &[(u32, &[u32])]) {
    let expected: HashMap<_, _> = entries.iter().map(|(k, v)| (*k, v.to_vec())).collect();
    for _ in 0..2 {
        let batch = map.write();
        let pending: HashMap<_, _> = batch.iter().map(|(k, v)| (*k, v.clone())).collect();
        assert_eq!(pending, expected);
        assert_eq!(batch.as_map(), batch.published());
    }
}

#[test]
fn absent_and_refused_differ() {
    let map = Map::from([(1, vec![1])]);
    assert_eq!(map.remove_if(&2, |_, _| unwind()), Ok(None));
    assert_eq!(
        map.remove_if(&1, |k, v| *k == 1 && v.is_empty()),
        Err(Refused)
    );
    assert_holds(&map, &[(1, &[1])]);
    assert_eq!(map.remove_if(&1, |_, _| true), Ok(Some(vec![1])));
    assert_holds(&map, &[]);
}

#[test]
fn try_insert_returns_what_it_did_not_insert() {
    let map = ConcurrentHashMap::new();
    let (key, value) = (Arc::new(1), Arc::new(2));
    assert_eq!(map.try_insert(Arc::clone(&key), Arc::clone(&value)), Ok(()));
    let (other_key, other_value) = (Arc::new(1), Arc::new(3));
    let refused = map.try_insert(Arc::clone(&other_key), Arc::clone(&other_value));
    let (k, v) = refused.unwrap_err();
    assert!(Arc::ptr_eq(&k, &other_key), "another key is returned");
    assert!(Arc::ptr_eq(&v, &other_value), "another value is returned");
    let stored = map.get(&1).unwrap();
    assert!(Arc::ptr_eq(stored.key(), &key), "the key was replaced");
    drop(stored);
    assert_eq!(map.read().version(), 1);
}

#[test]
fn upsert_returns_the_result_of_its_closure() {
    let map = Map::new();
    let push = |list: &mut Vec<u32>| {
        list.push(2);
        list.len()
    };
    assert_eq!(map.upsert(1, vec![1], push), None);
    assert_eq!(map.upsert(1, vec![9], push), Some(2));
    assert_eq!(map.upsert_with(1, || unwind(), push), Some(3));
    assert_eq!(map.upsert_with(2, || vec![7], |_| unwind()), None::<()>);
    assert_holds(&map, &[(1, &[1, 2, 2]), (2, &[7])]);
}

#[test]
fn compute_sees_the_current_entry() {
    let map = Map::new();
    let inserted = map.compute(1, |entry| {
        assert_eq!(entry, None);
        Operation::<_>::Insert(vec![1])
    });
    assert_eq!(inserted, Ok(None));
    let replaced = map.compute(1, |entry| {
        assert_eq!(entry, Some((&1, &vec![1])));
        Operation::<_>::Insert(vec![2])
    });
    assert_eq!(replaced, Ok(Some(vec![1])));
    assert_eq!(map.compute(1, |_| Operation::Abort("no")), Err("no"));
    assert_eq!(map.compute(2, |_| Operation::Abort("no")), Err("no"));
    assert_eq!(map.compute(2, |_| Operation::<_>::Remove), Ok(None));
    assert_holds(&map, &[(1, &[2])]);
    assert_eq!(map.read().version(), 2);
    assert_eq!(
        map.compute(1, |_| Operation::<_>::Remove),
        Ok(Some(vec![2]))
    );
    assert_holds(&map, &[]);
}

#[test]
fn entry_offers_what_a_batch_offers() {
    let map = Map::from([(1, vec![1])]);
    map.entry(1, |entry| entry.or_default().push(2));
    map.entry(2, |entry| entry.or_default().push(3));
    let len = map.entry(1, |entry| {
        entry.and_modify(|v| v.push(4)).or_default().len()
    });
    assert_eq!(len, 3);
    let removed = map.entry(2, |entry| match entry {
        Entry::Occupied(entry) => Some(entry.remove()),
        Entry::Vacant(_) => None,
    });
    assert_eq!(removed, Some(vec![3]));
    assert_holds(&map, &[(1, &[1, 2, 4])]);
    let version = map.read().version();
    let vacant = map.entry(9, |entry| matches!(entry, Entry::Vacant(_)));
    assert!(vacant, "9 is there");
    assert_eq!(map.read().version(), version); // nothing changed, nothing published
}

#[test]
fn a_closure_that_panics_leaves_the_map_as_it_was_and_ran_once() {
    type Write = fn(&Map, &mut dyn FnMut());
    let writes: [(&str, Write); 12] = [
        ("upsert", |map, run| {
            map.upsert(1, vec![], |v| {
                v.push(9);
                run();
            });
        }),
        ("upsert_with, make", |map, run| {
            map.upsert_with(
                2,
                || {
                    run();
                    vec![]
                },
                |_| (),
            );
        }),
        ("upsert_with, change", |map, run| {
            map.upsert_with(1, Vec::new, |v| {
                v.push(9);
                run();
            });
        }),
        ("get_or_insert_with", |map, run| {
            map.get_or_insert_with(2, || {
                run();
                vec![]
            });
        }),
        ("get_or_try_insert_with", |map, run| {
            _ = map.get_or_try_insert_with(2, || {
                run();
                Err(())
            });
        }),
        ("compute, there", |map, run| {
            _ = map.compute(1, |_| {
                run();
                Operation::<_>::Remove
            });
        }),
        ("compute, new", |map, run| {
            _ = map.compute(2, |_| {
                run();
                Operation::<_>::Insert(vec![])
            });
        }),
        ("entry, lent", |map, run| {
            map.entry(1, |entry| {
                entry.or_default().push(9);
                run();
            });
        }),
        ("entry, inserted", |map, run| {
            map.entry(2, |entry| {
                entry.or_default().push(9);
                run();
            });
        }),
        ("entry, removed", |map, run| {
            map.entry(1, |entry| {
                if let Entry::Occupied(entry) = entry {
                    entry.remove();
                }
                run();
            });
        }),
        ("entry, modified", |map, run| {
            map.entry(1, |entry| {
                _ = entry.and_modify(|v| {
                    v.push(9);
                    run();
                });
            });
        }),
        ("remove_if", |map, run| {
            _ = map.remove_if(&1, |_, _| {
                run();
                true
            });
        }),
    ];
    for (name, write) in writes {
        let map = Map::from([(1, vec![1])]);
        let mut runs = 0;
        let mut run = || {
            runs += 1;
            unwind()
        };
        assert!(unwinds(|| write(&map, &mut run)), "{name}");
        assert_eq!(runs, 1, "{name}");
        assert_holds(&map, &[(1, &[1])]);
    }
}

#[test]
fn pending_changes_are_seen_by_writes_and_not_by_reads() {
    let map: Map = Builder::new()
        .publish_policy(PublishPolicy::Within(Duration::from_secs(3600)))
        .build_concurrent();
    assert_eq!(map.try_insert(1, vec![1]), Ok(()));
    assert_eq!(map.get_cloned(&1), None);
    assert_eq!(map.try_insert(1, vec![2]), Err((1, vec![2])));
    assert_eq!(map.get_or_try_insert_with(1, || Err(())), Ok(vec![1]));
    assert_eq!(map.entry(1, |entry| entry.or_default().len()), 1);
    map.catch_up(); // publishes nothing
    assert_eq!(map.len(), 0);
    map.publish();
    assert_eq!(map.remove_entry(&1), Some((1, vec![1])));
    // The key is still published, and `get_or_insert_with` reads that first.
    assert_eq!(map.get_or_try_insert_with(1, || Err(())), Ok(vec![1]));
    assert_eq!(
        map.compute(1, |entry| Operation::Abort(entry.is_some())),
        Err(false)
    );
    map.publish();
    assert_holds(&map, &[]);
}

#[test]
fn catch_up_drops_removed_values() {
    let value = Arc::new(());
    let map = ConcurrentHashMap::from([(1, Arc::clone(&value))]);
    drop(map.drain());
    assert_eq!(Arc::strong_count(&value), 2); // the copy that is behind has it
    map.catch_up();
    assert_eq!(Arc::strong_count(&value), 1);
    assert_eq!(map.read().version(), 2);
}

#[test]
fn drained_entries_outlive_the_map_and_may_be_forgotten() {
    let map = Map::from([(1, vec![1]), (2, vec![2])]);
    let mut drained = map.drain();
    assert_holds(&map, &[]);
    map.insert(3, vec![3]);
    drop(map);
    assert_ne!(drained.next(), None);
    std::mem::forget(drained);
}

#[test]
fn extend_by_reference_takes_the_last_of_equal_keys() {
    let mut map = ConcurrentHashMap::<u32, u32>::new();
    map.extend([(&1, &1), (&2, &2), (&1, &3)]);
    assert_eq!(map, ConcurrentHashMap::from([(1, 3), (2, 2)]));
    let other = HashMap::from([(2, 9)]);
    (&map).extend(&other);
    assert_eq!(map.read().version(), 2); // each in one batch
    assert_eq!(
        map,
        ConcurrentHashMap::from(HashMap::from([(1, 3), (2, 9)]))
    );
}

#[test]
fn maps_are_equal_by_entries_and_not_by_hasher() {
    let map = ConcurrentHashMap::from([(1, 1)]);
    let other = Builder::new()
        .hasher(std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default())
        .build_concurrent();
    assert_ne!(map, other);
    other.insert(1, 1);
    assert_eq!(map, other);
    assert_eq!(map, map.clone()); // two guards of one map
}

#[test]
fn a_hash_map_keeps_its_hasher() {
    let plain = HashMap::from([("a", 1)]);
    let hasher = plain.hasher().clone();
    let map = ConcurrentHashMap::from(plain);
    use std::hash::BuildHasher;
    assert_eq!(map.hasher().hash_one("a"), hasher.hash_one("a"));
    assert_eq!(map.get_cloned("a"), Some(1));
}
