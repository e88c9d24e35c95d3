//! The first use makes it.
use std::sync::LazyLock;

use dbuf_hashmap::ConcurrentHashMap;

static NAMES: LazyLock<ConcurrentHashMap<u32, String>> = LazyLock::new(ConcurrentHashMap::new);

fn main() {
    NAMES.insert(1, "one".to_owned());
}
