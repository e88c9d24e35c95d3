//! It is one by an implementation of `Operation`.
use dbuf_strategies::LockStrategy;
use dbuf_strategies::core::{OpWriter, Operation, arc};

struct Push(u32);

impl Operation<Vec<u32>> for Push {
    fn apply(&mut self, list: &mut Vec<u32>, (): &()) {
        list.push(self.0);
    }
}

fn main() {
    let (writer, _reader) = arc(vec![], vec![], LockStrategy::new());
    let mut writer = OpWriter::new(writer);
    writer.write().apply(Push(1));
}
