//! The calls of "From `arc-swap`" in `docs/migrating.md`, theirs before ours.

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption, Cache};
use dbuf_hashmap::{CellGuard, ConcurrentCell};

#[test]
fn calls() {
    let swap = ArcSwap::from_pointee(vec![1]);
    let cell = ConcurrentCell::new(vec![1]);
    let same = || **swap.load() == *cell.read();
    assert!(same());

    // Reading.
    assert_eq!(swap.load().len(), cell.read().len());
    assert_eq!(*swap.load_full(), cell.load());

    // Writing.
    swap.store(Arc::new(vec![2]));
    cell.store(vec![2]);
    assert!(same());
    assert_eq!(*swap.swap(Arc::new(vec![3])), cell.swap(vec![3]));
    swap.rcu(|list| [&list[..], &[4]].concat());
    cell.rcu(|list| [&list[..], &[4]].concat());
    assert!(same());
    swap.rcu(|list| {
        let mut list = Vec::clone(list);
        list.push(5);
        list
    });
    cell.update(|list| list.push(5));
    assert!(same());

    // A thread that reads all the time.
    {
        let mut cache = Cache::new(&swap);
        let mut guard = cell.read();
        std::thread::scope(|scope| {
            scope.spawn(|| swap.store(Arc::new(vec![6])));
            scope.spawn(|| cell.store(vec![6]));
        });
        assert_eq!(guard.len(), 3);
        assert_eq!(cache.load().len(), 1);
        assert!(CellGuard::refresh(&mut guard));
        assert_eq!(guard.len(), 1);
    }

    let swap_option = ArcSwapOption::<u32>::empty();
    let cell_option = ConcurrentCell::new(None::<u32>);
    assert_eq!(swap_option.load().is_none(), cell_option.read().is_none());
    assert_eq!(Arc::into_inner(swap.into_inner()), Some(cell.into_inner()));
}
