//! A guard stays on its thread, and a spawned task may move to another.
use dbuf_hashmap::ConcurrentHashMap;

fn spawn(_: impl Future + Send + 'static) {}

async fn request(_: &str) {}

fn main() {
    let map = ConcurrentHashMap::<u32, String>::new();
    spawn(async move {
        let address = map.get(&1);
        request(address.as_deref().unwrap()).await;
    });
}
