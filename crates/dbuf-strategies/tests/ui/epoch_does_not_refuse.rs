//! Epoch cannot refuse a swap, since readers may come between check and flip.
use dbuf_strategies::EpochStrategy;

fn main() {
    let (mut writer, _reader) = dbuf_strategies::core::arc(1, 1, EpochStrategy::new());
    writer.try_swap();
}
