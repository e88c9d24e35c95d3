//! A thread that blocks for its own guards would wait forever.
use dbuf_strategies::LocalStrategy;

fn main() {
    let (mut writer, _reader) = dbuf_strategies::core::rc(1, 1, LocalStrategy::new());
    writer.finish();
}
