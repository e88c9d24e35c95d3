//! A guard stays on its thread.
use dbuf_hashmap::ConcurrentHashMap;

fn main() {
    let map = ConcurrentHashMap::from([(1, "one")]);
    let value = map.get(&1).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || assert_eq!(*value, "one"));
    });
}
