//! A value that a batch lends belongs to the batch.
use dbuf_hashmap::ConcurrentHashMap;

fn main() {
    let map = ConcurrentHashMap::from([("a", 1)]);
    let mut batch = map.write();
    let value = batch.get_mut("a").unwrap();
    batch.publish();
    *value += 1;
}
