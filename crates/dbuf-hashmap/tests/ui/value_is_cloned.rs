//! A map has two copies of each value.
use dbuf_hashmap::ConcurrentHashMap;

struct Session;

fn main() {
    let map = ConcurrentHashMap::new();
    map.insert(1, Session);
}
