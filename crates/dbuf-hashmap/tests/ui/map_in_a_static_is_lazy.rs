//! A map allocates, so a constant cannot make it.
use dbuf_hashmap::ConcurrentHashMap;

static NAMES: ConcurrentHashMap<u32, String> = ConcurrentHashMap::new();

fn main() {
    NAMES.insert(1, "one".to_owned());
}
