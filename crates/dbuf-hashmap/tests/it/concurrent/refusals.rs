//! A write that would wait for its own thread is refused by a panic, before anything changed.

use std::thread;
use std::time::Duration;

use dbuf_hashmap::{ConcurrentHashMap, Operation, PublishPolicy};

use super::{POLICIES, with_policy};
use crate::common::{panic_message, unwinds};

/// Every kind of write.
const WRITES: [fn(&ConcurrentHashMap<u32, u32>); 25] = [
    |map| drop(map.write()),
    |map| drop(map.write_timeout(Duration::ZERO)),
    |map| _ = map.transact(|_| Ok::<_, ()>(())),
    |map| _ = map.insert(2, 2),
    |map| _ = map.remove(&1),
    |map| _ = map.remove_if(&1, |_, _| true),
    |map| _ = map.update(&1, |n| *n += 1),
    |map| _ = map.upsert(1, 2, |n| *n += 1),
    |map| _ = map.upsert_with(1, || 2, |n| *n += 1),
    |map| _ = map.get_or_insert_with(5, || 2),
    |map| _ = map.get_or_try_insert_with(5, || Ok::<_, ()>(2)),
    |map| _ = map.try_insert(1, 2),
    |map| _ = map.remove_entry(&1),
    |map| _ = map.compute(1, |_| Operation::<_>::Remove),
    |map| map.entry(1, |entry| *entry.or_insert(2) += 1),
    |map| drop(map.drain()),
    |map| map.shrink_to_fit(),
    |map| _ = map.try_reserve(1),
    |map| map.catch_up(),
    |map| map.retain(|_, _| false),
    |map| map.retain_mut(|_, _| false),
    |map| map.clear(),
    |map| map.reserve(1),
    |mut map| map.extend([(3, 3)]),
    |mut map| map.extend([(&3, &3)]),
];

#[test]
fn a_thread_that_keeps_two_copies_is_refused_before_anything_changed() {
    for policy in POLICIES {
        let map = with_policy(policy);
        map.write().insert(1, 1);
        for (number, write) in WRITES.into_iter().enumerate() {
            for kind in 0..3 {
                let (first, version) = (map.read(), map.read().version());
                map.write().insert(9, 9);
                // A guard holds the second copy too. This write takes the third.
                map.write().insert(9, 10);
                let second = match kind {
                    0 => (Some(map.read()), None),
                    1 => (None, map.get(&1)),
                    // The first of two nested guards is dropped.
                    _ => {
                        let (gone, nested) = (map.read(), map.read());
                        drop(gone);
                        (Some(nested), None)
                    }
                };
                map.write().insert(9, 11);
                assert_eq!(map.spare_stragglers(), 1);
                let message = panic_message(|| write(&map));
                let message = message.unwrap_or_else(|| panic!("{number} is not refused"));
                assert!(message.contains("drop the guard"), "{number}: {message}");
                assert!(map.try_write().is_none(), "{number}: both guards are held");
                assert_eq!(map.read().version(), version + 3);
                // Dropping either guard is enough.
                if number % 2 == 0 {
                    drop(first);
                } else {
                    drop(second);
                }
                map.write().insert(9, 12);
            }
        }
        assert_eq!(map.spare_stragglers(), 0);
        assert!(map.try_write().is_some(), "no guard is held");
        assert_eq!(map.get_cloned(&1), Some(1));
        assert_eq!(map.len(), 2);
        // A guard of another map, or of another thread, does not refuse a write.
        let other = with_policy(policy);
        let _guard = other.read();
        thread::scope(|scope| drop(scope.spawn(|| drop(map.read())).join()));
        map.insert(2, 2);
        // A call that need not wait for readers is not refused.
        let guard = map.read();
        map.publish();
        drop(guard);
        assert_eq!(map.len(), 3);
    }
}

#[test]
fn a_thread_with_an_open_batch_is_refused() {
    let map = with_policy(PublishPolicy::Immediate);
    let mut batch = map.write();
    batch.insert(1, 1);
    let message = panic_message(|| map.insert(2, 2)).expect("refused");
    assert!(message.contains("batch"), "{message}");
    assert!(unwinds(|| _ = map.publish()), "a publish needs the lock");
    let blocked =
        || map.try_write().is_none() && map.write_timeout(Duration::from_millis(1)).is_none();
    assert!(map.try_write().is_none(), "the lock is held");
    assert_eq!(map.len(), 0, "reads are not refused");
    let other = thread::scope(|scope| scope.spawn(blocked).join().unwrap());
    assert!(other, "another thread gets the lock");
    batch.publish();
    // A write in a closure is refused too; its change is undone, and the map still works.
    let nested = || {
        map.update(&1, |n| {
            *n = 9;
            map.insert(3, 3);
        });
    };
    assert!(unwinds(nested), "a write in a closure");
    assert_eq!(map.get_cloned(&1), Some(1));
    map.insert(2, 2);
    assert_eq!(map.len(), 2);
}
