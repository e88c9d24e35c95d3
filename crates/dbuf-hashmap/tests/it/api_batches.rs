//! The methods of batches: entries in the style of std, `extract_if`, and others.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use dbuf_hashmap::{ConcurrentHashMap, Entry, Reader, Writer};

use crate::common::{doubles, unwind, unwinds};

fn numbers() -> (Writer<u32, u32>, Reader<u32, u32>) {
    let (mut writer, reader) = dbuf_hashmap::new();
    writer.write().extend((0..20).map(|n| (n, 10 * n)));
    (writer, reader)
}

/// Asserts that both copies hold exactly these keys.
fn assert_keys(writer: &mut Writer<u32, u32>, keys: impl Iterator<Item = u32> + Clone) {
    for _ in 0..2 {
        let mut batch = writer.write();
        let mut held: Vec<_> = batch.keys().copied().collect();
        held.sort_unstable();
        assert_eq!(held, keys.clone().collect::<Vec<_>>());
        batch.insert(99, 0); // makes the copies swap
        batch.remove(&99);
    }
}

#[test]
fn entries_lend_like_std() {
    let (mut writer, reader) = dbuf_hashmap::new();
    let mut batch = writer.write();
    for word in ["a", "b", "a"] {
        *batch.entry(word).or_insert(0) += 1;
    }
    let step = Vec::from([10]);
    batch
        .entry("a")
        .and_modify(|n| *n += step[0])
        .or_insert_with(|| step[0]);
    batch
        .entry("c")
        .and_modify(|n| *n += step[0])
        .or_insert_with(|| step[0]);
    batch.publish();
    let expected = BTreeMap::from([(&"a", &12), (&"b", &1), (&"c", &10)]);
    assert_eq!(reader.read().iter().collect::<BTreeMap<_, _>>(), expected);
    let batch = writer.write();
    assert_eq!(batch.as_map(), batch.published());
    drop(batch);

    let (mut writer, reader) = dbuf_hashmap::new::<_, Vec<u32>>();
    let mut batch = writer.write();
    batch.entry("a").or_default().push(1);
    batch.entry("a").or_default().push(2);
    batch.publish();
    assert_eq!(reader.read()["a"], [1, 2]);
    assert_eq!(writer.write().get("a"), Some(&vec![1, 2]));

    let map = ConcurrentHashMap::<&str, Vec<u32>>::new();
    map.write().entry("a").or_default().push(1);
    assert_eq!(map.get_cloned("a"), Some(vec![1]));
}

/// Equal to every other value with its number.
#[derive(Clone, Debug)]
struct Key(u32, &'static str);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[test]
fn an_entry_shows_the_stored_key_and_keeps_it() {
    let (mut writer, reader) = dbuf_hashmap::new();
    writer.write().insert(Key(1, "stored"), 1);
    for _ in 0..2 {
        let mut batch = writer.write();
        let entry = batch.entry(Key(1, "asked"));
        assert_eq!(entry.key().1, "stored");
        *entry.or_insert(0) += 1;
        assert_eq!(batch.entry(Key(2, "asked")).key().1, "asked");
    }
    assert_eq!(reader.get(&Key(1, "")).unwrap().key().1, "stored");
    assert_eq!(*reader.get(&Key(1, "")).unwrap(), 3);
}

#[test]
fn entry_ref_makes_a_key_only_for_what_is_new() {
    use std::cell::Cell;

    thread_local!(static MADE: Cell<u32> = const { Cell::new(0) });

    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    struct Name(String);

    impl std::borrow::Borrow<str> for Name {
        fn borrow(&self) -> &str {
            &self.0
        }
    }

    impl From<&str> for Name {
        fn from(name: &str) -> Self {
            MADE.set(MADE.get() + 1);
            Self(name.to_owned())
        }
    }

    let (mut writer, reader) = dbuf_hashmap::new::<Name, u32>();
    let mut batch = writer.write();
    for name in ["a", "b", "a", "a"] {
        *batch.entry_ref(name).or_insert(0) += 1;
    }
    let Entry::Occupied(entry) = batch.entry_ref("a") else {
        unreachable!()
    };
    assert_eq!(entry.key().0, "a");
    assert_eq!(entry.remove(), 3);
    batch.publish();
    assert_eq!(MADE.get(), 2);
    assert_eq!((reader.len(), reader.get_cloned("b")), (1, Some(1)));
    assert_eq!(writer.write().remove("b"), Some(1));
}

#[test]
fn extract_if_removes_only_what_next_returns() {
    let (mut writer, reader) = numbers();
    let mut batch = writer.write();
    let mut even: Vec<_> = batch.extract_if(|n, _| n % 2 == 0).collect();
    even.sort_unstable();
    let expected: Vec<_> = (0..20).step_by(2).map(|n| (n, 10 * n)).collect();
    assert_eq!(even, expected);
    assert_eq!(batch.len(), 10);
    batch.publish();
    assert_eq!(reader.len(), 10);
    assert_keys(&mut writer, (1..20).step_by(2));

    let mut batch = writer.write();
    let mut some = batch.extract_if(|_, _| true);
    let first = some.next().unwrap().0;

    assert_eq!(batch.len(), 9);
    batch.publish();
    assert_keys(&mut writer, (1..20).step_by(2).filter(|n| *n != first));
}

#[test]
fn extract_if_that_panics_keeps_its_earlier_removals() {
    let (mut writer, _reader) = numbers();
    let mut batch = writer.write();
    let mut taken = vec![];
    let mut calls = 0;
    let extract = || {
        let entries = batch.extract_if(|_, _| {
            calls += 1;
            if calls == 4 {
                unwind()
            }
            true
        });
        entries.for_each(|(n, _)| taken.push(n));
    };
    assert!(unwinds(extract), "the closure panics");
    assert_eq!((calls, taken.len(), batch.len()), (4, 3, 17));
    batch.publish();
    assert_keys(&mut writer, (0..20).filter(|n| !taken.contains(n)));
}

#[test]
fn a_lent_value_can_be_extracted() {
    let (mut writer, reader) = numbers();
    let mut batch = writer.write();
    batch.values_mut().for_each(|n| *n += 1);
    for (n, v) in batch.extract_if(|n, _| *n < 19) {
        assert_eq!(v, 10 * n + 1);
    }
    batch.publish();
    assert_eq!(reader.read().iter().collect::<Vec<_>>(), [(&19, &191)]);
    let batch = writer.write();
    assert_eq!(batch.as_map(), batch.published());
}

#[test]
fn extracted_entries_come_back_with_a_rollback() {
    let (mut writer, _reader) = numbers();
    let mut batch = writer.write();
    assert_eq!(batch.extract_if(|n, _| *n < 5).count(), 5);
    batch.rollback();
    assert_keys(&mut writer, 0..20);
}

#[test]
fn a_batch_is_indexed_and_iterated_with_its_changes() {
    let (mut writer, reader) = numbers();
    let mut batch = writer.write();
    batch.insert(1, 0);
    assert_eq!((batch[&1], reader.read()[&1]), (0, 10));
    assert_eq!(batch.keys().sum::<u32>(), (0..20).sum::<u32>());
    assert_eq!(
        batch.values().sum::<u32>(),
        (0..20).map(|n| 10 * n).sum::<u32>() - 10
    );
    assert!(unwinds(|| _ = batch[&99]), "99 is not there");
}

#[test]
fn a_refused_reserve_changes_nothing() {
    let (mut writer, reader) = numbers();
    let mut batch = writer.write();
    let capacity = batch.capacity();
    let error = batch.try_reserve(usize::MAX).unwrap_err();
    assert_eq!(error.to_string(), "the capacity overflows");
    // Of what an address of 32 bits reaches, the machine may have all. Miri ends where it has not.
    if usize::BITS == 64 && !cfg!(miri) {
        let error = batch.try_reserve(isize::MAX as usize / 64).unwrap_err();
        assert!(error.to_string().starts_with("no memory for"), "{error}");
    }
    assert_eq!(batch.capacity(), capacity);
    batch.publish();
    assert_eq!(reader.read().version(), 1);
    writer.write().try_reserve(1000).unwrap();
    let room = [writer.write().capacity(), reader.read().capacity()];
    assert!(room.iter().all(|room| *room >= 1000), "{room:?}");
}

#[test]
fn try_insert_and_compute_in_a_batch() {
    let (mut writer, reader) = numbers();
    let mut batch = writer.write();
    assert_eq!(batch.try_insert(1, 1), Err((1, 1)));
    assert_eq!(batch.try_insert(20, 1), Ok(()));
    assert_eq!(batch.get_or_try_insert_with(21, || Err("no")), Err("no"));
    assert_eq!(batch.get_or_try_insert_with(21, || Ok::<_, ()>(2)), Ok(&2));
    batch.publish();
    assert_eq!((reader.read()[&20], reader.read()[&21]), (1, 2));
    assert_keys(&mut writer, 0..22);
}

#[test]
fn debug_never_waits() {
    let (mut writer, reader) = doubles();
    let guard = reader.read();
    let mut batch = writer.write();
    batch.insert(10, 20);
    let shown = format!("{batch:?} {reader:?} {:?}", batch.published());
    assert!(shown.contains("len: 11"), "{shown}");
    assert!(shown.contains("9: 18"), "{shown}");
    batch.publish();
    // `guard` blocks the next batch, but nothing here.
    let shown = format!("{writer:?} {reader:?} {guard:?} {:?}", reader.get(&10));
    assert!(shown.contains("9: 18"), "{shown}");
    assert!(shown.ends_with("Some(20)"), "{shown}");
}
