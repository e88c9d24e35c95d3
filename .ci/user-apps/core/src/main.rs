//! `dbuf-core` with its default features: a strategy of one's own, handles behind an
//! `Arc`, the operation log, reads from any thread.

use dbuf_core::{OpWriter, arc};

#[path = "../../one_lock.rs"]
mod one_lock;
use one_lock::OneLock;

fn main() {
    let (writer, reader) = arc(0_u32, 0, OneLock::new());
    let shared = reader.shared();
    let mut writer = OpWriter::new(writer);
    std::thread::scope(|scope| {
        scope.spawn(|| while *shared.read() < 100 {});
        scope.spawn(move || while *reader.read() < 100 {});
        for _ in 0..100 {
            writer.write().apply(|n: &mut u32, _: &()| *n += 1);
        }
    });
    assert_eq!(*writer.front(), 100);
}
