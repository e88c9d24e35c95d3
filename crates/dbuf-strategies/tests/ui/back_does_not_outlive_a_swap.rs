//! A borrow of the back must end before a swap is started.
use dbuf_strategies::CountStrategy;

fn main() {
    let (mut writer, _reader) = dbuf_strategies::core::arc(1, 1, CountStrategy::new());
    let back = writer.back_mut();
    writer.start_swap();
    *back = 2;
}
