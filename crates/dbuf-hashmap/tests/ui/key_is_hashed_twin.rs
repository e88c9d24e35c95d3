//! By its derives.
use dbuf_hashmap::ConcurrentHashMap;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Id(u32);

fn main() {
    let map = ConcurrentHashMap::new();
    map.insert(Id(1), "one");
}
