//! A map with known contents, and panics that are expected.
#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]

use core::panic::AssertUnwindSafe;
use std::collections::BTreeMap;
use std::panic::{catch_unwind, resume_unwind, set_hook, take_hook};
use std::sync::Once;

use dbuf_hashmap::{Reader, Snapshot, Writer};

/// Unwinds without the message of a panic.
pub fn unwind() -> ! {
    resume_unwind(Box::new("expected"))
}

pub fn unwinds(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

/// Returns the message of a panic, or `None` if there is none.
pub fn panic_message<R>(f: impl FnOnce() -> R) -> Option<String> {
    let payload = catch_unwind(AssertUnwindSafe(f)).err()?;
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    Some(text.unwrap_or_default())
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
    let entries: BTreeMap<_, _> = map.iter().map(|(n, double)| (*n, *double)).collect();
    assert_eq!(entries, (0..10).map(|n| (n, 2 * n)).collect());
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
    assert!(!writer.has_pending(), "changes are left");
    assert_eq!(writer.write().as_map(), reader.read().as_map());
    assert_doubles(reader.read());
}

/// Suppresses the message of writes that panic instead of waiting for their own thread's guard.
/// In a model of shuttle, it replaces shuttle's own hook, which is set when the model begins.
pub fn expect_own_guards() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = take_hook();
        set_hook(Box::new(move |info| {
            let is_expected = |text: &&str| text.contains("would wait for its own guard");
            if !info.payload().downcast_ref().is_some_and(is_expected) {
                report(info);
            }
        }));
    });
}
