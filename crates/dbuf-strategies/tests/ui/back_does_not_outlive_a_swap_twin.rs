//! The write ends before the swap.
use dbuf_strategies::CountStrategy;

fn main() {
    let (mut writer, _reader) = dbuf_strategies::core::arc(1, 1, CountStrategy::new());
    let back = writer.back_mut();
    *back = 2;
    writer.start_swap();
}
