//! One thread has a writer and a reader.
use dbuf_hashmap::{Builder, LocalStrategy};

fn main() {
    let (mut writer, reader) = Builder::new().strategy(LocalStrategy::new()).build::<u32, u32>();
    writer.try_write().unwrap().insert(1, 1);
    assert!(reader.read().contains_key(&1));
}
