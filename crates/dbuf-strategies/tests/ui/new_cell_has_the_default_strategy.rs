//! `new` makes a cell with the default strategy; another goes to `with_strategy`.
use dbuf_strategies::{ConcurrentCell, FlashStrategy};

static CELL: ConcurrentCell<u32, FlashStrategy> = ConcurrentCell::new(1);

fn main() {
    CELL.store(2);
}
