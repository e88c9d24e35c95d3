//! The calls of "From `flashmap`" in `docs/migrating.md`, theirs before ours.

use std::collections::BTreeMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

use dbuf_hashmap::Builder;
use flashmap::Evicted;

#[test]
fn calls() {
    let (mut write, read) = flashmap::with_capacity::<String, u32>(10);
    let (mut writer, reader) = Builder::new().capacity(10).build::<String, u32>();
    assert_eq!(read.guard().len(), reader.read().len());

    let fixed = BuildHasherDefault::<DefaultHasher>::default();
    // SAFETY: the hasher is deterministic, and so is every clone of it.
    let (_, hashed) = unsafe { flashmap::with_hasher::<u32, u32, _>(fixed.clone()) };
    let (_, safely_hashed) = Builder::new().hasher(fixed).build::<u32, u32>();
    assert_eq!(hashed.guard().len(), safely_hashed.read().len());

    // Writing.
    let mut guard = write.guard();
    let mut batch = writer.write();
    assert_eq!(
        guard.insert("a".to_owned(), 1).map(|n| *n),
        batch.insert("a".to_owned(), 1)
    );
    guard.replace("a".to_owned(), |n| n + 1);
    batch.update("a", |n| *n += 1);
    assert_eq!(guard.get("a"), batch.get("a"));
    assert_eq!(guard.remove("a".to_owned()).map(|n| *n), batch.remove("a"));
    for (key, n) in [("b", 2), ("c", 3), ("d", 4)] {
        guard.insert(key.to_owned(), n);
        batch.insert(key.to_owned(), n);
    }
    assert_eq!(read.guard().len(), reader.read().len()); // nobody sees a batch before its end
    guard.publish();
    batch.publish();
    assert_eq!(read.guard().len(), reader.read().len());
    let leaked = write
        .guard()
        .remove("c".to_owned())
        .map(Evicted::leak)
        .unwrap();
    assert_eq!(Some(write.reclaim_one(leaked)), writer.write().remove("c"));
    write.synchronize();
    writer.catch_up();
    assert_eq!(read.guard().len(), reader.read().len());

    // Reading.
    let (read, reader) = (read.clone(), reader.clone());
    {
        let view = read.guard();
        let map = reader.read();
        assert_eq!(view.get("b"), map.get("b"));
        assert_eq!(view.contains_key("a"), map.contains_key("a"));
        assert_eq!(view.len(), map.len());
        assert_eq!(view.is_empty(), map.is_empty());
        let theirs: BTreeMap<_, _> = view.iter().collect();
        let ours: BTreeMap<_, _> = map.iter().collect();
        assert_eq!(theirs, ours);
        assert_eq!(view.keys().max(), map.keys().max());
        assert_eq!(view.values().sum::<u32>(), map.values().sum::<u32>());
    }
    let shared = reader.shared();
    std::thread::scope(|scope| {
        let theirs = scope.spawn(|| read.guard().len());
        let ours = scope.spawn(|| shared.read().len());
        assert_eq!(theirs.join().unwrap(), ours.join().unwrap());
    });
}
