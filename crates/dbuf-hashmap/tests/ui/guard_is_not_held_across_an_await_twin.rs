//! What is needed is taken out of the guard, which ends with the statement.
use dbuf_hashmap::ConcurrentHashMap;

fn spawn(_: impl Future + Send + 'static) {}

async fn request(_: &str) {}

fn main() {
    let map = ConcurrentHashMap::<u32, String>::new();
    spawn(async move {
        let address = map.get_cloned(&1).unwrap();
        request(&address).await;
    });
}
