//! A spawned task does not write under a guard of its own.
use dbuf_strategies::ConcurrentCell;

static CELL: ConcurrentCell<u32> = ConcurrentCell::new(1);

fn spawn(_: impl Future<Output = ()> + Send + 'static) {}

fn main() {
    spawn(async {
        let guard = CELL.read();
        CELL.store_async(*guard + 1).await;
        drop(guard);
    });
}
