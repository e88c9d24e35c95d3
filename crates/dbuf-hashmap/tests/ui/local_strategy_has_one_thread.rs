//! A concurrent map needs a strategy on which threads may wait.
use dbuf_hashmap::{Builder, LocalStrategy};

fn main() {
    let _map = Builder::new().strategy(LocalStrategy::new()).build_concurrent::<u32, u32>();
}
