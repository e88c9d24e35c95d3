//! Where readers can come between look and flip, a swap cannot be refused.
use dbuf_strategies::EpochStrategy;

fn main() {
    let (mut writer, _reader) = dbuf_strategies::core::arc(1, 1, EpochStrategy::new());
    writer.try_swap();
}
