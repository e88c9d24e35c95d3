//! Changes go through the writer, or through a map that is shared.
fn main() {
    let (_writer, reader) = dbuf_hashmap::new::<u32, u32>();
    reader.insert(1, 2);
}
