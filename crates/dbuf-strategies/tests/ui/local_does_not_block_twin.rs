//! It can check instead.
use dbuf_strategies::LocalStrategy;

fn main() {
    let (mut writer, _reader) = dbuf_strategies::core::rc(1, 1, LocalStrategy::new());
    assert!(writer.try_finish());
}
