//! A map with known contents, and panics without a message.
#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]

use core::panic::AssertUnwindSafe;
use std::panic::{catch_unwind, resume_unwind};

use dbuf_hashmap::{Reader, Snapshot, Writer};

/// Unwinds without the message of a panic.
pub fn unwind() -> ! {
    resume_unwind(Box::new("expected"))
}

pub fn unwinds(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

/// Makes a map of 0 to 9, each with its double.
pub fn doubles() -> (Writer<u32, u32>, Reader<u32, u32>) {
    let (mut writer, reader) = dbuf_hashmap::new();
    let mut batch = writer.write();
    for n in 0..10 {
        batch.insert(n, 2 * n);
    }
    batch.publish();
    (writer, reader)
}

pub fn assert_doubles(map: Snapshot<'_, u32, u32>) {
    assert_eq!(map.len(), 10);
    assert!(map.iter().all(|(n, double)| *double == 2 * n));
}

/// Asserts that both copies are equal, and that two more batches work.
pub fn assert_goes_on(mut writer: Writer<u32, u32>, reader: &Reader<u32, u32>) {
    for n in [100, 101] {
        let mut batch = writer.write();
        assert_eq!(batch.as_map(), batch.published());
        batch.insert(n, n);
        batch.publish();
        assert_eq!(reader.read().get(&n), Some(&n));
    }
    let batch = writer.write();
    assert_eq!(batch.as_map(), batch.published());
}

pub fn assert_doubles_again(writer: &mut Writer<u32, u32>, reader: &Reader<u32, u32>) {
    assert!(!writer.has_pending());
    assert_eq!(writer.write().as_map(), reader.read().as_map());
    assert_doubles(reader.read());
}
