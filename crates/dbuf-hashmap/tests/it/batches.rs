//! How batches end, and what the map holds then.

use core::cell::Cell;

use crate::common::{
    assert_doubles, assert_doubles_again, assert_goes_on, doubles, unwind, unwinds,
};
use dbuf_hashmap::strategies::LockStrategy;
use dbuf_hashmap::{
    Batch, Builder, ConcurrentHashMap, DefaultStrategy, LocalStrategy, Owner, Published, Strategy,
};

#[test]
fn closures_run_once() {
    let (mut writer, reader) = doubles();
    let (mut updates, mut calls) = (0, 0);
    let mut batch = writer.write();
    batch.update(&3, |n| {
        updates += 1;
        *n = 0;
    });
    batch.update(&77, |_| unreachable!("there is no such key"));
    batch.retain(|k, _| {
        calls += 1;
        k % 2 == 1
    });
    batch.publish();
    writer.catch_up();
    assert_eq!((updates, calls), (1, 10));
    assert_eq!(reader.read()[&3], 0);
    assert_goes_on(writer, &reader);
}

#[test]
fn retain_that_decides_by_chance_leaves_the_copies_equal() {
    let (mut writer, reader) = doubles();
    let coin = Cell::new(1_u32);
    let toss = || {
        coin.set(
            coin.get()
                .wrapping_mul(1_664_525)
                .wrapping_add(1_013_904_223),
        );
        coin.get() >> 31 == 0
    };
    for _ in 0..3 {
        writer.write().retain(|_, _| toss());
        let left = reader.read().len();
        writer.catch_up();
        assert_eq!(writer.write().len(), left);
    }
    assert_goes_on(writer, &reader);
}

#[test]
fn deferred_changes_are_published_together() {
    let (mut writer, reader) = doubles();
    let mut batch = writer.write();
    batch.insert(50, 50);
    batch.defer();
    let mut batch = writer.write();
    assert_eq!(batch.get(&50), Some(&50));
    batch.remove(&1);
    batch.defer();
    assert!(writer.has_pending(), "deferred");
    assert_doubles(reader.read());
    assert_eq!(writer.publish(), Published::Now);
    assert_eq!(writer.publish(), Published::Nothing);
    assert_eq!(reader.read().len(), 10);
    assert!(reader.read().contains_key(&50));
    assert_goes_on(writer, &reader);
}

/// Inserts two of three lines, and returns early at the third.
fn two_of_three<W: Owner<Key = u32, Value = u32>>(mut batch: Batch<W>) -> Option<()> {
    batch.defer_on_drop();
    for line in ["20", "21", "x"] {
        batch.insert(line.parse().ok()?, 0);
    }
    unreachable!("one line is not a number")
}

#[test]
fn early_return_publishes_nothing_of_a_batch_that_defers() {
    let (mut writer, reader) = doubles();
    assert_eq!(two_of_three(writer.write()), None);
    assert_doubles(reader.read());
    let batch = writer.write();
    assert_eq!(batch.get(&21), Some(&0));
    batch.rollback();
    assert_doubles_again(&mut writer, &reader);

    // In a concurrent map, another writer's rollback cannot undo it.
    let map = ConcurrentHashMap::<u32, u32>::new();
    assert_eq!(two_of_three(map.write()), None);
    assert!(map.is_empty());
    map.write().rollback();
    map.write().publish();
    assert_eq!(map.len(), 2);

    let unwound = unwinds(|| {
        let mut batch = map.write();
        batch.defer_on_drop();
        batch.insert(30, 0);
        unwind();
    });
    assert!(unwound, "the closure panics");
    assert_eq!(map.write().get(&30), None);
}

#[test]
fn layers_end_their_batches_like_the_map() {
    macro_rules! ends {
        ($layer:ident, $($one:expr),+) => {{
            let (mut writer, reader) = dbuf_hashmap::$layer::new();
            let mut batch = writer.write();
            batch.insert($($one),+);
            batch.rollback();
            assert_eq!(writer.write().len(), 0);
            assert!(!writer.has_pending(), "rolled back");

            let mut batch = writer.write();
            batch.rollback_on_drop();
            batch.insert($($one),+);
            drop(batch);
            let refused = writer.transact(|batch| {
                batch.insert($($one),+);
                Err::<(), _>("refused")
            });
            assert_eq!((refused, writer.write().len()), (Err("refused"), 0));

            let mut batch = writer.write();
            batch.defer_on_drop();
            batch.insert($($one),+);
            drop(batch);
            assert_eq!((reader.read().len(), writer.has_pending()), (0, true));
            let guard = reader.read();
            assert_eq!(writer.publish(), Published::Now);
            assert_eq!((guard.len(), writer.reader().read().len()), (0, 1));
            assert_eq!((writer.stragglers(), writer.published().len()), (1, 1));
            assert!(writer.try_write().is_none(), "the guard holds the copy");
            assert!(!writer.try_catch_up().unwrap(), "the guard holds the copy");
            drop(guard);
            writer.catch_up();
            assert_eq!((writer.stragglers(), writer.version()), (0, 1));

            let mut batch = writer.try_write().unwrap();
            batch.reserve(1000);
            batch.publish();
            let capacity = writer.published().capacity();
            assert!(capacity >= 1000, "room for {capacity}");
            let mut batch = writer.write();
            batch.shrink_to_fit();
            batch.clear();
            batch.defer();
            assert_eq!(reader.read().len(), 1);
            writer.publish();
            assert_eq!(reader.read().len(), 0);
            let capacity = writer.published().capacity();
            assert!(capacity < 1000, "room for {capacity}");
        }};
    }
    ends!(set, "a");
    ends!(multimap, "a", 1);
}

#[test]
fn revision_is_published_and_rolled_back_with_the_entries() {
    let (mut writer, reader) = dbuf_hashmap::new::<u32, u32>();
    let state = || {
        let map = reader.read();
        (map.revision(), map.len())
    };
    let mut batch = writer.write();
    batch.insert(1, 1);
    batch.set_revision(5);
    assert_eq!(batch.published().revision(), 0);
    batch.publish();
    assert_eq!(state(), (5, 1));

    let mut batch = writer.write();
    batch.set_revision(6);
    batch.insert(2, 2);
    batch.rollback();
    assert_eq!(state(), (5, 1));
    // Checks the copy that was rolled back, and the one that caught up.
    for _ in 0..2 {
        let batch = writer.write();
        assert_eq!((batch.as_map().revision(), batch.len()), (5, 1));
        batch.publish();
        writer.write().set_revision(7);
        writer.write().set_revision(5);
    }

    // A revision with an entry that is restored by key, after a deferred revision.
    writer.write().extend((10..100).map(|n| (n, n)));
    let mut batch = writer.write();
    batch.set_revision(8);
    batch.defer();
    assert_eq!(state(), (5, 91));
    let mut batch = writer.write();
    assert_eq!(batch.as_map().revision(), 8);
    batch.insert(10, 11);
    batch.rollback(); // also undoes deferred changes
    assert_eq!(writer.write().as_map().revision(), 5);

    // `clear` drops what was logged before, except the revision.
    let mut batch = writer.write();
    batch.set_revision(9);
    batch.clear();
    batch.publish();
    assert_eq!(state(), (9, 0));
    assert_eq!(writer.write().as_map().revision(), 9);
    writer.write().insert(1, 1);
    assert_eq!(state(), (9, 1));
    assert_eq!(writer.write().as_map().revision(), 9);

    // A new revision alone is a change; the same revision is none.
    let version = reader.read().version();
    writer.write().set_revision(9);
    assert_eq!(reader.read().version(), version);
    writer.write().set_revision(10);
    assert_eq!(reader.read().version(), version + 1);
}

#[test]
fn batch_that_changes_nothing_publishes_nothing() {
    let (mut writer, reader) = doubles();
    let version = writer.version();
    let mut batch = writer.write();
    assert_eq!(batch.remove(&50), None);
    assert_eq!(batch.update(&50, |_| ()), None);
    batch.retain(|_, _| true);
    batch.publish();
    assert_eq!(writer.version(), version);
    writer.write().clear();
    assert_eq!(writer.version(), version + 1);
    writer.write().clear();
    assert_eq!(writer.version(), version + 1);
    assert_eq!(reader.read().version(), version + 1);
}

#[test]
fn transaction_is_all_or_nothing() {
    let (mut writer, reader) = doubles();
    let refused = writer.transact(|batch| {
        batch.clear();
        Err::<(), _>("no")
    });
    assert_eq!(refused, Err("no"));
    assert_doubles_again(&mut writer, &reader);
    assert!(unwinds(|| {
        let _ = writer.transact::<(), ()>(|batch| {
            batch.clear();
            unwind();
        });
    }));
    assert_doubles_again(&mut writer, &reader);
    assert_eq!(writer.transact(|batch| batch.remove(&1).ok_or(())), Ok(2));
    assert!(!reader.read().contains_key(&1));
    assert_goes_on(writer, &reader);
}

#[test]
fn a_straggler_refuses_a_batch_until_it_is_dropped() {
    fn check<S: Strategy + Default>() {
        let (mut writer, reader) = Builder::new().strategy(S::default()).build();
        let first = reader.read();
        writer.try_write().unwrap().insert(1, 1);
        assert!(writer.try_write().is_none());
        assert_eq!(writer.stragglers(), 1);
        // A nested read sees the newest publish, and blocks no batch.
        let second = reader.read();
        assert_eq!((first.len(), second.len()), (0, 1));
        drop(first);
        assert_eq!(writer.try_write().unwrap().len(), 1);
        assert_eq!((second.version(), writer.stragglers()), (1, 0));
    }
    check::<LockStrategy>();
    check::<LocalStrategy>();
    check::<DefaultStrategy>();
}

#[test]
#[should_panic = "not fresh"]
fn strategy_with_a_writer_is_refused() {
    let strategy = LockStrategy::new();
    // Only `release_writer` ends a claim.
    let _claim = strategy.try_claim_writer().unwrap();
    let _ = Builder::new().strategy(strategy).build::<u32, u32>();
}
