use dbuf_strategies::{ConcurrentCell, FlashStrategy};

static CELL: ConcurrentCell<u32, FlashStrategy> =
    ConcurrentCell::with_strategy(1, FlashStrategy::new());

fn main() {
    CELL.store(2);
}
