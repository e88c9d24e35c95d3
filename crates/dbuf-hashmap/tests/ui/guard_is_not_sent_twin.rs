//! Other threads may borrow it.
use dbuf_hashmap::ConcurrentHashMap;

fn main() {
    let map = ConcurrentHashMap::from([(1, "one")]);
    let value = map.get(&1).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(*value, "one"));
    });
}
