//! The operation log when user code unwinds halfway, and when a batch's owner lies.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use dbuf_strategies::core::{
    Batch, DoubleBuffer, OpWriter, Operation, Published, Strategy, Writer, arc,
};
use dbuf_strategies::{EpochStrategy, LockStrategy};

fn panics(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

/// Pushes a number. It panics on its second application, or when dropped, on request.
struct Push {
    value: u32,
    replay_panics: bool,
    drop_panics: bool,
    dropped: Arc<AtomicUsize>,
}

impl Push {
    fn new(value: u32) -> Self {
        Self {
            value,
            replay_panics: false,
            drop_panics: false,
            dropped: Arc::default(),
        }
    }
}

impl Operation<Vec<u32>> for Push {
    fn apply(&mut self, target: &mut Vec<u32>, _: &()) {
        target.push(self.value);
    }
    fn apply_once(self, target: &mut Vec<u32>, _: &()) {
        target.push(self.value);
        assert!(!self.replay_panics, "replay panics halfway");
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, SeqCst);
        assert!(!self.drop_panics || std::thread::panicking(), "drop panics");
    }
}

type Log<S> = OpWriter<Arc<DoubleBuffer<Vec<u32>, S>>, Push>;

fn log<S: Strategy>(strategy: S) -> Log<S> {
    OpWriter::new(arc(vec![], vec![], strategy).0)
}

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
    assert!(panics(|| drop(writer.write())));
    assert_eq!(*writer.front(), [1, 2, 3]);
    let batch = writer.write();
    assert_eq!(*batch, [1, 2, 3], "each op reaches each copy once");
    drop(batch);
    writer.write().apply(Push::new(4));
    writer.catch_up();
    let mut raw = writer.into_writer();
    let (front, back) = raw.split_mut();
    assert_eq!(
        (&front[..], &back[..]),
        (&[1, 2, 3, 4][..], &[1, 2, 3, 4][..])
    );
}

/// A batch that is forgotten is rolled back by the next batch, not only by `publish`
/// (kills "settle does not close the forgotten"); its ops are gone from the log.
#[test]
fn forgotten_batch_is_rolled_back_by_the_next_batch() {
    let mut writer = log(LockStrategy::new());
    writer.write().apply(Push::new(1));
    let mut batch = writer.write();
    batch.apply(Push::new(10));
    mem::forget(batch);
    let batch = writer.write();
    assert_eq!(*batch, [1]);
    drop(batch);
    assert_eq!(*writer.front(), [1]);
    writer.write().apply(Push::new(2));
    assert_eq!(*writer.front(), [1, 2]);
    assert_eq!(*writer.write(), [1, 2]);
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
    writer.catch_up();
    let mut raw = writer.into_writer();
    let (front, back) = raw.split_mut();
    assert_eq!(front, back);
    assert_eq!(*front, [1, 2, 3, 4]);
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
    assert!(panics(|| {
        let _writes = WritesWhenDropped(&mut writer);
        panic!("unwind");
    }));
    assert_eq!(*writer.front(), [1]);
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
        let unwound = panics(|| {
            let mut batch = writer.write();
            batch.apply(op);
            match point {
                0 => drop(batch.rollback()),
                1 => batch.modify(|list, _| list.push(9)),
                2 => drop(batch.publish().write()),
                _ => mem::forget(batch),
            }
        });
        if matches!(point, 0 | 3) {
            // The next batch gives it up.
            assert!(!unwound);
            assert!(panics(|| drop(writer.write())));
        } else {
            assert!(unwound);
        }
        assert_eq!(dropped.load(SeqCst), 1, "point {point}");
        writer.write().apply(Push::new(5));
        writer.catch_up();
        let published: &[u32] = if point == 2 { &[1, 2, 5] } else { &[1, 5] };
        let mut raw = writer.into_writer();
        let (front, back) = raw.split_mut();
        assert_eq!(
            (&front[..], &back[..]),
            (published, published),
            "point {point}"
        );
    }
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
    assert!(panics(|| drop(writer.write())));
    let batch = writer.write();
    assert_eq!(batch.0, [7]);
    drop(batch);
    assert_eq!(reader.read().0, [7]);
}

/// A batch owner that returns another writer each time causes panics, and nothing worse.
#[test]
fn lying_batch_owner_only_panics() {
    struct Liar<'w>(&'w mut [Log<EpochStrategy>; 2], Cell<usize>);
    impl std::ops::Deref for Liar<'_> {
        type Target = Log<EpochStrategy>;
        fn deref(&self) -> &Self::Target {
            self.1.set(self.1.get() + 1);
            &self.0[self.1.get() % 2]
        }
    }
    impl std::ops::DerefMut for Liar<'_> {
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
        let _ = panics(|| {
            let mut batch = Batch::try_begin(Liar(&mut both, Cell::new(start)))
                .ok()
                .unwrap();
            let _ = panics(|| batch.apply(Push::new(3)));
            let _ = panics(|| batch.apply(Push::new(4)));
            let _ = batch.len();
            let _ = batch.published().len();
        });
        assert_eq!((&guards[0][..], &guards[1][..]), (&[1, 2][..], &[1, 2][..]));
        drop(guards);
        for writer in &mut both {
            writer.write().apply(Push::new(5));
            writer.catch_up();
            assert!(writer.front().ends_with(&[5]));
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
    impl std::ops::Deref for Switch<'_> {
        type Target = Log<LockStrategy>;
        fn deref(&self) -> &Self::Target {
            self.0[self.1.get()]
        }
    }
    impl std::ops::DerefMut for Switch<'_> {
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
        assert!(panics(|| batch.apply(Push::new(9))));
        let _ = batch.publish();
        assert_eq!(*two.front(), [1], "deferred changes are published");
        assert_eq!(two.has_pending(), deferred);
        two.publish();
        two.catch_up();
        let mut raw = two.into_writer();
        let (front, back) = raw.split_mut();
        assert_eq!(front, back);
        assert_eq!(front.len(), 1 + usize::from(deferred));
    }
}

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
            assert!(panics(|| writer.write().modify(|list, _| {
                list.clear();
                panic!("halfway");
            })));
        },
        |writer| {
            let mut batch = writer.write();
            assert!(panics(|| batch.record(|list, _| -> ((), Option<Push>) {
                list.push(66);
                panic!("halfway")
            })));
            assert!(panics(|| _ = batch.keep()), "a torn batch kept changes");
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
    assert!(panics(|| drop(writer.write())));
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
