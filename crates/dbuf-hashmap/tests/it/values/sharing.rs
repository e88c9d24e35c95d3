//! What the copies share: values that a writer lends, interior mutability, counted references.

use alloc::rc::Rc;
use core::cell::RefCell;
use core::mem;
use core::sync::atomic::{AtomicU32, Ordering};

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
    let now = reader.read();
    let lengths = [batch.as_map(), now.as_map()].map(|map| map[&1].borrow().len());
    assert_eq!(lengths, [6, 6]);
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
        assert!(Rc::ptr_eq(key, &first), "the second key is stored");
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
    assert_eq!(batch.get("a"), Some(&1));
    assert_eq!(batch.update("a", |n| *n + 1), Some(2));
    assert_eq!(batch.remove("b"), None);
    batch.publish();
    assert_eq!(reader.get("a").as_deref(), Some(&1));
    assert_eq!(reader.read().get_key_value("a").unwrap().0, "a");
}
