//! It can start a swap and check whether it is finished.
use dbuf_strategies::EpochStrategy;

fn main() {
    let (mut writer, _reader) = dbuf_strategies::core::arc(1, 1, EpochStrategy::new());
    writer.start_swap();
    assert!(writer.try_finish());
}
