//! Which copy owns keys and values, and how often they are cloned, hashed and dropped.

mod costs;
mod sharing;

use core::cell::Cell;
use core::hash::{BuildHasher, Hash, Hasher};
use core::mem;
use std::hash::{DefaultHasher, RandomState};

use dbuf_hashmap::{Equivalent, WriterBatch};

/// Counts how many values of a kind are alive and how often they were cloned.
#[derive(Debug, Default)]
struct Census {
    alive: Cell<usize>,
    clones: Cell<usize>,
}

#[derive(Debug)]
struct Counted<'c> {
    name: u32,
    census: &'c Census,
}

impl Census {
    fn make(&self, name: u32) -> Counted<'_> {
        self.alive.set(self.alive.get() + 1);
        Counted { name, census: self }
    }
}

impl Clone for Counted<'_> {
    fn clone(&self) -> Self {
        self.census.clones.set(self.census.clones.get() + 1);
        self.census.make(self.name)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.census.alive.set(self.census.alive.get() - 1);
    }
}

impl Hash for Counted<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl PartialEq for Counted<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Counted<'_> {}

/// Finds a [`Counted`] key without making one.
#[derive(Hash)]
struct Name(u32);

impl Equivalent<Counted<'_>> for Name {
    fn equivalent(&self, key: &Counted<'_>) -> bool {
        self.0 == key.name
    }
}

/// Makes four entries, changes two and removes two, by each kind of change.
fn work<'c>(batch: &mut WriterBatch<'_, Counted<'c>, Counted<'c>>, census: &'c Census) {
    for n in 0..6 {
        batch.insert(census.make(n), census.make(n));
    }
    batch.insert(census.make(0), census.make(100));
    batch.update(&Name(1), |v| *v = census.make(101));
    batch.remove(&Name(2));
    batch.retain(|k, _| k.name != 3);
}

/// Counts how many hashers it builds.
struct CountingState<'c>(RandomState, &'c Cell<u32>);

impl BuildHasher for CountingState<'_> {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        self.1.set(self.1.get() + 1);
        self.0.build_hasher()
    }
}

#[test]
fn each_copy_owns_its_values_and_drops_them() {
    let census = Census::default();
    let (mut writer, reader) = dbuf_hashmap::new();
    for _ in 0..3 {
        let mut batch = writer.write();
        work(&mut batch, &census);
        batch.publish();
        writer.catch_up();
        // Each side has four keys and four values, and the log is empty.
        assert_eq!(census.alive.get(), 2 * (4 + 4));
    }
    writer.write().clear();
    writer.catch_up();
    assert_eq!(census.alive.get(), 0);
    // Values are unpublished, deferred, forgotten, and in the log.
    work(&mut writer.write(), &census);
    let mut batch = writer.write();
    work(&mut batch, &census);
    batch.defer();
    let mut batch = writer.write();
    work(&mut batch, &census);
    mem::forget(batch);
    drop(writer);
    assert_eq!(reader.read().len(), 4);
    drop(reader);
    assert_eq!(census.alive.get(), 0);
}

#[test]
fn nothing_leaks_in_any_order_of_dropping() {
    for order in 0..6 {
        let census = Census::default();
        let (mut writer, reader) = dbuf_hashmap::new();
        let guard_of = reader.clone();
        work(&mut writer.write(), &census);
        // In every second case the log is full and the other copy is behind.
        let value = if order % 2 == 0 { 0 } else { 100 };
        if order % 2 == 0 {
            writer
                .write()
                .extend((0..9).map(|n| (census.make(n), census.make(n))));
        }
        let guard = guard_of.read();
        match order / 2 {
            0 => {
                drop(writer);
                assert_eq!(guard.get(&Name(0)).map(|value| value.name), Some(value));
                drop(guard);
                drop((reader, guard_of));
            }
            1 => {
                drop(reader);
                drop(guard);
                drop(guard_of);
                writer.write().drain().for_each(drop);
                drop(writer);
            }
            _ => {
                drop(guard);
                drop(guard_of);
                drop(writer.write().drain().next());
                drop(writer);
                drop(reader);
            }
        }
        assert_eq!(census.alive.get(), 0, "order {order}");
    }
}

#[test]
fn layers_leak_nothing_and_clone_little() {
    let census = Census::default();
    let (mut writer, reader) = dbuf_hashmap::multimap::new();
    for n in 0..100 {
        writer.write().insert(census.make(n % 4), census.make(n));
    }
    writer.catch_up();
    // Each value is cloned once for the other copy, and each key; no bag is cloned.
    assert_eq!(census.clones.take(), 100 + 4);
    assert_eq!(census.alive.get(), 2 * (4 + 100));
    let mut batch = writer.write();
    assert!(
        batch.remove_value(&Name(1), &census.make(41)),
        "it is there"
    );
    batch.retain(&Name(2), |v| v.name % 8 == 2);
    batch.remove(&Name(3));
    batch.publish();
    writer.catch_up();
    assert_eq!(census.clones.take(), 2);
    assert_eq!(census.alive.get(), 2 * (3 + 25 + 24 + 13));
    drop(writer);
    assert_eq!(reader.read().value_count(), 25 + 24 + 13);
    drop(reader);

    let (mut writer, _) = dbuf_hashmap::set::new();
    writer.write().extend((0..100).map(|n| census.make(n % 9)));
    writer.write().retain(|n| n.name < 3);
    drop(writer);
    assert_eq!(census.alive.get(), 0);
}
