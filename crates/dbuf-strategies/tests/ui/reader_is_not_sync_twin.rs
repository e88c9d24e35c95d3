//! Any number of threads use a shared reader.
use dbuf_strategies::CountStrategy;

fn main() {
    let (_writer, reader) = dbuf_strategies::core::arc(1, 1, CountStrategy::new());
    let reader = reader.shared();
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(*reader.read(), 1));
    });
}
