//! A key is hashed and compared.
use dbuf_hashmap::ConcurrentHashMap;

#[derive(Clone)]
struct Id(u32);

fn main() {
    let map = ConcurrentHashMap::new();
    map.insert(Id(1), "one");
}
