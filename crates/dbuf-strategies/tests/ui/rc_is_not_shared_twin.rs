//! An `Arc` may reach it.
use std::sync::Arc;

use dbuf_strategies::FlashStrategy;

fn main() {
    let (writer, _reader) =
        dbuf_strategies::core::arc(Arc::new(1), Arc::new(1), FlashStrategy::new());
    std::thread::spawn(move || drop(writer)).join().unwrap();
}
