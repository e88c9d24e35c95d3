//! The calls of "From `evmap`" in `docs/migrating.md`, theirs before ours.

use std::collections::BTreeMap;

use dbuf_hashmap::multimap;

#[test]
fn calls() {
    let (mut write, read) = evmap::new::<&str, u32>();
    let (mut writer, reader) = multimap::new::<&str, u32>();
    assert_eq!(read.enter().is_none(), reader.is_empty());

    let mut batch = writer.write();
    write.insert("a", 1);
    batch.insert("a", 1);
    write.extend([("a", 2), ("b", 3)]);
    batch.extend([("a", 2), ("b", 3)]);
    assert_eq!(read.len(), reader.read().len()); // nobody sees it yet
    write.publish();
    batch.publish();

    // Reading.
    assert_eq!(
        read.get("a").map(|bag| bag.len()),
        reader.get("a").map(|bag| bag.len())
    );
    assert_eq!(
        read.get_one("b").map(|n| *n),
        reader.get_one("b").map(|n| *n)
    );
    assert_eq!(read.len(), reader.len());
    assert_eq!(read.contains_key("b"), reader.contains_key("b"));
    assert_eq!(
        read.contains_value("a", &2),
        reader.read().contains_value("a", &2)
    );
    let theirs: BTreeMap<_, _> = read.map_into(|k, bag| (*k, bag.len()));
    let ours = reader
        .read()
        .iter()
        .map(|(k, bag)| (*k, bag.len()))
        .collect();
    assert_eq!(theirs, ours);

    // Changing.
    let values = || {
        let mut theirs: Vec<_> = read
            .get("a")
            .iter()
            .flat_map(|bag| bag.iter())
            .copied()
            .collect();
        let mut ours: Vec<_> = reader
            .get("a")
            .iter()
            .flat_map(|bag| bag.iter())
            .copied()
            .collect();
        theirs.sort_unstable();
        ours.sort_unstable();
        (theirs, ours)
    };
    let mut batch = writer.write();
    write.remove_value("a", 1);
    assert!(batch.remove_value("a", &1));
    // SAFETY: the closure decides by the value alone.
    unsafe { write.retain("a", |n, _| *n > 1) };
    batch.retain("a", |n| *n > 1);
    write.publish();
    batch.publish();
    assert_eq!(values(), (vec![2], vec![2]));

    let mut batch = writer.write();
    write.update("a", 7);
    batch.remove("a");
    batch.insert("a", 7);
    write.clear("b");
    batch.remove("b");
    write.publish();
    batch.publish();
    assert_eq!(values(), (vec![7], vec![7]));
    assert_eq!(
        read.get("b").map_or(0, |bag| bag.len()),
        reader.get("b").map_or(0, |bag| bag.len())
    );

    let mut batch = writer.write();
    write.remove_entry("a");
    assert_eq!(batch.remove("a").unwrap()[..], [7]);
    batch.defer();
    assert_eq!(write.has_pending(), writer.has_pending());
    write.fit_all();
    writer.write().shrink_to_fit();
    write.purge();
    writer.write().clear();
    write.publish();
    assert_eq!(read.is_empty(), reader.read().is_empty());

    let own = read.clone();
    let shared = reader.shared();
    std::thread::scope(|scope| {
        let theirs = scope.spawn(move || own.len());
        let ours = scope.spawn(|| shared.read().len());
        assert_eq!(theirs.join().unwrap(), ours.join().unwrap());
    });
    drop((write, writer));
    assert_eq!(read.was_dropped(), reader.is_closed());
}

#[test]
fn one_value_a_key() {
    let (mut write, read) = evmap::new();
    let (mut writer, reader) = dbuf_hashmap::new();
    write.update("a", 1).publish();
    writer.write().insert("a", 1);
    assert_eq!(*read.get_one("a").unwrap(), *reader.get("a").unwrap());
}
