//! Iteration over the map itself, and the guards of single entries.

use std::collections::BTreeMap;
use std::time::Duration;

use dbuf_hashmap::strategies::{CountStrategy, FlashStrategy, LockStrategy};
use dbuf_hashmap::{Builder, ConcurrentHashMap, ConcurrentHashSet, Reader, RefMulti};

fn numbers(last: u32) -> ConcurrentHashMap<u32, u32> {
    (0..last).map(|n| (n, 10 * n)).collect()
}

#[test]
fn each_entry_comes_once_with_its_own_value() {
    for last in [0, 1, 3, 100] {
        let map = numbers(last);
        let mut entries = map.iter();
        assert_eq!(entries.len(), last as usize);
        let seen: BTreeMap<_, _> = (&mut entries).map(|e| (*e.key(), *e.value())).collect();
        assert_eq!(seen, (0..last).map(|n| (n, 10 * n)).collect());
        assert_eq!([entries.next(), entries.next()], [None, None]);
        for entry in map.iter() {
            assert_eq!(entry.pair(), (entry.key(), &*entry));
        }
        assert_eq!(
            map.keys().map(|key| *key).sum::<u32>(),
            (0..last).sum::<u32>()
        );
        assert_eq!(
            map.values().map(|n| *n).sum::<u32>(),
            (0..last).map(|n| 10 * n).sum::<u32>()
        );
    }
}

#[test]
fn removed_entries_leave_no_gap() {
    let map = numbers(100);
    map.retain(|n, _| n % 7 == 0);
    let mut keys: Vec<_> = map.keys().map(|key| *key).collect();
    keys.sort_unstable();
    assert_eq!(keys, (0..100).step_by(7).collect::<Vec<_>>());
}

#[test]
fn items_outlive_the_iterator_and_show_one_snapshot() {
    let map = numbers(3);
    let items: Vec<_> = map.iter().collect();
    std::thread::scope(|scope| {
        scope.spawn(|| map.write().values_mut().for_each(|n| *n = 0));
    });
    assert_eq!(items.iter().map(|item| **item).sum::<u32>(), 30);
    assert_eq!(map.values().map(|n| *n).collect::<Vec<_>>(), [0; 3]);
}

/// Iterates over a snapshot that is local to the function.
fn large(reader: &Reader<u32, u32>) -> impl Iterator<Item = RefMulti<'_, u32, u32>> {
    let snapshot = reader.read();
    let mean = snapshot.values().sum::<u32>() / snapshot.len() as u32;
    snapshot.into_iter().filter(move |n| **n > mean)
}

#[test]
fn iterators_that_own_their_snapshot_outlive_it() {
    let (mut writer, reader) = dbuf_hashmap::new();
    writer.write().extend((0..5).map(|n| (n, 10 * n)));
    let items = large(&reader);
    writer.write().clear();
    assert_eq!(writer.stragglers(), 1);
    let pairs: BTreeMap<_, _> = items.map(|item| (*item.key(), *item)).collect();
    assert_eq!(pairs, [(3, 30), (4, 40)].into());
    assert!(writer.try_write().is_some(), "the last item is dropped");

    let map = numbers(4);
    assert_eq!(map.read().into_keys().map(|key| *key).sum::<u32>(), 6);
    assert_eq!(map.read().into_values().map(|n| *n).sum::<u32>(), 60);
    let set = ConcurrentHashSet::from([1, 2]);
    assert_eq!(set.read().into_iter().map(|n| *n).sum::<u32>(), 3);
}

#[test]
fn writers_wait_for_the_snapshot_until_the_last_item_is_dropped() {
    let map = numbers(3);
    let mut entries = map.iter();
    let (first, second) = (entries.next(), entries.next());
    let write = || {
        std::thread::scope(|scope| {
            let write = || map.write_timeout(Duration::from_millis(20)).is_some();
            scope.spawn(write).join().unwrap()
        })
    };
    std::thread::scope(|scope| _ = scope.spawn(|| map.insert(9, 9)).join().unwrap());
    assert!(!write(), "the iterator and two items are held");
    drop(entries);
    assert!(!write(), "two items are held");
    drop(first);
    assert!(!write(), "an item is held");
    drop(second);
    assert!(write(), "nothing is held");
}

#[test]
fn a_loop_writes_to_the_map_that_it_iterates() {
    let map = numbers(3);
    for entry in &map {
        assert!(map.try_write().is_none());
        assert_eq!(map.insert(*entry.key(), 7), Some(10 * *entry.key()));
        assert_eq!(*entry.value(), 10 * *entry.key(), "its own snapshot");
    }
    assert_eq!(map.values().map(|n| *n.value()).collect::<Vec<_>>(), [7; 3]);
    for key in map.keys() {
        map.remove(&*key);
    }
    assert_eq!(map.len(), 0);
}

#[test]
fn other_strategies_iterate_too() {
    fn check<S>(strategy: S)
    where
        S: dbuf_hashmap::BlockingStrategy<ReaderToken: Send, WriterToken: Send> + Send + Sync,
    {
        let map = Builder::new().strategy(strategy).build_concurrent();
        map.write().extend((0..5).map(|n| (n, n)));
        assert_eq!(map.iter().map(|n| *n).sum::<i32>(), 10);
        map.insert(5, 5);
        assert_eq!(map.iter().count(), 6);
    }
    check(CountStrategy::new());
    check(FlashStrategy::new());
    check(LockStrategy::new());
}

#[test]
fn guards_know_their_key_and_compare_across_handles() {
    let (mut writer, reader) = dbuf_hashmap::new::<String, u32>();
    writer.write().extend([
        ("a".to_owned(), 1),
        ("b".to_owned(), 1),
        ("c".to_owned(), 2),
    ]);
    let shared = reader.shared();
    let map = ConcurrentHashMap::from([(1, 1)]);
    let a = reader.get("a").unwrap();
    assert_eq!((a.key().as_str(), *a.value()), ("a", 1));
    assert_eq!(a.pair(), (&"a".to_owned(), &1));
    assert_eq!(a, shared.get("b").unwrap()); // by value
    assert_ne!(a, shared.get("c").unwrap());
    assert_eq!(a, map.get(&1).unwrap());
    assert_eq!(map.iter().next(), map.iter().last());
}
