//! `dbuf-strategies` with its default features: the core comes with it.

use dbuf_strategies::core::{OpWriter, arc};
use dbuf_strategies::{DefaultStrategy, EpochStrategy};

fn main() {
    let (mut writer, reader) = arc(1, 1, EpochStrategy::new());
    let other = std::thread::spawn(move || while *reader.read() != 2 {});
    writer.store(2);
    other.join().unwrap();

    let (writer, reader) = arc(vec![], vec![], DefaultStrategy::new());
    let mut writer = OpWriter::new(writer);
    writer
        .write()
        .apply(|list: &mut Vec<u32>, _: &()| list.push(1));
    assert_eq!(*reader.shared().read(), [1]);
}
