//! Parallel collection.
#![cfg(feature = "rayon")]

use dbuf_hashmap::{ConcurrentHashMap, ConcurrentHashSet};
use rayon::prelude::*;

#[test]
fn a_map_is_collected_extended_and_read_in_parallel() {
    let last = if cfg!(miri) { 20_u32 } else { 10_000 };
    let mut map: ConcurrentHashMap<_, _> = (0..last).into_par_iter().map(|n| (n, n)).collect();
    assert_eq!(map.len(), last as usize);
    assert_eq!(map.read().version(), 1);
    map.par_extend((0..last).into_par_iter().map(|n| (n, 2 * n)));
    let doubles = |(n, double): (&u32, &u32)| *double == 2 * n;
    assert!(
        map.read().par_iter().all(doubles),
        "an entry is not replaced"
    );
    // The last of equal keys wins.
    map.par_extend(vec![(1, 5), (1, 6), (1, 7)]);
    assert_eq!(map.get_cloned(&1), Some(7));
    assert_eq!(map.read().version(), 3);
    // The iterator may read and write the map, since the batch begins after it has ended.
    (&map).par_extend((0..2).into_par_iter().map(|n| {
        map.insert(last, n);
        (n, map.get_cloned(&n).unwrap() + 1)
    }));
    assert_eq!(map.get_cloned(&1), Some(8));
}

/// The items outlive the guard, and do not show later publishes.
#[test]
fn a_map_and_a_set_are_iterated_in_parallel() {
    let map: ConcurrentHashMap<_, _> = (0..50).into_par_iter().map(|n| (n, n)).collect();
    let mut entries: Vec<(u32, u32)> = map.par_iter().collect();
    map.clear();
    entries.par_sort_unstable();
    assert_eq!(entries, (0..50).map(|n| (n, n)).collect::<Vec<_>>());
    assert_eq!(map.par_iter().count(), 0);

    let set: ConcurrentHashSet<_> = (0..50).into_par_iter().collect();
    let guard = set.read();
    assert_eq!(guard.par_iter().sum::<u32>(), 1225);
    assert_eq!(guard.as_set().into_par_iter().max(), Some(&49));
    drop(guard);
    assert_eq!(set.par_iter().sum::<u32>(), 1225);
}

/// A job that writes on the worker that iterates writes under the guard of that worker: the
/// spare copy is taken, and once that has a guard too, the write panics.
#[test]
fn a_job_that_writes_takes_the_spare_copy_and_then_panics() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let map = ConcurrentHashMap::from([("a", 0)]);
    let write = |(key, before): (&'static str, i32)| {
        let insert = |n| {
            map.insert(key, n);
        };
        (1..4).for_each(insert);
        let _kept = map.read();
        let writes = || (4..7).for_each(insert);
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(writes));
        (before, unwound.is_err())
    };
    let done: Vec<_> = pool
        .unwrap()
        .install(|| map.par_iter().map(write).collect());
    assert_eq!(done, [(0, true)]);
    assert_eq!(map.get_cloned("a"), Some(4));
    assert!(map.insert("a", 7).is_some());
}

#[test]
fn a_set_is_collected_in_parallel() {
    let mut set: ConcurrentHashSet<_> = (0..100).into_par_iter().map(|n| n / 2).collect();
    assert_eq!(set.len(), 50);
    set.par_extend(vec![50, 50]);
    assert_eq!(set.len(), 51);
}
