//! Parts that a batch lends, and batches that unwind.

use std::panic::resume_unwind;
use std::sync::{Arc, mpsc};
use std::thread;

use dbuf_strategies::EpochStrategy;
use dbuf_strategies::core::{Batch, DoubleBuffer, OpWriter, arc};

use super::{CLONES, FUSE, Log, Op, SEALED, SLOTS, Slots, copies, lend, log};
use crate::common::unwinds;

/// How a batch ends that is not rolled back.
const ENDS: [fn(Batch<&mut Log>); 4] = [
    |batch| _ = batch.publish(),
    |batch| _ = batch.keep(),
    |batch| _ = batch.defer(),
    |batch| drop(batch),
];

/// A part that is lent often is logged once, with its last value.
#[test]
fn lent_part_is_logged_once_when_the_batch_ends() {
    for end in ENDS {
        let mut writer = log();
        let mut batch = writer.write();
        for n in 0..100 {
            *lend(&mut batch, 3) = n;
        }
        assert_eq!((batch.values[3], SEALED.get()), (99, 0));
        end(batch);
        assert_eq!(SEALED.get(), 1);
        writer.publish();
        assert_eq!(copies(writer), [[0, 0, 0, 99, 0, 0, 0, 0]; 2]);
        assert_eq!(CLONES.get(), 0);
    }
}

/// The caller that ends the batch gets the panic, and nothing is published. The part that could
/// not be logged is undone with the others.
#[test]
fn panic_while_lent_parts_are_logged_hits_the_caller_that_ends_the_batch() {
    for end in ENDS {
        for fuse in 1..=2 {
            let mut writer = log();
            let reader = writer.reader();
            writer.write().apply(Op::Set(vec![(1, 1)]));
            let mut batch = writer.write();
            *lend(&mut batch, 1) = 66;
            *lend(&mut batch, 2) = 66;
            FUSE.set(fuse);
            assert!(unwinds(|| end(batch)));
            assert_eq!(reader.read().values[1], 1);
            assert!(!writer.has_pending());
            assert_eq!(writer.write().values, [0, 1, 0, 0, 0, 0, 0, 0]);
            assert_eq!(CLONES.get(), 0);
            assert_eq!(copies(writer), [[0, 1, 0, 0, 0, 0, 0, 0]; 2]);
        }
    }
}

/// A batch that is dropped while its thread unwinds logs nothing, so it causes no second panic.
#[test]
fn unwinding_logs_nothing_that_was_lent() {
    let mut writer = log();
    assert!(unwinds(|| {
        let mut batch = writer.write();
        *lend(&mut batch, 1) = 66;
        FUSE.set(1);
        resume_unwind(Box::new(()));
    }));
    assert_eq!((FUSE.take(), SEALED.get()), (1, 0));
    assert_eq!(copies(writer), [[0; SLOTS]; 2]);
}

/// A destructor makes a batch and passes it on. A later panic rolls it back, of this thread or
/// another one.
#[test]
fn batch_made_while_unwinding_is_rolled_back_by_a_later_panic() {
    type Owned = OpWriter<Arc<DoubleBuffer<Slots, EpochStrategy>>, Op>;
    struct MakesBatch(Option<Box<Owned>>, mpsc::Sender<Batch<Box<Owned>>>);
    impl Drop for MakesBatch {
        fn drop(&mut self) {
            let mut batch = Batch::begin(self.0.take().unwrap());
            batch.apply(Op::Set(vec![(0, 1)]));
            self.1.send(batch).unwrap();
        }
    }
    for moves in [false, true] {
        let (writer, reader) = arc(Slots::default(), Slots::default(), EpochStrategy::new());
        let (sender, receiver) = mpsc::channel();
        let makes = MakesBatch(Some(Box::new(OpWriter::new(writer))), sender);
        let first = || {
            assert!(unwinds(|| {
                let _makes = makes;
                resume_unwind(Box::new(()));
            }));
        };
        let second = move || {
            assert!(unwinds(|| {
                let mut batch = receiver.recv().unwrap();
                batch.apply(Op::Set(vec![(1, 1)]));
                resume_unwind(Box::new(()));
            }));
        };
        if moves {
            thread::scope(|scope| {
                scope.spawn(first);
                scope.spawn(second);
            });
        } else {
            first();
            second();
        }
        assert_eq!(reader.read().values, [0; SLOTS], "moved: {moves}");
    }
}
