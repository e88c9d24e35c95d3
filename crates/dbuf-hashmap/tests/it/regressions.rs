//! Bugs that other maps had, by their numbers in the project's list.

use alloc::rc::Rc;
use core::cell::{Cell, RefCell};
use core::hash::{Hash, Hasher};
use core::mem;

use crate::common::{
    assert_doubles, assert_doubles_again, assert_goes_on, doubles, unwind, unwinds,
};
use dbuf_hashmap::{Published, Ref, Snapshot};

/// The debug form of a writer shows how many changes its log holds.
fn logged(writer: &impl core::fmt::Debug) -> String {
    let shown = format!("{writer:?}");
    let at = shown.find("log: ").expect("a log is shown") + "log: ".len();
    shown[at..]
        .chars()
        .take_while(char::is_ascii_digit)
        .collect()
}

#[test]
fn bug_12_log_is_drained() {
    let (mut writer, _reader) = doubles();
    for n in 0..100 {
        writer.write().insert(n, n);
        // The log holds what the other copy lacks, and nothing older.
        assert_eq!(logged(&writer), "1");
    }
    writer.catch_up();
    assert_eq!(logged(&writer), "0");
}

#[test]
fn bug_12_refused_batch_applies_nothing_twice() {
    let (mut writer, reader) = doubles();
    let mut batch = writer.write();
    batch.update(&1, |n| *n += 10);
    batch.defer();
    let guard = reader.read();
    assert!(writer.publish().is_published());
    for _ in 0..3 {
        assert!(writer.try_write().is_none());
        assert!(!writer.publish().is_published());
    }
    drop(guard);
    let batch = writer.write();
    assert_eq!(
        (batch.get(&1), reader.read().get(&1)),
        (Some(&12), Some(&12))
    );
}

#[test]
fn bug_13_panic_in_a_change_poisons_nothing() {
    let (mut writer, reader) = doubles();
    for _ in 0..3 {
        assert!(unwinds(|| {
            writer.write().update(&1, |_| unwind());
        }));
        // Clones, reads, drops and publishes still work.
        drop(reader.clone());
        assert_doubles(reader.clone().read());
        assert!(!writer.publish().is_published());
    }
    assert_doubles_again(&mut writer, &reader);
    assert_goes_on(writer, &reader);
}

/// A key whose hash and equality change with a clock.
#[derive(Clone, Debug)]
struct Moody(Rc<Cell<u32>>, Box<u32>);

impl Hash for Moody {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.set(self.0.get() + 1);
        (self.0.get() / 5 % 3).hash(state);
    }
}

impl PartialEq for Moody {
    fn eq(&self, other: &Self) -> bool {
        self.0.set(self.0.get() + 1);
        self.0.get() % 4 == 0 || self.1 == other.1
    }
}

impl Eq for Moody {}

#[test]
fn bug_15_inconsistent_keys_and_closures_free_nothing_twice() {
    let clock = Rc::new(Cell::new(0));
    let key = |n| Moody(Rc::clone(&clock), Box::new(n));
    let (mut writer, reader) = dbuf_hashmap::new();
    for round in 0..if cfg!(miri) { 5 } else { 200 } {
        let mut batch = writer.write();
        for n in 0..8 {
            batch.insert(key(n), RefCell::new(vec![n]));
            batch.remove(&key(n));
            batch.update(&key(n), |v| v.get_mut().push(n));
            batch
                .entry(key(n))
                .and_modify(|v| v.get_mut().push(n))
                .or_default();
            batch.upsert(key(n), RefCell::default(), |v| v.get_mut().clear());
            batch.change(&key(n), |v| v.get_mut().push(1));
            _ = batch.remove_if(&key(n), |k, _| *k.1 % 2 == 0);
            batch.remove_entry(&key(n));
        }
        batch.values_mut().for_each(|v| v.get_mut().push(2));
        batch.retain(|k, _| k == &key(3));
        batch.retain_mut(|_, v| {
            v.get_mut().push(1);
            clock.get() % 3 > 0
        });
        if round % 3 == 0 {
            drop(batch.drain().next());
        }
        if round % 5 == 0 {
            batch.defer();
            batch = writer.write();
        }
        if round % 7 == 0 {
            batch.rollback();
        } else {
            batch.publish();
        }
        let map = reader.read();
        assert_eq!(map.iter().count(), map.len());
        // A change through a shared reference reaches one copy only, and its own heap memory.
        for (key, value) in map.iter() {
            assert!(*key.1 < 8, "a key of no batch: {key:?}");
            value.borrow_mut().push(7);
        }
    }
    writer.write().clear();
    assert_eq!(reader.len(), 0);
}

#[test]
fn bug_16_forgotten_batch_is_not_replayed() {
    let (mut writer, reader) = doubles();
    for _ in 0..3 {
        let mut batch = writer.write();
        batch.update(&1, |n| *n += 1);
        batch.insert(50, 50);
        batch.remove(&2);
        mem::forget(batch);
    }
    assert_eq!(writer.publish(), Published::RolledBack);
    assert_doubles_again(&mut writer, &reader);
    assert_goes_on(writer, &reader);
}

#[test]
fn bug_16_forgotten_drain_and_dropped_entry_are_logged() {
    let (mut writer, reader) = doubles();
    let mut batch = writer.write();
    // This is as good as forgotten; Miri counts leaks, so it is dropped at the end.
    let forgotten = batch.drain();
    let _ = batch.entry(1).and_modify(|_| unreachable!());
    batch.insert(1, 1);
    let _ = batch.entry(1).and_modify(|n| *n = 5);
    batch.publish();
    writer.catch_up();
    assert_eq!(reader.read()[&1], 5);
    assert_goes_on(writer, &reader);
    assert_eq!(forgotten.len(), 10);
}

#[test]
fn bug_24_guards_do_not_shadow_what_they_guard() {
    let (mut writer, reader) = dbuf_hashmap::new();
    writer.write().insert("a", Some(1));
    // `map` is `Option::map`, through the guard.
    assert_eq!(reader.get("a").unwrap().map(|n| n + 1), Some(2));
    let one = Ref::try_map(reader.get("a").unwrap(), Option::as_ref).unwrap();
    assert_eq!(*one, 1);
    let one = Snapshot::try_map(reader.read(), |map| map.get("a")?.as_ref()).unwrap();
    assert_eq!(*one, 1);
}

#[test]
fn bug_26_question_mark_in_a_transaction_publishes_nothing() {
    fn half(batch: &mut dbuf_hashmap::WriterBatch<'_, u32, u32>) -> Result<(), &'static str> {
        batch.insert(1, 99);
        batch.remove(&77).ok_or("no such key")?;
        Ok(())
    }

    let (mut writer, reader) = doubles();
    assert_eq!(writer.transact(half), Err("no such key"));
    assert_doubles_again(&mut writer, &reader);
    // Without a transaction the batch publishes, as the docs say first.
    assert_eq!(half(&mut writer.write()), Err("no such key"));
    assert_eq!(reader.read()[&1], 99);
}

/// dashmap#78: each append to a value copied the value.
#[test]
fn bug_38_appending_to_one_value_is_linear() {
    struct Element<'c>(&'c Cell<u32>);
    impl Clone for Element<'_> {
        fn clone(&self) -> Self {
            self.0.set(self.0.get() + 1);
            Self(self.0)
        }
    }

    let clones = Cell::new(0);
    let (mut writer, reader) = dbuf_hashmap::new();
    writer.write().insert("list", Vec::new());
    for round in 1..=3 {
        let mut batch = writer.write();
        for _ in 0..1_000 {
            batch.update("list", |list| list.push(Element(&clones)));
        }
        batch.publish();
        assert_eq!(logged(&writer), "1");
        writer.catch_up();
        // The whole list is cloned once.
        assert_eq!(clones.take(), round * 1_000);
        assert_eq!(reader.read()["list"].len(), round as usize * 1_000);
    }

    // A repeated change clones nothing of it.
    let (mut writer, reader) = dbuf_hashmap::new();
    writer.write().insert("list", vec![0; 1_000]);
    let mut batch = writer.write();
    for n in 0..1_000 {
        batch.change("list", move |list: &mut Vec<i32>| list.push(n));
    }
    batch.publish();
    assert_eq!(writer.write().as_map(), reader.read().as_map());
}
