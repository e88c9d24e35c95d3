//! The operation log.

use core::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use dbuf_core::{BlockingStrategy, OpWriter, Operation, Published, Writer};

use super::harness::{EXTRAS, SuitePtr};
use crate::tracked::Tracked;

/// An operation that adds, and panics if the number is `PANICS`.
pub(super) struct Add(pub(super) usize);

impl Operation<Tracked, u32> for Add {
    fn apply(&mut self, target: &mut Tracked, extras: &u32) {
        assert_eq!(*extras, EXTRAS);
        assert_ne!(self.0, PANICS, "an operation panics");
        target.set(target.get() + self.0);
    }
}

pub(super) const PANICS: usize = usize::MAX;

fn log<P: SuitePtr>(ptr: P) -> OpWriter<P, Add> {
    OpWriter::new(Writer::claim(ptr).unwrap())
}

/// Every operation is applied to each copy once, in any batches.
pub fn log_keeps_the_copies_equal<P>(new: impl Fn() -> P)
where
    P: SuitePtr<Strategy: BlockingStrategy>,
{
    let mut writer = log(new());
    let reader = writer.reader();
    let (mut sum, mut published) = (0, 0);
    for value in 1..=6 {
        let mut batch = writer.write();
        batch.apply(Add(value));
        batch.apply(Add(10));
        assert_eq!(batch.published().get(), published);
        sum += value + 10;
        assert_eq!(batch.get(), sum, "a batch sees its own changes");
        if value % 3 == 0 {
            batch.defer();
            assert!(writer.has_pending());
        } else {
            batch.publish();
            published = sum;
        }
        assert_eq!(reader.read().get(), published);
    }
    assert_eq!(writer.publish(), Published::Now);
    assert_eq!(writer.publish(), Published::Nothing);
    let version = writer.as_writer().version();
    writer.write().publish();
    assert_eq!(writer.as_writer().version(), version);
    writer.catch_up();
    assert!(
        format!("{writer:?}").contains("log: 0,"),
        "the log is drained"
    );
    let mut raw = writer.into_writer();
    let (front, back) = raw.split_mut();
    assert_eq!((front.get(), back.get()), (sum, sum));
}

/// Calls that never wait keep the copies equal, and fail while a guard holds the back.
pub fn log_without_waiting_keeps_the_copies_equal<P: SuitePtr>(new: impl Fn() -> P) {
    let mut writer = log(new());
    let reader = writer.reader();
    for value in 1..=4 {
        let guard = reader.read();
        let before = guard.get();
        writer.try_write().unwrap().apply(Add(value));
        assert!(writer.try_write().is_none(), "a guard holds the back");
        assert_eq!(guard.get(), before);
        drop(guard);
        assert_eq!(reader.read().get(), before + value);
    }
    drop(writer.try_write().unwrap());
    let mut raw = writer.into_writer();
    assert_eq!(raw.front().get(), 10);
    assert_eq!(raw.try_back_mut().unwrap().get(), 10);
}

/// A forgotten batch is rolled back: its operations reach neither copy, and no guarded side is
/// written.
pub fn forgotten_batch_is_rolled_back<P: SuitePtr>(new: impl Fn() -> P) {
    let mut writer = log(new());
    let reader = writer.reader();
    writer.try_write().unwrap().apply(Add(1));
    let guard = reader.read();
    let mut batch = writer.try_write().unwrap();
    batch.apply(Add(10));
    mem::forget(batch);
    assert!(!writer.has_pending());
    assert_eq!(writer.publish(), Published::RolledBack);
    assert_eq!((guard.get(), reader.read().get()), (1, 1));
    let batch = writer.try_write().unwrap();
    assert_eq!(batch.get(), 1, "resynced");
    batch.rollback();
    writer.try_write().unwrap().apply(Add(2));
    assert_eq!((guard.get(), reader.read().get()), (1, 3));
}

/// An operation panics, and the panic is caught inside or outside its batch.
pub fn panicking_op_is_rolled_back<P>(new: impl Fn() -> P)
where
    P: SuitePtr<Strategy: BlockingStrategy>,
{
    let mut writer = log(new());
    let reader = writer.reader();
    writer.write().apply(Add(1));
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let mut batch = writer.write();
        batch.apply(Add(10));
        batch.apply(Add(PANICS));
    }));
    assert!(unwound.is_err());
    assert_eq!(reader.read().get(), 1);

    let mut batch = writer.write();
    batch.apply(Add(10));
    assert!(catch_unwind(AssertUnwindSafe(|| batch.apply(Add(PANICS)))).is_err());
    assert!(batch.is_torn());
    assert!(catch_unwind(AssertUnwindSafe(|| batch.apply(Add(5)))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| batch.publish())).is_err());
    assert_eq!(reader.read().get(), 1);

    // A panic between two operations.
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let mut batch = writer.write();
        batch.apply(Add(10));
        panic!("between two operations");
    }));
    assert!(unwound.is_err());
    assert_eq!(reader.read().get(), 1);
    writer.write().apply(Add(2));
    assert_eq!(reader.read().get(), 3);
    assert_eq!(writer.write().get(), 3);
}

/// `transact` publishes all or nothing.
pub fn transact_is_all_or_nothing<P>(new: impl Fn() -> P)
where
    P: SuitePtr<Strategy: BlockingStrategy>,
{
    let mut writer = log(new());
    let reader = writer.reader();
    let added: Result<usize, ()> = writer.transact(|batch| {
        batch.apply(Add(1));
        Ok(batch.get())
    });
    assert_eq!((added, reader.read().get()), (Ok(1), 1));
    writer.write().defer();
    let mut batch = writer.write();
    batch.apply(Add(3));
    batch.defer();
    let failed: Result<(), &str> = writer.transact(|batch| {
        assert_eq!(batch.get(), 4, "the deferred changes are in the batch");
        batch.apply(Add(10));
        Err("no")
    });
    assert_eq!((failed, reader.read().get()), (Err("no"), 1));
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        writer.transact(|batch| -> Result<(), ()> {
            batch.apply(Add(10));
            panic!("in a transaction")
        })
    }));
    assert!(unwound.is_err());
    assert_eq!((reader.read().get(), writer.write().get()), (1, 1));
}
