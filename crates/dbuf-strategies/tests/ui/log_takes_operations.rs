//! What is logged has to be an operation on the value.
use dbuf_strategies::LockStrategy;
use dbuf_strategies::core::{OpWriter, arc};

struct Push(u32);

fn main() {
    let (writer, _reader) = arc(vec![], vec![], LockStrategy::new());
    let mut writer = OpWriter::new(writer);
    writer.write().apply(Push(1));
}
