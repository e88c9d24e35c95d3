//! The spare side: a kept guard, and a writer that continues without waiting for it.
//!
//! If the spare side of a strategy is never free, these bodies check that and nothing else.

use dbuf_core::{OpWriter, Operation, Reader, Side, Strategy, Writer};

use super::harness::{EXTRAS, SuitePtr};
use crate::tracked::Tracked;

/// An operation that overwrites the number.
pub(super) struct Set(pub(super) usize);

impl Operation<Tracked, u32> for Set {
    fn apply(&mut self, target: &mut Tracked, extras: &u32) {
        assert_eq!(*extras, EXTRAS);
        target.set(self.0);
    }
}

pub(super) type Log<P> = OpWriter<P, Set>;

/// Returns a log and a reader, or `None` after checking that the strategy has no spare side.
pub(super) fn with_spare<P: SuitePtr>(ptr: P) -> Option<(Log<P>, Reader<P>)> {
    let mut writer = Log::new(Writer::claim(ptr).unwrap());
    let reader = writer.reader();
    let guard = reader.read();
    assert!(publish(&mut writer, 0));
    let continues = writer.set_aside();
    assert_eq!(continues, writer.try_write().is_some());
    assert_eq!(writer.spare_stragglers() > 0, continues);
    assert_eq!(guard.get(), 0);
    drop(guard);
    assert!(publish(&mut writer, 0));
    assert_eq!((writer.spare_stragglers(), writer.spare_since()), (0, None));
    continues.then_some((writer, reader))
}

/// Publishes a value, on the spare side if guards hold the back. Returns `false` if neither side is
/// free.
pub(super) fn publish<P: SuitePtr>(writer: &mut Log<P>, value: usize) -> bool {
    if !writer.set_aside() {
        assert!(writer.try_write().is_none(), "a side is free");
        return false;
    }
    let version = writer.as_writer().version();
    writer.try_write().unwrap().apply(Set(value));
    assert_eq!(
        (writer.front().get(), writer.as_writer().version()),
        (value, version + 1)
    );
    true
}

pub(super) fn front<P: SuitePtr>(writer: &Log<P>) -> Side {
    writer.as_writer().strategy().front()
}

/// Returns whether the strategy has a spare side.
pub(super) fn has_spare<P: SuitePtr>(ptr: P) -> bool {
    with_spare(ptr).is_some()
}
