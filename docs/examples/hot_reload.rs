//! A configuration that is reloaded while threads use it.

use dbuf_core::arc;
use dbuf_strategies::EpochStrategy;

fn main() {
    let load = |version: u32| format!("timeout = {}", 10 * version);
    let (mut config, reader) = arc(load(1), String::new(), EpochStrategy::new());
    let current = reader.shared(); // one handle for all threads
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let current = &current;
            scope.spawn(move || {
                while *current.read() != "timeout = 30" {
                    std::thread::yield_now();
                }
                println!("worker {worker}: {}", *current.read());
            });
        }
        config.store(load(2));
        config.store(load(3));
    });
}
