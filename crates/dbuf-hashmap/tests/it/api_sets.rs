//! The methods of sets, and operations on two sets.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use dbuf_hashmap::{Builder, ConcurrentHashSet};

use crate::common::unwinds;

fn sorted<'a>(elements: impl Iterator<Item = &'a u32>) -> Vec<u32> {
    let all: Vec<_> = elements.copied().collect();
    let set: BTreeSet<_> = all.iter().copied().collect();
    assert_eq!(set.len(), all.len(), "each once");
    set.into_iter().collect()
}

#[test]
fn two_sets_combine_like_std() {
    let contents: [&[u32]; 5] = [&[], &[1], &[1, 2, 3], &[2, 3, 4, 5], &[4, 5, 6]];
    for one in contents {
        for other in contents {
            let (a, b): (BTreeSet<_>, BTreeSet<_>) = (
                one.iter().copied().collect(),
                other.iter().copied().collect(),
            );
            let ours: ConcurrentHashSet<u32> = a.iter().copied().collect();
            // The other set has another hasher, strategy and kind of handle.
            let (mut writer, reader) = Builder::new()
                .hasher(BuildHasherDefault::<DefaultHasher>::default())
                .build_set();
            writer.write().extend(b.iter().copied());
            let (x, y) = (ours.read(), reader.read());
            assert!(a.union(&b).copied().eq(sorted(x.union(&y))));
            assert!(a.intersection(&b).copied().eq(sorted(x.intersection(&y))));
            assert!(a.difference(&b).copied().eq(sorted(x.difference(&y))));
            let symmetric = sorted(x.symmetric_difference(&y));
            assert!(a.symmetric_difference(&b).copied().eq(symmetric));
            assert_eq!(a.is_subset(&b), x.is_subset(&y));
            assert_eq!(a.is_superset(&b), x.is_superset(&y));
            assert_eq!(a.is_disjoint(&b), x.is_disjoint(&y));
            assert_eq!(a == b, x == y);
            assert_eq!(a == b, y == x);
            let set: ConcurrentHashSet<u32> = b.iter().copied().collect();
            assert_eq!(a.is_subset(&b), ours.is_subset(&set));
            assert_eq!(a.is_superset(&b), ours.is_superset(&set));
            assert_eq!(a.is_disjoint(&b), ours.is_disjoint(&set));
            assert_eq!(a == b, ours == set);
        }
    }
}

#[test]
fn replace_stores_the_new_element() {
    let (old, new) = (Arc::new(1), Arc::new(1));
    let set = ConcurrentHashSet::from([Arc::clone(&old)]);
    assert!(!set.insert(Arc::clone(&new)));
    assert!(Arc::ptr_eq(&set.get(&1).unwrap(), &old));
    assert!(Arc::ptr_eq(&set.replace(Arc::clone(&new)).unwrap(), &old));
    for _ in 0..2 {
        assert!(Arc::ptr_eq(&set.get(&1).unwrap(), &new));
        set.insert(Arc::new(2)); // makes the copies swap
        set.take(&2);
    }
    assert_eq!(set.replace(Arc::new(3)), None);

    let (mut writer, _reader) = dbuf_hashmap::set::new();
    let mut batch = writer.write();
    let (old, new) = (Rc::new(1), Rc::new(1));
    assert_eq!(batch.replace(Rc::clone(&old)), None);
    assert!(Rc::ptr_eq(&batch.replace(Rc::clone(&new)).unwrap(), &old));
    assert!(Rc::ptr_eq(batch.get(&1).unwrap(), &new));
}

/// A set behaves like its map.
#[test]
fn a_set_is_a_map_without_values() {
    let set: ConcurrentHashSet<u32> = (0..3).collect();
    let other = set.clone();
    thread::scope(|scope| {
        scope.spawn(|| (10..20).for_each(|n| assert!(other.insert(n))));
        scope.spawn(|| (20..30).for_each(|n| assert!(set.insert(n))));
    });
    assert_eq!(
        [set.insert(10), set.remove(&10), set.remove(&10)],
        [false, true, false]
    );
    assert_eq!(set.take(&11), Some(11));
    set.retain(|n| *n < 20);
    assert_eq!(set.len(), 11);
    assert_eq!(set.read(), other.read());
    assert_eq!((&set.read()).into_iter().max(), Some(&19));
    {
        let guard = set.get(&1).unwrap();
        assert!(set.try_write().is_none(), "the guard holds the copy");
        assert!(!set.insert(*guard), "it is there");
    }
    let mut batch = set.write_timeout(Duration::from_secs(60)).unwrap();
    batch.extend([40, 41]);
    assert!(unwinds(|| _ = set.publish()), "the batch has the lock");
    drop(batch);
    assert!(set.reader().contains(&40), "published by the drop");
    assert!(set.reader().read().contains(&41), "published by the drop");
    set.clear();
    assert_eq!(set.len(), 0);
    set.reserve(100);
    let capacity = set.as_map().read().capacity();
    assert!(capacity >= 100, "room for {capacity}");
    let mut set = ConcurrentHashSet::from(["a", "b"]);
    set.extend(["c"]);
    assert_eq!(format!("{:?}", ConcurrentHashSet::from(["a"])), r#"{"a"}"#);
    let refused = set.transact(|batch| match batch.insert("d") {
        true => Err(batch.len()),
        false => Ok(()),
    });
    assert_eq!(refused, Err(4));
    assert_eq!(set.len(), 3);
}

#[test]
fn a_set_has_the_other_methods_of_a_map() {
    let set = ConcurrentHashSet::from(HashSet::from([1, 2]));
    assert_eq!((set.stragglers(), set.queued_writers()), (0, 0));
    (&set).extend(&[2, 3]);
    assert_eq!(set.iter().map(|n| *n).sum::<i32>(), 6);
    assert_eq!(set.into_iter().count(), 3);
    assert_eq!(set.reader().len(), 3);
    set.catch_up();
    let mut drained: Vec<_> = set.drain().collect();
    drained.sort_unstable();
    assert_eq!(drained, [1, 2, 3]);
    assert_eq!([set.len(), set.reader().len()], [0, 0]);
}

#[cfg(feature = "async")]
#[test]
fn tasks_write_to_a_set() {
    pollster::block_on(async {
        let set = ConcurrentHashSet::from([1]);
        assert!(set.insert_async(2).await, "2 is new");
        assert!(!set.insert_async(2).await, "2 is there");
        assert_eq!(set.replace_async(2).await, Some(2));
        assert_eq!(set.take_async(&2).await, Some(2));
        assert!(set.remove_async(&1).await, "1 is there");
        assert!(!set.remove_async(&1).await, "1 is removed");
        set.write_async().await.extend([1, 2, 3]);
        set.retain_async(|n| *n > 1).await;
        let refused = set.transact_async(async |batch| {
            batch.clear();
            Err::<(), _>(batch.len())
        });
        assert_eq!((refused.await, set.len()), (Err(0), 2));
        set.clear_async().await;
        assert!(set.is_empty());
    });
}
