//! `dbuf-hashmap` with its default features: maps, sets, multi-maps, and the layers
//! below by its re-exports.

use dbuf_hashmap::strategies::core;
use dbuf_hashmap::{Builder, ConcurrentHashMap, ConcurrentHashSet, EpochStrategy};

fn main() {
    let stock = ConcurrentHashMap::<String, u32>::new();
    std::thread::scope(|scope| {
        scope.spawn(|| stock.insert("apples".to_owned(), 3));
        scope.spawn(|| stock.insert("pears".to_owned(), 5));
    });
    assert_eq!(stock.read().values().sum::<u32>(), 8);
    assert_eq!(ConcurrentHashSet::from([1, 2, 2]).len(), 2);

    let (mut writer, reader) = Builder::new()
        .strategy(EpochStrategy::new())
        .build::<&str, u32>();
    writer.write().insert("a", 1);
    assert_eq!(reader.get("a").as_deref(), Some(&1));

    let (mut writer, reader) = dbuf_hashmap::multimap::new();
    writer.write().extend([("a", 1), ("a", 2)]);
    assert_eq!(reader.get("a").unwrap().len(), 2);

    // One value beside the maps.
    let (mut writer, reader) = core::arc(1, 1, EpochStrategy::new());
    writer.store(2);
    assert_eq!(*reader.read(), 2);
}
