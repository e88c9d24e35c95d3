//! A thread that waits for its own guards waits for ever: not offered.
use dbuf_strategies::LocalStrategy;

fn main() {
    let (mut writer, _reader) = dbuf_strategies::core::rc(1, 1, LocalStrategy::new());
    writer.finish();
}
