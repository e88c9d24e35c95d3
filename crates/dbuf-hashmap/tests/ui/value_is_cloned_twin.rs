//! A value that is not `Clone` goes into an `Arc`.
use std::sync::Arc;

use dbuf_hashmap::ConcurrentHashMap;

struct Session;

fn main() {
    let map = ConcurrentHashMap::new();
    map.insert(1, Arc::new(Session));
}
