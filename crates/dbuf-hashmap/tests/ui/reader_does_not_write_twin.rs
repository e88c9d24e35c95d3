//! The writer writes, in batches.
fn main() {
    let (mut writer, reader) = dbuf_hashmap::new::<u32, u32>();
    writer.write().insert(1, 2);
    assert_eq!(reader.get_cloned(&1), Some(2));
}
