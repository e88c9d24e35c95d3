//! Each thread has a reader of its own, or all of them share a `SharedReader`.
fn main() {
    let (_writer, reader) = dbuf_hashmap::new::<u32, String>();
    let (own, shared) = (reader.clone(), reader.shared());
    std::thread::scope(|scope| {
        scope.spawn(move || own.get(&1).is_some());
        scope.spawn(|| shared.get(&1).is_some());
    });
}
