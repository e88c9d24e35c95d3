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
    assert!(map.read().par_iter().all(|(n, double)| *double == 2 * n));
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

#[test]
fn a_set_is_collected_in_parallel() {
    let mut set: ConcurrentHashSet<_> = (0..100).into_par_iter().map(|n| n / 2).collect();
    assert_eq!(set.len(), 50);
    set.par_extend(vec![50, 50]);
    assert_eq!(set.len(), 51);
}
