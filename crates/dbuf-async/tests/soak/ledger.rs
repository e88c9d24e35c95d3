//! The value under load. It shows half a batch, a torn copy and a lost write.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use dbuf_async::WriterAsyncExt;
use dbuf_async::core::{Batch, BlockingStrategy, BufferPtr, OpWriter, Operation, Version};

use crate::common::{poll_and_cancel, yield_now};

pub(crate) const WRITERS: usize = 4;

/// The number of writes of each writer, and their sum, counted separately. Each publish adds one
/// to both, so the sum is the version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    pub(crate) of: [u64; WRITERS],
    sum: u64,
    /// The sum again, in memory that every change replaces.
    pages: Vec<u64>,
}

impl Ledger {
    pub(crate) fn check(&self, version: Version) {
        assert_eq!(self.of.iter().sum::<u64>(), self.sum, "half a batch");
        assert_eq!(self.sum, version, "the wrong value for this version");
        assert!(self.pages.iter().all(|page| *page == self.sum), "torn");
    }
}

/// The two halves of a change, and a change that panics.
pub(crate) enum Op {
    Count(usize),
    Sum,
    Spoil,
}

impl Operation<Ledger> for Op {
    fn apply(&mut self, ledger: &mut Ledger, (): &()) {
        match *self {
            Self::Count(writer_index) => ledger.of[writer_index] += 1,
            Self::Sum => {
                ledger.sum += 1;
                ledger.pages = vec![ledger.sum; 8];
            }
            Self::Spoil => {
                ledger.pages.clear();
                ledger.sum = 0;
                // Without a message, since it is caught.
                resume_unwind(Box::new("expected"));
            }
        }
    }
}

/// Makes one writer's next change on a thread. Returns whether it was published.
pub(crate) fn change<P>(writer: &mut OpWriter<P, Op>, writer_index: usize, kind: u64) -> bool
where
    P: BufferPtr<Value = Ledger, Strategy: BlockingStrategy, Extras = ()>,
{
    match kind % 8 {
        0 => {
            let unwound = catch_unwind(AssertUnwindSafe(|| {
                let mut batch = writer.write();
                batch.apply(Op::Count(writer_index));
                batch.apply(Op::Spoil);
            }));
            assert!(unwound.is_err());
            false
        }
        1 => {
            let mut batch = writer.write();
            batch.apply(Op::Count(writer_index));
            mem::forget(batch);
            false
        }
        2 => {
            let refused = writer.transact(|batch| {
                batch.apply(Op::Count(writer_index));
                Err::<(), _>(())
            });
            refused.is_ok()
        }
        3 => {
            let Some(mut batch) = writer.try_write() else {
                return false;
            };
            batch.apply(Op::Count(writer_index));
            batch.apply(Op::Sum);
            true
        }
        4 => {
            let mut batch = writer.write();
            batch.modify(|ledger, ()| {
                ledger.of[writer_index] += 1;
                ledger.sum += 1;
                ledger.pages = vec![ledger.sum; 8];
            });
            batch.publish();
            true
        }
        _ => {
            let mut batch = writer.write();
            batch.apply(Op::Count(writer_index));
            batch.apply(Op::Sum);
            batch.publish();
            true
        }
    }
}

/// Makes one writer's next change in a task: a batch, a transaction, one that fails or one that
/// is cancelled halfway. Returns whether it was published.
pub(crate) async fn change_async<P>(
    writer: &mut OpWriter<P, Op>,
    writer_index: usize,
    kind: u64,
) -> bool
where
    P: BufferPtr<Value = Ledger, Extras = ()>,
{
    match kind % 4 {
        0 => {
            let mut batch = writer.write_async().await;
            batch.apply(Op::Count(writer_index));
            batch.apply(Op::Sum);
            batch.publish();
            true
        }
        kind => {
            let transacts = writer.transact_async(async |batch: &mut Batch<_>| {
                batch.apply(Op::Count(writer_index));
                yield_now().await;
                if kind == 1 {
                    return Err(());
                }
                batch.apply(Op::Sum);
                Ok(())
            });
            if kind == 2 {
                // It is cancelled at its first or second await.
                return poll_and_cancel(transacts, 1).is_some();
            }
            transacts.await.is_ok()
        }
    }
}
