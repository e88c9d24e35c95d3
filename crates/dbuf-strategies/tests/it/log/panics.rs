//! User code that panics in a replay, a resync or a change.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use dbuf_strategies::core::{OpWriter, arc};
use dbuf_strategies::{EpochStrategy, LockStrategy};

use super::{Log, Push, assert_copies, log};
use crate::common::unwinds;

/// A panic in replay is followed by a resync (kills "replay without Torn").
#[test]
fn panic_in_replay_is_resynced() {
    let mut writer = log(LockStrategy::new());
    let mut batch = writer.write();
    batch.apply(Push::new(1));
    let mut op = Push::new(2);
    op.replay_panics = true;
    batch.apply(op);
    batch.apply(Push::new(3));
    batch.publish();
    assert!(unwinds(|| drop(writer.write())));
    assert_eq!(*writer.front(), [1, 2, 3]);
    let batch = writer.write();
    assert_eq!(*batch, [1, 2, 3], "each op reaches each copy once");
    drop(batch);
    writer.write().apply(Push::new(4));
    assert_copies(writer, &[1, 2, 3, 4]);
}

/// Ops of a batch with a `modify` are covered by its resync, and not replayed after it
/// (kills "an op after `modify` makes it Unpublished", "resync keeps the log").
#[test]
fn ops_beside_a_modify_reach_each_copy_once() {
    let mut writer = log(LockStrategy::new());
    let mut batch = writer.write();
    batch.apply(Push::new(1));
    batch.modify(|list, _| list.push(2));
    batch.apply(Push::new(3));
    batch.publish();
    writer.write().apply(Push::new(4));
    assert_eq!(*writer.front(), [1, 2, 3, 4]);
    assert_copies(writer, &[1, 2, 3, 4]);
}

/// A batch that is made and dropped by a destructor during unwinding publishes
/// (kills "`was_unwinding` ignored").
#[test]
fn batch_made_while_unwinding_publishes() {
    struct WritesWhenDropped<'w>(&'w mut Log<LockStrategy>);
    impl Drop for WritesWhenDropped<'_> {
        fn drop(&mut self) {
            self.0.write().apply(Push::new(1));
        }
    }
    let mut writer = log(LockStrategy::new());
    assert!(unwinds(|| {
        let _writes = WritesWhenDropped(&mut writer);
        panic!("unwind");
    }));
    assert_eq!(*writer.front(), [1]);
}

/// A `clone_from` that panics halfway is repeated.
#[test]
fn panicking_clone_from_is_repeated() {
    struct Fragile(Vec<u32>, Arc<AtomicUsize>);
    impl Clone for Fragile {
        fn clone(&self) -> Self {
            Self(self.0.clone(), Arc::clone(&self.1))
        }
        fn clone_from(&mut self, source: &Self) {
            self.0.clear();
            if self.1.load(SeqCst) > 0 {
                self.1.fetch_sub(1, SeqCst);
                panic!("clone_from");
            }
            self.0.extend(&source.0);
        }
    }
    let fuse = Arc::new(AtomicUsize::new(1));
    let value = || Fragile(vec![7], Arc::clone(&fuse));
    let (writer, reader) = arc(value(), value(), EpochStrategy::new());
    let mut writer = OpWriter::<_, fn(&mut Fragile, &())>::new(writer);
    assert!(unwinds(|| drop(writer.write())));
    let batch = writer.write();
    assert_eq!(batch.0, [7]);
    drop(batch);
    assert_eq!(reader.read().0, [7]);
}

/// Destructors of ops panic at each point where the log drops them. The copies stay equal,
/// nothing is dropped twice, and the writer goes on.
#[test]
fn panicking_op_destructors_leave_equal_copies() {
    for point in 0..4 {
        let mut writer = log(LockStrategy::new());
        writer.write().apply(Push::new(1));
        let dropped = Arc::new(AtomicUsize::new(0));
        let mut op = Push::new(2);
        op.drop_panics = true;
        op.dropped = Arc::clone(&dropped);
        let unwound = unwinds(|| {
            let mut batch = writer.write();
            batch.apply(op);
            match point {
                0 => drop(batch.rollback()),
                1 => batch.modify(|list, _| list.push(9)),
                2 => drop(batch.publish().write()),
                _ => mem::forget(batch),
            }
        });
        // Else the next batch gives it up.
        assert_eq!(unwound, matches!(point, 1 | 2), "point {point}");
        assert!(unwound || unwinds(|| drop(writer.write())), "point {point}");
        assert_eq!(dropped.load(SeqCst), 1, "point {point}");
        writer.write().apply(Push::new(5));
        assert_copies(writer, if point == 2 { &[1, 2, 5] } else { &[1, 5] });
    }
}
