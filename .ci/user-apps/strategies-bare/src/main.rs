//! `dbuf-strategies` without features: one thread, no allocation.

use dbuf_strategies::LocalStrategy;
use dbuf_strategies::core::{DoubleBuffer, split};

fn main() {
    let buffer = DoubleBuffer::new("frame 1", "frame 2", LocalStrategy::new());
    let (mut writer, reader) = split(&buffer).unwrap();
    let frame = reader.read();
    assert!(!writer.try_swap());
    drop(frame);
    assert!(writer.try_swap());
    assert_eq!(*reader.read(), "frame 2");
}
