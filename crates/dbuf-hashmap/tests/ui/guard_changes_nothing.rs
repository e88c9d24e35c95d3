//! What readers see is not changed in place.
use dbuf_hashmap::ConcurrentHashMap;

fn main() {
    let map = ConcurrentHashMap::from([("a", 1)]);
    *map.get("a").unwrap() += 1;
}
