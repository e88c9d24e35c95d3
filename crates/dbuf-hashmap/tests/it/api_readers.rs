//! The answers of readers of both kinds, which keep no guard.

/// Calls each method that both kinds of reader have.
#[test]
fn shared_readers_answer_like_readers() {
    macro_rules! answers {
        ($reader:expr) => {{
            let reader = $reader;
            (
                reader.len(),
                reader.is_empty(),
                reader.is_closed(),
                reader.contains_key(&1),
                reader.contains_key(&3),
                reader.get(&1).as_deref().copied(),
                reader.get_with(&1, |n| n + 1),
                reader.get_cloned(&3),
            )
        }};
    }
    let (mut writer, reader) = dbuf_hashmap::new();
    let shared = reader.shared();
    let mut batch = writer.write();
    batch.extend([(1, 10), (2, 20)]);
    // The changes are pending.
    let expected = (0, true, false, false, false, None, None, None);
    assert_eq!((answers!(&shared), answers!(&reader)), (expected, expected));
    batch.publish();
    let expected = (2, false, false, true, false, Some(10), Some(11), None);
    assert_eq!((answers!(&shared), answers!(&reader)), (expected, expected));
    assert!(writer.try_write().is_some(), "an answer has kept a guard");
    drop(writer);
    let expected = (2, false, true, true, false, Some(10), Some(11), None);
    assert_eq!((answers!(&shared), answers!(&reader)), (expected, expected));
}

#[test]
fn shared_readers_of_a_set_answer_like_readers() {
    macro_rules! answers {
        ($reader:expr) => {{
            let reader = $reader;
            let found = reader.get(&1).as_deref().copied();
            (
                reader.len(),
                reader.is_empty(),
                reader.is_closed(),
                reader.contains(&1),
                found,
            )
        }};
    }
    let (mut writer, reader) = dbuf_hashmap::set::new();
    let shared = reader.shared();
    writer.write().extend([1, 2]);
    drop(writer);
    let expected = (2, false, true, true, Some(1));
    assert_eq!((answers!(&shared), answers!(&reader)), (expected, expected));
}
