//! It is changed first.
use dbuf_hashmap::ConcurrentHashMap;

fn main() {
    let map = ConcurrentHashMap::from([("a", 1)]);
    let mut batch = map.write();
    let value = batch.get_mut("a").unwrap();
    *value += 1;
    batch.publish();
}
