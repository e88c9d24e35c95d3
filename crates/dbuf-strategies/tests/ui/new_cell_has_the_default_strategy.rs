//! `new` makes a cell with the default strategy; `with_strategy` takes another.
use dbuf_strategies::{ConcurrentCell, FlashStrategy};

static CELL: ConcurrentCell<u32, FlashStrategy> = ConcurrentCell::new(1);

fn main() {
    CELL.store(2);
}
