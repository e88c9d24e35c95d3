//! It is changed by a call on the map.
use dbuf_hashmap::ConcurrentHashMap;

fn main() {
    let map = ConcurrentHashMap::from([("a", 1)]);
    map.update("a", |n| *n += 1);
    assert_eq!(map.get_cloned("a"), Some(2));
}
