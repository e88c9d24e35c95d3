use dbuf_strategies::ConcurrentCell;

static CELL: ConcurrentCell<u32> = ConcurrentCell::new(1);

fn spawn(_: impl Future<Output = ()> + Send + 'static) {}

fn main() {
    spawn(async {
        let value = CELL.load();
        CELL.store_async(value + 1).await;
    });
}
