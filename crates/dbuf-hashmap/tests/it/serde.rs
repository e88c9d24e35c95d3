//! Serialization of snapshots, and deserialization into maps.
#![cfg(feature = "serde")]

use dbuf_hashmap::{ConcurrentCell, Writer, multimap, set};
use serde_json::{from_str, to_value};

#[test]
fn maps_survive_a_round_trip() {
    let text = r#"{ "a": [1, 2], "b": [], "c": [3] }"#;
    let mut map: Writer<String, Vec<u32>> = from_str(text).unwrap();
    assert_eq!(
        to_value(map.reader().read()).unwrap(),
        from_str::<serde_json::Value>(text).unwrap()
    );
    // Checks both copies.
    let reader = map.reader();
    assert_eq!(map.write().as_map(), reader.read().as_map());

    let bags: multimap::Writer<String, u32> = from_str(text).unwrap();
    let reader = bags.reader();
    assert_eq!(
        to_value(reader.read()).unwrap(),
        serde_json::json!({ "a": [1, 2], "c": [3] })
    );

    let ones: set::Writer<u32> = from_str("[1, 1]").unwrap();
    assert_eq!(
        to_value(ones.reader().read()).unwrap(),
        serde_json::json!([1])
    );
    assert_eq!(to_value(ones.published()).unwrap(), serde_json::json!([1]));
}

#[test]
fn a_cell_is_its_value() {
    let cell: ConcurrentCell<Vec<u32>> = from_str("[1, 2]").unwrap();
    cell.update(|list| list.push(3));
    assert_eq!(to_value(&cell).unwrap(), serde_json::json!([1, 2, 3]));
    assert_eq!(to_value(cell.read()).unwrap(), serde_json::json!([1, 2, 3]));
    assert!(from_str::<ConcurrentCell<u32>>("[]").is_err());
}

#[test]
fn other_input_is_an_error() {
    assert!(from_str::<Writer<String, u32>>("[1]").is_err());
    assert!(from_str::<set::Writer<u32>>(r#"["a"]"#).is_err());
    assert!(from_str::<multimap::Writer<String, u32>>(r#"{ "a": 1 }"#).is_err());
}

/// A value that a later one of the same key replaces is dropped after the batch has ended: its
/// destructor may use the map.
#[test]
fn replaced_values_are_dropped_without_the_lock() {
    use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
    use dbuf_hashmap::ConcurrentHashMap;
    use serde::de::DeserializeSeed;
    use std::sync::LazyLock;

    #[derive(Clone, serde::Deserialize)]
    struct Reads(u32);
    impl Drop for Reads {
        fn drop(&mut self) {
            // The map refuses this, with a panic, if the thread has a batch open.
            MAP.reserve(1);
            DROPPED.fetch_add(1, Relaxed);
        }
    }
    static DROPPED: AtomicU32 = AtomicU32::new(0);
    static MAP: LazyLock<ConcurrentHashMap<u32, Reads>> = LazyLock::new(ConcurrentHashMap::new);

    let mut batch = MAP.write();
    let mut text = serde_json::Deserializer::from_str(r#"{ "1": 1, "1": 2 }"#);
    (&mut batch).deserialize(&mut text).unwrap();
    assert_eq!(DROPPED.load(Relaxed), 0);
    batch.publish();
    assert_ne!(DROPPED.load(Relaxed), 0);
    assert_eq!(MAP.get_with(&1, |value| value.0), Some(2));
}
