//! How often a change clones and hashes.

use core::cell::Cell;
use std::hash::RandomState;

use dbuf_hashmap::Builder;

use super::{Census, CountingState, Name, work};

#[test]
fn replay_clones_nothing() {
    let census = Census::default();
    let (mut writer, reader) = dbuf_hashmap::new();
    let mut batch = writer.write();
    work(&mut batch, &census);
    batch.publish();
    // Cloned keys: 6 inserts and 1 update; overwriting or removing a key reuses the given one.
    // Cloned values: 7 inserts and 1 update.
    assert_eq!(census.clones.get(), 7 + 8);
    writer.catch_up();
    assert_eq!(census.clones.get(), 7 + 8);
    assert_eq!(writer.write().as_map(), reader.read().as_map());
}

#[test]
fn value_that_changes_in_place_is_cloned_once_for_each_batch() {
    let census = Census::default();
    let (mut writer, reader) = dbuf_hashmap::new();
    let mut batch = writer.write();
    batch.extend((0..4).map(|n| (census.make(n), census.make(n))));
    batch.publish();
    writer.catch_up();
    census.clones.set(0);
    let mut batch = writer.write();
    for n in 0..100 {
        batch.update(&Name(1), |v| v.name = n);
        batch.get_mut(&Name(1)).unwrap().name += 1;
        batch
            .entry(census.make(1))
            .and_modify(|v| v.name += 1)
            .or_insert_with(|| unreachable!())
            .name += 1;
        batch.upsert(census.make(1), census.make(0), |v| v.name += 1);
    }
    // The key is cloned for the log.
    assert_eq!(census.clones.get(), 1);
    batch.publish();
    assert_eq!(census.clones.take(), 2);
    writer.catch_up();
    assert_eq!(census.clones.take(), 0);
    assert_eq!(census.alive.get(), 2 * (4 + 4));
    assert_eq!(writer.write().get(&Name(1)).unwrap().name, 103);
    assert_eq!(writer.write().as_map(), reader.read().as_map());
    // The entry adds a new key, and one that is removed again.
    let mut batch = writer.write();
    batch
        .entry(census.make(7))
        .or_insert_with(|| census.make(7))
        .name = 8;
    batch
        .entry(census.make(9))
        .or_insert_with(|| census.make(9))
        .name = 8;
    batch.remove(&Name(9));
    batch.publish();
    writer.catch_up();
    assert_eq!(census.clones.take(), 3);
    assert_eq!(writer.write().as_map(), reader.read().as_map());
    // A repeated change clones the key.
    let mut batch = writer.write();
    for _ in 0..10 {
        assert!(batch.change(&Name(7), |v| v.name += 1), "it is there");
    }
    batch.publish();
    writer.catch_up();
    assert_eq!(census.clones.take(), 10);
    assert_eq!(writer.write().get(&Name(7)).unwrap().name, 18);
    // If the value is lent too, the change is part of the lent value.
    let mut batch = writer.write();
    batch.get_mut(&Name(7)).unwrap().name = 50;
    batch.change(&Name(7), |v| {
        assert!(v.name >= 50, "{} was not lent", v.name);
        v.name += 1;
    });
    batch.publish();
    writer.catch_up();
    assert_eq!(census.clones.take(), 2);
    assert_eq!(writer.write().as_map(), reader.read().as_map());
    writer.write().clear();
    writer.catch_up();
    assert_eq!(census.alive.get(), 0);
}

/// Each changed key and its value is cloned, in maps of any size.
#[test]
fn rollback_costs_what_it_undoes() {
    let census = Census::default();
    let hashes = Cell::new(0);
    let hasher = CountingState(RandomState::new(), &hashes);
    let entries = if cfg!(miri) { 100 } else { 10_000 };
    let (mut writer, reader) = Builder::new().hasher(hasher).build();
    writer
        .write()
        .extend((0..entries).map(|n| (census.make(n), census.make(n))));
    writer.catch_up();
    for keep in [false, true] {
        let mut batch = writer.write();
        batch.insert(census.make(entries), census.make(1));
        if keep {
            batch.update(&Name(4), |v| v.name = 44);
            batch.insert(census.make(5), census.make(55));
            batch.remove(&Name(6));
            batch.retain(|k, _| k.name % entries != 7 && k.name % entries != 8);
        }
        batch.publish();
        writer.catch_up();
        let mut batch = writer.write();
        batch.insert(census.make(0), census.make(66));
        batch.remove(&Name(1));
        batch.remove(&Name(5));
        batch.insert(census.make(5), census.make(66));
        batch.insert(census.make(entries + 1), census.make(66));
        batch.retain(|k, _| k.name != 2 && k.name != 3);
        for _ in 0..5 {
            batch.get_mut(&Name(4)).unwrap().name = 66;
        }
        batch.change(&Name(9), |v| v.name = 66);
        batch
            .entry(census.make(6))
            .or_insert_with(|| census.make(66))
            .name = 67;
        let published = batch.published().len();
        batch.rollback();
        census.clones.set(0);
        hashes.set(0);
        let batch = writer.write();
        // At most keys 0 to 6 and 9, with their values.
        let clones = census.clones.take();
        assert!(clones <= 2 * 8, "{clones} clones");
        assert_eq!(hashes.take(), 0);
        assert_eq!(batch.len(), published);
        assert_eq!(batch.as_map(), reader.read().as_map());
        drop(batch);
        writer.catch_up();
    }
    writer.write().clear();
    writer.catch_up();
    assert_eq!(census.alive.get(), 0);
}

#[test]
fn each_change_hashes_once_for_both_copies() {
    let hashes = Cell::new(0);
    let (mut writer, reader) = Builder::new()
        .capacity(10)
        .hasher(CountingState(RandomState::new(), &hashes))
        .build();
    for change in ["insert", "overwrite", "update", "remove"] {
        let mut batch = writer.write();
        match change {
            "update" => _ = batch.update(&1, |n| *n += 1),
            "remove" => _ = batch.remove(&1),
            _ => _ = batch.insert(1, 1),
        }
        batch.publish();
        writer.catch_up();
        assert_eq!(hashes.take(), 1, "{change}");
    }
    assert_eq!(reader.get_cloned(&1), None);
    assert_eq!(hashes.take(), 1, "get");
    assert!(!reader.read().contains_key(&1), "it is removed");
    assert_eq!(hashes.take(), 1, "contains_key");
}

#[test]
fn second_copy_grows_once_where_the_first_grew_in_steps() {
    let hashes = Cell::new(0);
    let hasher = CountingState(RandomState::new(), &hashes);
    let (mut writer, reader) = Builder::new().hasher(hasher).build();
    let mut batch = writer.write();
    for n in 0..1000 {
        batch.insert(n, n);
    }
    batch.publish();
    // One hash for each insert, and one for each entry that moved as the first copy grew.
    let first = hashes.take();
    assert!(first > 1500, "the first copy grew at once: {first} hashes");
    writer.catch_up();
    assert_eq!(hashes.get(), 0);
    assert_eq!(reader.read().capacity(), writer.write().as_map().capacity());
    let mut batch = writer.write();
    batch.reserve(10_000);
    batch.publish();
    writer.catch_up();
    assert_eq!(hashes.take(), 2 * 1000);
    let capacity = writer.write().as_map().capacity();
    assert!(capacity >= 11_000, "room for {capacity}");
}
