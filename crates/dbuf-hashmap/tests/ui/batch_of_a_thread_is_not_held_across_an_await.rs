//! The batch of a blocking call belongs to its thread.
use dbuf_hashmap::ConcurrentHashMap;

fn spawn(_: impl Future + Send + 'static) {}

async fn request(_: &str) {}

fn main() {
    let map = ConcurrentHashMap::<u32, String>::new();
    spawn(async move {
        let mut batch = map.write();
        request("a").await;
        batch.clear();
    });
}
