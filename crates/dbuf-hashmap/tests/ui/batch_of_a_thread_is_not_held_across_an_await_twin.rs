//! The batch of a task may move with it.
use dbuf_hashmap::ConcurrentHashMap;

fn spawn(_: impl Future + Send + 'static) {}

async fn request(_: &str) {}

fn main() {
    let map = ConcurrentHashMap::<u32, String>::new();
    spawn(async move {
        let mut batch = map.write_async().await;
        request("a").await;
        batch.clear();
    });
}
