//! The value is cloned, and the guard ends with the statement.
use dbuf_async::core::arc;
use dbuf_async::strategies::EpochStrategy;

fn spawn(_: impl Future + Send + 'static) {}

async fn request(_: &str) {}

fn main() {
    let (_writer, reader) = arc("a".to_string(), String::new(), EpochStrategy::new());
    spawn(async move {
        let address = reader.read().clone();
        request(&address).await;
    });
}
