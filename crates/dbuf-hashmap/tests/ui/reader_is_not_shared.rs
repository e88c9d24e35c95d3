//! A reader is used by one thread at a time.
fn main() {
    let (_writer, reader) = dbuf_hashmap::new::<u32, String>();
    std::thread::scope(|scope| {
        scope.spawn(|| reader.get(&1).is_some());
    });
}
