//! Batches on the log, and every way to end them.

use std::mem;

use arbitrary::Arbitrary;
use dbuf_core::{Batch, BufferPtr, OpWriter};

use super::model::{LogModel, Model, State};
use super::value::{Add, POISON, Value, caught, refuses, unwind};

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Change {
    Apply(u8),
    Record(u8),
    /// Records a change that changes nothing.
    RecordNothing,
    Modify,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Ending {
    Publish,
    Drop,
    Rollback,
    RollbackOnDrop,
    Defer,
    Keep,
    Forget,
    Unwind,
}

pub(crate) type Log<P> = OpWriter<P, Add>;

/// Makes a change on the batch and on the model. Returns whether it panicked, which tears the
/// batch.
fn change<P>(batch: &mut Batch<&mut Log<P>>, model: &mut LogModel, change: Change) -> bool
where
    P: BufferPtr<Value = Value, Extras = ()>,
{
    let made = caught(|| match change {
        Change::Apply(n) => batch.apply(Add(n.into())),
        Change::Record(n) => batch.record(|value, ()| {
            let mut add = Add(n.into());
            dbuf_core::Operation::apply(&mut add, value, &());
            ((), Some(add))
        }),
        Change::RecordNothing => batch.record(|value, ()| {
            assert_ne!(value.get(), POISON);
            ((), None)
        }),
        Change::Modify => batch.modify(|value, ()| {
            let number = value.get().wrapping_mul(3).wrapping_add(1);
            value.set(POISON);
            let _clone = Value::clone(&Value::new(0));
            value.set(number);
        }),
    });
    match (made, change) {
        (None, _) => {
            model.state = State::Torn;
            assert!(batch.is_torn());
            // A torn batch refuses more changes.
            assert!(refuses(|| batch.apply(Add(1))));
            return true;
        }
        (Some(()), Change::Apply(n) | Change::Record(n)) => model.add(n.into()),
        (Some(()), Change::RecordNothing) => {}
        (Some(()), Change::Modify) => model.modify(),
    }
    assert_eq!(batch.get(), model.pending, "a batch sees its own changes");
    false
}

/// Runs one batch, or checks that there is none while the last swap is unfinished.
pub(crate) fn batch<P>(
    writer: &mut Log<P>,
    log: &mut LogModel,
    model: &mut Model,
    changes: &[Change],
    ending: Ending,
) where
    P: BufferPtr<Value = Value, Extras = ()>,
{
    let finished = model.try_finish();
    let Some(batch) = caught(|| writer.try_write()) else {
        assert!(finished);
        return log.tear();
    };
    assert_eq!(batch.is_some(), finished, "try_write");
    let Some(mut batch) = batch else { return };
    log.settle(model.published());
    assert_eq!(
        (batch.get(), batch.published().get()),
        (log.pending, model.published())
    );
    let torn = changes.iter().any(|made| change(&mut batch, log, *made));
    assert_eq!(batch.published().get(), model.published());
    assert_eq!(batch.is_torn(), torn);
    match ending {
        Ending::Publish if torn => {
            assert!(refuses(|| _ = batch.publish()), "published a torn batch");
            log.abandon();
        }
        Ending::Keep if torn => assert!(refuses(|| _ = batch.keep()), "kept a torn batch"),
        Ending::Publish => {
            batch.publish();
            log.publish(model);
        }
        Ending::Drop => {
            drop(batch);
            log.publish(model);
        }
        Ending::Rollback => {
            batch.rollback();
            log.abandon();
        }
        Ending::RollbackOnDrop => {
            batch.rollback_on_drop();
            drop(batch);
            log.abandon();
        }
        Ending::Defer => _ = batch.defer(),
        Ending::Keep => {
            batch.keep();
            log.keep(model);
        }
        Ending::Forget => {
            mem::forget(batch);
            log.open = true;
        }
        Ending::Unwind => {
            let unwound = caught(|| {
                let _batch = batch;
                unwind();
            });
            assert!(unwound.is_none());
            log.abandon();
        }
    }
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Outcome {
    Ok,
    Err,
    Unwind,
}

/// `OpWriter::transact`, for a `BlockingStrategy`.
pub(crate) type Transact<P> =
    fn(&mut Log<P>, &mut dyn FnMut(&mut Batch<&mut Log<P>>) -> Result<(), ()>) -> Result<(), ()>;

/// Runs one transaction, which is all or nothing. The last swap must be finished.
pub(crate) fn transact<P>(
    by: Transact<P>,
    writer: &mut Log<P>,
    log: &mut LogModel,
    model: &mut Model,
    changes: &[Change],
    outcome: Outcome,
) where
    P: BufferPtr<Value = Value, Extras = ()>,
{
    let (mut began, mut torn) = (false, false);
    let result = caught(|| {
        by(writer, &mut |batch| {
            began = true;
            log.settle(model.published());
            assert_eq!(batch.get(), log.pending);
            torn = changes.iter().any(|made| change(batch, log, *made));
            match outcome {
                Outcome::Ok if !torn => Ok(()),
                Outcome::Unwind => unwind(),
                _ => Err(()),
            }
        })
    });
    if !began {
        assert!(result.is_none());
        return log.tear();
    }
    match outcome {
        Outcome::Unwind => assert!(result.is_none()),
        Outcome::Ok if !torn => {
            assert_eq!(result, Some(Ok(())));
            log.publish(model);
        }
        _ => assert_eq!(result, Some(Err(()))),
    }
    if torn || !matches!(outcome, Outcome::Ok) {
        log.abandon();
    }
}
