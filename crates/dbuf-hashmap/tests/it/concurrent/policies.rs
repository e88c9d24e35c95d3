//! When the changes of a writer are published.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use dbuf_hashmap::{ConcurrentHashMap, PublishPolicy, Published};

use super::with_policy;
use crate::common::{unwind, unwinds};

#[test]
fn every_counts_changes_and_not_calls() {
    let map = with_policy(PublishPolicy::Every(3));
    map.insert(1, 1);
    map.insert(2, 2);
    for _ in 0..5 {
        map.remove(&7);
        map.update(&7, |n| *n += 1);
        map.retain(|_, _| true);
    }
    assert_eq!(map.len(), 0);
    map.remove(&1);
    assert_eq!(map.len(), 1);
    map.insert(3, 3);
    map.insert(1, 1);
    assert_eq!(map.len(), 1);
    assert_eq!(map.publish(), Published::Now);
    assert_eq!(map.publish(), Published::Nothing);
    assert_eq!(map.len(), 3);
    map.insert(4, 4);
    assert_eq!(map.len(), 3);
    drop(map.write()); // even an empty batch publishes pending changes
    assert_eq!(map.len(), 4);
    let zero = with_policy(PublishPolicy::Every(0));
    zero.insert(1, 1);
    assert_eq!(zero.len(), 1);
}

#[test]
fn within_publishes_what_has_been_pending_for_long() {
    let never = with_policy(PublishPolicy::Within(Duration::from_secs(3600)));
    never.insert(1, 1);
    never.insert(2, 2);
    assert_eq!(never.len(), 0);
    assert_eq!(never.publish(), Published::Now);
    assert_eq!(never.len(), 2);

    let at_once = with_policy(PublishPolicy::Within(Duration::ZERO));
    at_once.insert(1, 1);
    assert_eq!(at_once.len(), 1);

    let age = Duration::from_millis(1);
    let map = with_policy(PublishPolicy::Within(age));
    for round in 1..4 {
        // Changes that were published do not add to the age of later ones.
        map.insert(round * 10, 0);
        map.publish();
        let began = Instant::now();
        map.insert(round * 10 + 1, 0);
        let version = map.read().version();
        while map.read().version() == version {
            map.insert(round * 10 + 2, 0);
        }
        assert!(began.elapsed() >= age, "published before its time");
        assert_eq!(map.len(), 3 * round as usize);
    }
}

/// The failure of another writer loses no pending change.
#[test]
fn pending_changes_survive_later_writers() {
    type Failure = fn(&ConcurrentHashMap<u32, u32>);
    let failures: [Failure; 5] = [
        |map| {
            let refused = map.transact(|batch| {
                batch.clear();
                Err::<(), _>("refused")
            });
            assert_eq!(refused, Err("refused"));
        },
        |map| assert!(unwinds(|| _ = map.update(&1, |_| unwind())), "update"),
        |map| {
            let mut batch = map.write();
            batch.insert(9, 9);
            batch.rollback();
        },
        |map| assert!(unwinds(|| map.retain(|_, _| unwind())), "retain"),
        |map| assert_eq!(map.remove(&77), None),
    ];
    for (number, fail) in failures.into_iter().enumerate() {
        let map = with_policy(PublishPolicy::Every(100));
        map.insert(1, 10);
        fail(&map);
        map.insert(2, 20);
        map.publish();
        let all: BTreeMap<_, _> = map.read().iter().map(|(k, v)| (*k, *v)).collect();
        assert_eq!(all, [(1, 10), (2, 20)].into(), "failure {number}");
    }
}
