//! `dbuf-core` without features: handles over a `static`, waits that spin.

use dbuf_core::{DoubleBuffer, split};

#[path = "../../one_lock.rs"]
mod one_lock;
use one_lock::OneLock;

static LIMIT: DoubleBuffer<u32, OneLock> = DoubleBuffer::new(1, 2, OneLock::new());

fn main() {
    let (mut writer, reader) = split(&LIMIT).unwrap();
    let other = std::thread::spawn(move || while *reader.read() < 100 {});
    writer.swap();
    assert_eq!(*writer.front(), 2);
    writer.store(100);
    other.join().unwrap();
}
