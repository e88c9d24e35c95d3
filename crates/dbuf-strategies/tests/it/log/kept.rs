//! Changes that are kept, and batches that fail after them.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use dbuf_strategies::core::{OpWriter, Operation, Published, arc};
use dbuf_strategies::{EpochStrategy, LockStrategy};

use super::{Log, Push, log};
use crate::common::unwinds;

/// Kept changes survive every way in which a later batch can fail, and are published once
/// (kills "abandon drops the whole log", "a resync forgets kept changes", "a publish leaves
/// them kept").
#[test]
fn kept_changes_survive_a_batch_that_fails() {
    type Failure = fn(&mut Log<EpochStrategy>);
    let failures: [Failure; 6] = [
        |writer| {
            let mut batch = writer.write();
            batch.apply(Push::new(66));
            batch.rollback();
        },
        |writer| {
            let mut batch = writer.write();
            batch.apply(Push::new(66));
            mem::forget(batch);
        },
        |writer| {
            let refused: Result<(), ()> = writer.transact(|batch| {
                batch.modify(|list, _| list.clear());
                Err(())
            });
            assert!(refused.is_err());
        },
        |writer| {
            assert!(unwinds(|| writer.write().modify(|list, _| {
                list.clear();
                panic!("halfway");
            })));
        },
        |writer| {
            let mut batch = writer.write();
            assert!(unwinds(|| batch.record(|list, _| -> ((), Option<Push>) {
                list.push(66);
                panic!("halfway")
            })));
            assert!(unwinds(|| _ = batch.keep()), "a torn batch kept changes");
        },
        |writer| writer.write().rollback_on_drop(),
    ];
    for (number, fail) in failures.into_iter().enumerate() {
        let mut writer = log(EpochStrategy::new());
        let reader = writer.reader();
        writer.write().apply(Push::new(1));
        let mut batch = writer.write();
        batch.apply(Push::new(2));
        batch.keep();
        let mut batch = writer.write();
        batch.apply(Push::new(3));
        batch.keep();
        fail(&mut writer);
        assert!(writer.has_pending(), "failure {number}");
        assert_eq!(*reader.read(), [1]);
        let batch = writer.write();
        assert_eq!(*batch, [1, 2, 3], "failure {number}");
        batch.publish();
        assert!(!writer.has_pending());
        assert_eq!(*reader.read(), [1, 2, 3], "failure {number}");
        // They are published, so giving up the next batch loses and repeats nothing.
        let mut batch = writer.write();
        batch.apply(Push::new(66));
        batch.rollback();
        assert_eq!(*writer.write(), [1, 2, 3], "failure {number}");
    }
}

/// The log cannot repeat a batch that modified, so keeping it publishes it, with the changes
/// that were kept before.
#[test]
fn keeping_a_modified_batch_publishes_it() {
    let mut writer = log(LockStrategy::new());
    let reader = writer.reader();
    let mut batch = writer.write();
    batch.apply(Push::new(1));
    batch.keep();
    let mut batch = writer.write();
    batch.modify(|list, _| list.push(2));
    batch.keep();
    assert_eq!(*reader.read(), [1, 2]);
    assert_eq!(*writer.write(), [1, 2]);
}

/// If the application of kept changes panics, nothing is lost: the next batch repeats it.
#[test]
fn kept_changes_survive_a_panic_while_they_are_made_again() {
    struct Flaky(Arc<AtomicUsize>);
    impl Operation<Vec<u32>> for Flaky {
        fn apply(&mut self, target: &mut Vec<u32>, _: &()) {
            let calls = self.0.fetch_sub(1, SeqCst);
            target.push(1);
            assert_ne!(calls, 2, "the second application panics");
        }
    }
    let (writer, reader) = arc(vec![], vec![], LockStrategy::new());
    let mut writer = OpWriter::new(writer);
    let mut batch = writer.write();
    batch.apply(Flaky(Arc::new(AtomicUsize::new(3))));
    batch.keep();
    let mut batch = writer.write();
    batch.modify(|list, _| list.clear());
    batch.rollback();
    assert!(unwinds(|| drop(writer.write())));
    assert!(writer.has_pending());
    assert_eq!(*writer.write(), [1]);
    assert_eq!(*reader.read(), [1]);
}

#[test]
fn batches_without_changes_publish_nothing() {
    let mut writer = log(LockStrategy::new());
    let version = writer.as_writer().version();
    assert_eq!(writer.publish(), Published::Nothing);
    drop(writer.write()); // after a resync
    let mut batch = writer.write();
    batch.apply(Push::new(1));
    batch.rollback();
    drop(writer.write()); // after a rollback
    assert_eq!(writer.publish(), Published::Nothing);
    assert_eq!(writer.as_writer().version(), version);
}

#[test]
fn failed_batches_without_changes_take_nothing_back() {
    let fail: [fn(&mut Log<LockStrategy>); 2] = [
        |writer| _ = writer.write().rollback(),
        |writer| mem::forget(writer.write()),
    ];
    for fail in fail {
        let mut writer = log(LockStrategy::new());
        let mut batch = writer.write();
        batch.apply(Push::new(1));
        batch.keep();
        fail(&mut writer);
        assert_eq!(writer.publish(), Published::Now);
        assert_eq!(*writer.front(), [1]);
    }
}

/// A change joins the one before it, unless that is kept: a rollback could not take it back.
#[test]
fn changes_join_changes_that_are_not_kept() {
    struct Add(u32);
    impl Operation<u32> for Add {
        fn apply(&mut self, sum: &mut u32, (): &()) {
            *sum += self.0;
        }
        fn join(self, before: &mut Self) -> Option<Self> {
            before.0 += self.0;
            None
        }
    }
    let (writer, reader) = arc(0, 0, LockStrategy::new());
    let mut writer = OpWriter::new(writer);
    let mut batch = writer.write();
    batch.apply(Add(1));
    batch.apply(Add(2));
    batch.keep();
    assert_eq!(writer.pending(), 1);
    let mut batch = writer.write();
    batch.apply(Add(10));
    batch.apply(Add(20));
    batch.defer();
    assert_eq!(writer.pending(), 2);
    writer.write().rollback();
    assert_eq!(*writer.write(), 3);
    assert_eq!((*reader.read(), *writer.write()), (3, 3));
}
