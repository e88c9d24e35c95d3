//! Which copy owns keys and values, and how often they are cloned, hashed and dropped.

use alloc::rc::Rc;
use core::cell::{Cell, RefCell};
use core::hash::{BuildHasher, Hash, Hasher};
use core::mem;
use core::sync::atomic::{AtomicU32, Ordering};
use std::hash::{DefaultHasher, RandomState};

use dbuf_hashmap::{
    Builder, Equivalent, LocalStrategy, MapRef, Reader, Ref, Snapshot, Writer, WriterBatch,
};

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
fn log_is_drained_by_each_publish() {
    let census = Census::default();
    let (mut writer, _reader) = dbuf_hashmap::new();
    for n in 0..if cfg!(miri) { 20 } else { 1000 } {
        writer.write().insert(census.make(n % 3), census.make(n));
        writer.catch_up();
        assert_eq!(census.alive.get(), 2 * 2 * writer.published().len());
    }
}

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
    (0..10).for_each(|_| assert!(batch.change(&Name(7), |v| v.name += 1)));
    batch.publish();
    writer.catch_up();
    assert_eq!(census.clones.take(), 10);
    assert_eq!(writer.write().get(&Name(7)).unwrap().name, 18);
    // If the value is lent too, the change is part of the lent value.
    let mut batch = writer.write();
    batch.get_mut(&Name(7)).unwrap().name = 50;
    batch.change(&Name(7), |v| {
        assert!(v.name >= 50);
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

#[test]
fn a_lent_value_that_is_not_changed_stays_equal() {
    let (mut writer, reader) = dbuf_hashmap::new();
    writer.write().extend([(1, 1), (2, 2)]);
    let mut batch = writer.write();
    assert_eq!(batch.get_mut(&1), Some(&mut 1));
    assert_eq!(batch.get_mut(&9), None);
    assert_eq!(batch.entry(2).or_insert(0), &2);
    assert_eq!(batch.entry(3).key(), &3);
    batch.publish();
    assert_eq!(reader.read().len(), 2);
    assert_eq!(writer.write().as_map(), reader.read().as_map());
    let mut batch = writer.write();
    *batch.get_mut(&1).unwrap() = 66;
    mem::forget(batch);
    assert_eq!(*writer.write().get(&1).unwrap(), 1);
    assert_eq!(reader.read()[&1], 1);
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
        assert!(census.clones.take() <= 2 * 8);
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
fn each_change_hashes_once_for_both_copies() {
    let hashes = Cell::new(0);
    let (mut writer, reader) = Builder::new()
        .capacity(10)
        .hasher(CountingState(RandomState::new(), &hashes))
        .build();
    writer.write().insert(1, 1);
    writer.catch_up();
    assert_eq!(hashes.take(), 1);
    writer.write().insert(1, 2);
    writer.catch_up();
    assert_eq!(hashes.take(), 1);
    writer.write().update(&1, |n| *n += 1);
    writer.catch_up();
    assert_eq!(hashes.take(), 1);
    writer.write().remove(&1);
    writer.catch_up();
    assert_eq!(hashes.take(), 1);
    assert!(reader.get(&1).is_none());
    assert_eq!(hashes.take(), 1);
    assert!(!reader.read().contains_key(&1));
    assert_eq!(hashes.take(), 1);
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
    assert!(hashes.take() > 1500);
    writer.catch_up();
    assert_eq!(hashes.get(), 0);
    assert_eq!(reader.read().capacity(), writer.write().as_map().capacity());
    let mut batch = writer.write();
    batch.reserve(10_000);
    batch.publish();
    writer.catch_up();
    assert_eq!(hashes.take(), 2 * 1000);
    assert!(writer.write().as_map().capacity() >= 11_000);
}

#[test]
fn nothing_leaks_in_any_order_of_dropping() {
    for order in 0..6 {
        let census = Census::default();
        let (mut writer, reader) = dbuf_hashmap::new();
        let guard_of = reader.clone();
        work(&mut writer.write(), &census);
        // In every second case the log is full and the other copy is behind.
        if order % 2 == 0 {
            writer
                .write()
                .extend((0..9).map(|n| (census.make(n), census.make(n))));
        }
        let guard = guard_of.read();
        match order / 2 {
            0 => {
                drop(writer);
                assert!(guard.contains_key(&Name(0)));
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
        assert_eq!(census.alive.get(), 0);
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
    assert!(batch.remove_value(&Name(1), &census.make(41)));
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

#[test]
fn change_through_a_shared_reference_reaches_one_copy_only() {
    let (mut writer, reader) = dbuf_hashmap::new();
    writer.write().insert("cell", Cell::new(0));
    reader.read()["cell"].set(7);
    assert_eq!(reader.read()["cell"].get(), 7);
    writer.write().insert("other", Cell::new(0));
    assert_eq!(reader.read()["cell"].get(), 0);
    writer.write().insert("other", Cell::new(0));
    assert_eq!(reader.read()["cell"].get(), 7);
}

#[test]
fn counted_reference_shares_a_value_between_copies() {
    let (mut writer, reader) = dbuf_hashmap::new();
    writer.write().insert("count", Rc::new(AtomicU32::new(0)));
    for n in 0..4 {
        assert_eq!(reader.read()["count"].load(Ordering::Relaxed), n);
        reader.read()["count"].fetch_add(1, Ordering::Relaxed);
        writer.write().insert("other", Rc::default());
    }
}

#[test]
fn interior_mutable_heap_values_are_never_shared_by_accident() {
    let (mut writer, reader) = dbuf_hashmap::new();
    writer.write().insert(1, RefCell::new(vec![1]));
    for n in 0..10 {
        reader.read()[&1].borrow_mut().push(n);
        writer.write().insert(2, RefCell::new(vec![n]));
    }
    // Each copy got five of ten pushes.
    writer.catch_up();
    let batch = writer.write();
    assert_eq!(
        batch.as_map()[&1].borrow().len() + reader.read()[&1].borrow().len(),
        12
    );
}

/// A key whose hash and equality are random.
#[derive(Clone, Debug)]
struct Liar(Rc<Cell<u32>>, Box<u32>);

impl Liar {
    fn lie(&self) -> u32 {
        let next = self
            .0
            .get()
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        self.0.set(next);
        next >> 29
    }
}

impl Hash for Liar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.lie().hash(state);
    }
}

impl PartialEq for Liar {
    fn eq(&self, _: &Self) -> bool {
        self.lie() < 3
    }
}

impl Eq for Liar {}

#[test]
fn inconsistent_keys_do_no_harm() {
    let seed = Rc::new(Cell::new(1));
    let key = |n| Liar(Rc::clone(&seed), Box::new(n));
    let (mut writer, reader) = dbuf_hashmap::new();
    for round in 0..if cfg!(miri) { 10 } else { 200 } {
        let mut batch = writer.write();
        for n in 0..10 {
            batch.insert(key(n), Box::new(n));
            batch.remove(&key(n));
            batch.update(&key(n), |v| **v += 1);
            batch
                .entry(key(n))
                .or_insert_with(|| Box::new(n))
                .clone_from(&Box::new(n));
            batch.change(&key(n), |v| **v ^= 1);
        }
        batch.values_mut().for_each(|v| **v += 1);
        batch.retain(|k, _| k.lie() < 5);
        if round % 3 == 0 {
            batch.defer();
            batch = writer.write();
        }
        if round % 7 == 0 {
            batch.rollback();
        }
        let map = reader.read();
        assert_eq!(map.iter().count(), map.len());
        assert!(map.keys().all(|k| *k.1 < 10));
    }
    writer.write().clear();
    assert!(reader.read().is_empty());
}

#[test]
fn key_that_is_there_already_is_kept() {
    let (mut writer, reader) = dbuf_hashmap::new();
    let (first, second): (Rc<str>, Rc<str>) = ("key".into(), "key".into());
    assert_eq!(writer.write().insert(first.clone(), 1), None);
    assert_eq!(writer.write().insert(second.clone(), 2), Some(1));
    for _ in 0..2 {
        let guard = reader.read();
        let (key, value) = guard.get_key_value(&second).unwrap();
        assert!(Rc::ptr_eq(key, &first));
        assert_eq!(*value, 2);
        drop(guard);
        writer.write().insert("other".into(), 0);
    }
}

#[test]
fn borrowed_forms_find_owned_keys() {
    let (mut writer, reader) = dbuf_hashmap::new::<String, u32>();
    let mut batch = writer.write();
    batch.insert("a".to_owned(), 1);
    assert!(batch.contains_key("a"));
    assert_eq!(batch.update("a", |n| *n + 1), Some(2));
    assert_eq!(batch.remove("b"), None);
    batch.publish();
    assert_eq!(reader.get("a").as_deref(), Some(&1));
    assert_eq!(reader.read().get_key_value("a").unwrap().0, "a");
}

#[test]
fn clear_keeps_the_memory() {
    let (mut writer, reader) = Builder::new().capacity(100).build();
    for n in 0..100 {
        writer.write().insert(n, n);
    }
    let full = reader.read().capacity();
    assert!(full >= 100);
    writer.write().clear();
    writer.write().rollback();
    for _ in 0..2 {
        assert_eq!(reader.read().capacity(), full);
        writer.write().insert(1, 1);
    }
}

#[test]
fn handles_cross_threads_and_guards_do_not() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    /// Ambiguous, and so a compile error, for a type that has the forbidden trait.
    macro_rules! never {
        ($marker:ident: $($type:ty),* $(,)?) => {{
            trait Not<A> {
                fn check() {}
            }
            struct Marked;
            impl<T: ?Sized> Not<()> for T {}
            impl<T: ?Sized + $marker> Not<Marked> for T {}
            $(<$type as Not<_>>::check();)*
        }};
    }

    send::<Writer<String, u32>>();
    sync::<Writer<String, u32>>();
    send::<Reader<String, u32>>();
    send::<WriterBatch<'_, String, u32>>();
    send::<MapRef<'_, String, u32>>();
    never!(Sync: Reader<u32, u32>);
    never!(
        Send: Snapshot<'_, u32, u32>,
        Ref<'_, u32, u32>,
        Reader<u32, Rc<u32>>,
        // Another thread can read the published copy in the meantime.
        Writer<u32, Cell<u32>>,
        Writer<u32, u32, RandomState, LocalStrategy>,
    );
}
