//! The calls of "From `papaya`" in `docs/migrating.md`, theirs before ours.

use std::collections::HashMap;

use dbuf_hashmap::{ConcurrentHashMap, Operation, Refused};

#[test]
fn calls() {
    let papaya = papaya::HashMap::new();
    let map = ConcurrentHashMap::new();
    let table = papaya.pin();
    let same = || {
        let theirs: HashMap<_, _> = table.iter().collect();
        theirs == map.read().iter().collect()
    };
    assert_eq!(table.insert("a", 1), map.insert("a", 1).as_ref());

    // Reading.
    assert_eq!(table.get("a"), map.get("a").as_deref());
    assert_eq!(
        table.get_key_value("a").unwrap(),
        map.get("a").unwrap().pair()
    );
    assert_eq!(table.contains_key("b"), map.contains_key("b"));
    assert_eq!(table.len(), map.len());

    // Writing.
    assert_eq!(
        table.try_insert("a", 2).is_err(),
        map.try_insert("a", 2) == Err(("a", 2))
    );
    table.update("a", |n| n + 1);
    map.update("a", |n| *n += 1);
    assert!(same());
    table.update_or_insert("c", |n| n + 1, 1);
    map.upsert("c", 1, |n| *n += 1);
    assert!(same());
    table.update_or_insert_with("c", |n| n + 1, || 1);
    map.upsert_with("c", || 1, |n| *n += 1);
    assert!(same());
    assert_eq!(
        *table.get_or_insert_with("d", || 4),
        map.get_or_insert_with("d", || 4)
    );
    table.compute("d", |entry| match entry {
        Some((_, n)) if *n < 9 => papaya::Operation::Insert(n + 1),
        Some(_) => papaya::Operation::Remove,
        None => papaya::Operation::Abort("not there"),
    });
    let before = map.compute("d", |entry| match entry {
        Some((_, n)) if *n < 9 => Operation::Insert(n + 1),
        Some(_) => Operation::Remove,
        None => Operation::Abort("not there"),
    });
    assert_eq!(before, Ok(Some(4)));
    assert!(same());
    assert_eq!(table.remove("c"), map.remove("c").as_ref());
    assert_eq!(table.remove_if("d", |_, n| *n > 9), Err((&"d", &5)));
    assert_eq!(map.remove_if("d", |_, n| *n > 9), Err(Refused));
    assert_eq!(
        table.remove_entry("d"),
        map.remove_entry("d").as_ref().map(|(k, n)| (k, n))
    );

    // The whole.
    let theirs = table.iter().map(|(_, n)| n).sum::<i32>();
    let ours = map.read().iter().map(|(_, n)| n).sum::<i32>();
    assert_eq!(theirs, ours);
    table.retain(|_, n| *n > 9);
    map.retain(|_, n| *n > 9);
    assert!(same());
    table.insert("e", 5);
    map.insert("e", 5);
    table.clear();
    map.clear();
    assert!(same());
}
