//! Batches whose owner returns another writer each time, and batches that change places.

use std::cell::Cell;
use std::mem;
use std::ops::{Deref, DerefMut};

use dbuf_strategies::core::{Batch, Writer};
use dbuf_strategies::{EpochStrategy, LockStrategy};

use super::{Log, Push, assert_copies, log};
use crate::common::unwinds;

/// A batch owner that returns another writer each time causes panics, and nothing worse.
#[test]
fn lying_batch_owner_only_panics() {
    struct Liar<'w>(&'w mut [Log<EpochStrategy>; 2], Cell<usize>);
    impl Deref for Liar<'_> {
        type Target = Log<EpochStrategy>;
        fn deref(&self) -> &Self::Target {
            self.1.set(self.1.get() + 1);
            &self.0[self.1.get() % 2]
        }
    }
    impl DerefMut for Liar<'_> {
        fn deref_mut(&mut self) -> &mut Self::Target {
            self.1.set(self.1.get() + 1);
            &mut self.0[self.1.get() % 2]
        }
    }
    for start in 0..2 {
        let mut both = [log(EpochStrategy::new()), log(EpochStrategy::new())];
        for writer in &mut both {
            writer.write().apply(Push::new(1));
            writer.write().apply(Push::new(2));
        }
        let readers = [both[0].reader(), both[1].reader()];
        let guards = [readers[0].read(), readers[1].read()];
        // One of the writers has an unfinished swap.
        both[start].publish();
        let _ = unwinds(|| {
            let liar = Liar(&mut both, Cell::new(start));
            let mut batch = Batch::try_begin(liar).ok().unwrap();
            let _ = unwinds(|| batch.apply(Push::new(3)));
            let _ = unwinds(|| batch.apply(Push::new(4)));
            let _ = batch.len();
            let _ = batch.published().len();
        });
        assert_eq!((&guards[0][..], &guards[1][..]), (&[1, 2][..], &[1, 2][..]));
        drop(guards);
        for writer in &mut both {
            writer.write().apply(Push::new(5));
            writer.catch_up();
            assert_eq!(writer.front().last(), Some(&5));
        }
    }
}

/// Batches may be swapped with each other inside `transact`.
#[test]
fn batches_may_be_swapped_in_transact() {
    let (mut one, mut two) = (log(EpochStrategy::new()), log(EpochStrategy::new()));
    one.write().apply(Push::new(1));
    let readers = (one.reader(), two.reader());
    let result: Result<(), ()> = one.transact(|batch| {
        batch.apply(Push::new(2));
        let two: &'static mut Log<EpochStrategy> = Box::leak(Box::new(log(EpochStrategy::new())));
        let mut other = two.write();
        other.apply(Push::new(9));
        mem::swap(batch, &mut other);
        mem::forget(other);
        Ok(())
    });
    assert_eq!(result, Ok(()));
    assert_eq!(*readers.0.read(), [1]);
    assert_eq!(*one.write(), [1], "the forgotten batch was rolled back");
    two.write().apply(Push::new(3));
    assert_eq!(*readers.1.read(), [3]);
    let _ = Writer::claim(one.as_writer().ptr().clone()).unwrap_err();
}

/// A batch whose owner returns a writer without an open batch changes nothing there: neither
/// ops that are still to be replayed, nor deferred ones (kills "no check for open").
#[test]
fn writer_without_a_batch_is_not_changed_by_a_lying_owner() {
    struct Switch<'w>([&'w mut Log<LockStrategy>; 2], &'w Cell<usize>);
    impl Deref for Switch<'_> {
        type Target = Log<LockStrategy>;
        fn deref(&self) -> &Self::Target {
            self.0[self.1.get()]
        }
    }
    impl DerefMut for Switch<'_> {
        fn deref_mut(&mut self) -> &mut Self::Target {
            self.0[self.1.get()]
        }
    }
    for deferred in [false, true] {
        let (mut one, mut two) = (log(LockStrategy::new()), log(LockStrategy::new()));
        two.write().apply(Push::new(1));
        if deferred {
            let mut batch = two.write();
            batch.apply(Push::new(2));
            batch.defer();
        }
        let at = Cell::new(0);
        let mut batch = Batch::begin(Switch([&mut one, &mut two], &at));
        at.set(1);
        assert!(unwinds(|| batch.apply(Push::new(9))));
        let _ = batch.publish();
        assert_eq!(*two.front(), [1], "deferred changes are published");
        assert_eq!(two.has_pending(), deferred);
        two.publish();
        assert_copies(two, if deferred { &[1, 2] } else { &[1] });
    }
}
