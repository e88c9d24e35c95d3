//! Each allocation fails once. `try_reserve` returns it as an error and changes nothing; at every
//! other call the process ends as `handle_alloc_error` ends it, and before that every snapshot and
//! both copies are right.
#![cfg(all(unix, not(any(dbuf_shuttle, miri))))]

extern crate alloc;

use alloc::collections::BTreeMap;
use core::task::{Context, Waker};
use std::pin::pin;
use std::thread;

use dbuf_hashmap::strategies::{EpochStrategy, FlashStrategy};
use dbuf_hashmap::{BlockingStrategy, Builder, ConcurrentHashMap};
use dbuf_testing::failing::{Failing, each_allocation_fails};

#[global_allocator]
static ALLOCATOR: Failing = Failing;

type Map<S> = ConcurrentHashMap<u32, String, std::hash::RandomState, S>;

fn same<'m>(
    entries: impl Iterator<Item = (&'m u32, &'m String)>,
    expected: &BTreeMap<u32, String>,
) {
    let mut count = 0;
    for (key, value) in entries {
        assert_eq!(expected.get(key), Some(value));
        count += 1;
    }
    assert_eq!(count, expected.len());
}

/// Asserts that both copies have these entries.
fn check<S: BlockingStrategy>(map: &Map<S>, expected: &BTreeMap<u32, String>) {
    same(map.read().iter(), expected);
    let batch = map.write();
    same(batch.iter(), expected);
    same(batch.published().iter(), expected);
}

fn uses<S: BlockingStrategy>(strategy: S) {
    let map: Map<S> = Builder::new().strategy(strategy).build_concurrent();
    let mut expected = BTreeMap::new();
    for n in 0..8 {
        map.insert(n, n.to_string());
        expected.insert(n, n.to_string());
    }
    // The failure may hit either copy.
    let refused = map.try_reserve(500).is_err();
    check(&map, &expected);
    let mut batch = map.write();
    batch.insert(8, "eight".into());
    let refused = batch.try_reserve(5_000).is_err() || refused;
    batch.insert(9, "nine".into());
    batch.publish();
    expected.extend([(8, "eight".into()), (9, "nine".into())]);
    check(&map, &expected);
    assert!(refused || map.capacity() >= 5_000);

    let snapshot = map.read();
    map.remove(&0);
    map.update(&1, |value| value.push('!'));
    assert_eq!(
        (snapshot.len(), snapshot.get(&1).unwrap().as_str()),
        (10, "1")
    );
    drop(snapshot);
    expected.remove(&0);
    expected.insert(1, "1!".into());
    let undone = map.transact(|batch| {
        batch.clear();
        batch.insert(7, "seven".into());
        Err::<(), _>(())
    });
    assert!(undone.is_err());
    check(&map, &expected);

    let batch = map.write();
    let mut cx = Context::from_waker(Waker::noop());
    {
        let mut waits = pin!(map.insert_async(10, "ten".into()));
        assert!(waits.as_mut().poll(&mut cx).is_pending());
        drop(batch);
        assert!(waits.as_mut().poll(&mut cx).is_ready());
    }
    expected.insert(10, "ten".into());
    thread::scope(|scope| {
        let retains = scope.spawn(|| map.retain(|key, _| key % 2 == 0));
        // Its destructors, too, have run: they may allocate.
        retains.join().unwrap();
    });
    expected.retain(|key, _| key % 2 == 0);
    map.shrink_to_fit();
    check(&map, &expected);
}

fn each_fails<S: BlockingStrategy>(test: &str, new: fn() -> S) {
    let ends = each_allocation_fails(test, || uses(new()));
    println!("{test}: {ends:?}");
    // `try_reserve` allocates for both copies, twice.
    assert!(ends.aborted >= 20 && ends.went_on >= 4, "{ends:?}");
}

#[test]
fn failed_allocation_with_epoch_is_an_error_or_ends_the_process() {
    each_fails(
        "failed_allocation_with_epoch_is_an_error_or_ends_the_process",
        EpochStrategy::new,
    );
}

#[test]
fn failed_allocation_with_flash_is_an_error_or_ends_the_process() {
    each_fails(
        "failed_allocation_with_flash_is_an_error_or_ends_the_process",
        FlashStrategy::new,
    );
}
