//! The test of every layer: batches of its changes, each ended in one of all ways, while guards are
//! taken and released.

use core::fmt::Debug;
use core::mem;
use core::panic::AssertUnwindSafe;
use std::panic::{catch_unwind, resume_unwind};

use proptest::prelude::*;

use super::steps::{Ending, Step};

/// A layer: a map, a set or a multi-map.
pub(crate) trait Fixture: 'static {
    type Change: Clone + Debug + 'static;
    /// The model: a collection of std.
    type Plain: Clone + Debug + Default + PartialEq;
    type Writer;
    type Reader: Clone;
    type Batch<'w>;
    type Guard<'r>;
    /// Says whether a panic in `spoil` leaves a change half made.
    const SPOIL_TEARS: bool;

    fn changes() -> BoxedStrategy<Self::Change>;
    fn build(capacity: usize) -> (Self::Writer, Self::Reader);
    fn try_write(writer: &mut Self::Writer) -> Option<Self::Batch<'_>>;
    /// Without `BlockingStrategy`, this is `transact` written by hand.
    fn transact(
        writer: &mut Self::Writer,
        f: &mut dyn FnMut(&mut Self::Batch<'_>) -> Result<(), ()>,
    ) -> Result<(), ()>;
    fn publish(writer: &mut Self::Writer) -> bool;
    fn has_pending(writer: &Self::Writer) -> bool;
    fn version(writer: &Self::Writer) -> u64;
    fn end(batch: Self::Batch<'_>, ending: Ending);
    fn read(reader: &Self::Reader) -> Self::Guard<'_>;
    fn guard_version(guard: &Self::Guard<'_>) -> u64;

    /// Makes a change in the batch and in the model, compares the results, and returns whether it
    /// changed anything.
    fn change(
        batch: &mut Self::Batch<'_>,
        plain: &mut Self::Plain,
        change: &Self::Change,
    ) -> Changed;
    /// Makes a change whose closure panics, if it is called.
    fn spoil(batch: &mut Self::Batch<'_>, k: u8);

    fn assert_batch(batch: &Self::Batch<'_>, pending: &Self::Plain, published: &Self::Plain);
    fn assert_guard(guard: &Self::Guard<'_>, plain: &Self::Plain);
    fn assert_reader(reader: &Self::Reader, plain: &Self::Plain);
}

#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub(crate) enum Changed {
    #[default]
    No,
    /// The change may only have reserved room.
    Maybe,
    Yes,
}

impl From<bool> for Changed {
    fn from(changed: bool) -> Self {
        if changed { Self::Yes } else { Self::No }
    }
}

#[derive(Default)]
struct Model<P> {
    published: P,
    /// `published` with the changes that are deferred or in the open batch.
    pending: P,
    changed: Changed,
    version: u64,
}

impl<P: Clone> Model<P> {
    fn publish(&mut self, version: u64) {
        match mem::take(&mut self.changed) {
            Changed::No => {}
            Changed::Maybe => self.version += u64::from(version > self.version),
            Changed::Yes => self.version += 1,
        }
        self.published = self.pending.clone();
    }

    fn rollback(&mut self) {
        self.pending = self.published.clone();
        self.changed = Changed::No;
    }

    fn change_all<W: Fixture<Plain = P>>(
        &mut self,
        batch: &mut W::Batch<'_>,
        changes: &[W::Change],
    ) {
        W::assert_batch(batch, &self.pending, &self.published);
        for change in changes {
            let changed = W::change(batch, &mut self.pending, change);
            if changed > self.changed {
                self.changed = changed;
            }
            W::assert_batch(batch, &self.pending, &self.published);
        }
    }
}

pub(crate) struct Expected;

/// Panics without a message.
pub(crate) fn unwind() -> ! {
    resume_unwind(Box::new(Expected))
}

/// Returns whether `f` panicked on purpose. Any other panic is propagated.
fn panics(f: impl FnOnce()) -> bool {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(()) => false,
        Err(payload) if payload.is::<Expected>() => true,
        Err(payload) => resume_unwind(payload),
    }
}

fn run_batch<W: Fixture>(
    writer: &mut W::Writer,
    model: &mut Model<W::Plain>,
    changes: &[W::Change],
    ending: Ending,
) {
    let wanted = match ending {
        Ending::TransactOk => Some(Ok(())),
        Ending::TransactErr => Some(Err(())),
        Ending::TransactPanic => {
            assert!(panics(|| {
                _ = W::transact(writer, &mut |batch| {
                    model.change_all::<W>(batch, changes);
                    unwind();
                });
            }));
            return model.rollback();
        }
        _ => None,
    };
    if let Some(wanted) = wanted {
        let result = W::transact(writer, &mut |batch| {
            model.change_all::<W>(batch, changes);
            wanted
        });
        assert_eq!(result, wanted);
        return match wanted {
            Ok(()) => model.publish(W::version(writer)),
            Err(()) => model.rollback(),
        };
    }

    let mut batch = W::try_write(writer).expect("nothing to wait for");
    model.change_all::<W>(&mut batch, changes);
    match ending {
        Ending::Panic(k) => {
            assert!(panics(move || {
                let mut batch = batch;
                W::spoil(&mut batch, k);
                unwind();
            }));
            model.rollback();
        }
        Ending::CaughtPanic(k) => {
            let torn = panics(|| W::spoil(&mut batch, k)) && W::SPOIL_TEARS;
            drop(batch);
            if torn {
                model.rollback();
            } else {
                model.publish(W::version(writer));
            }
        }
        Ending::DeferThenPublish => {
            W::end(batch, Ending::Defer);
            let published = W::publish(writer);
            if model.changed != Changed::Maybe {
                assert_eq!(published, model.changed == Changed::Yes);
            }
            model.publish(W::version(writer));
        }
        Ending::Publish | Ending::Drop => {
            W::end(batch, ending);
            model.publish(W::version(writer));
        }
        Ending::Defer => W::end(batch, ending),
        _ => {
            W::end(batch, ending);
            model.rollback();
        }
    }
}

pub(crate) fn run<W: Fixture>(steps: Vec<Step<W::Change>>, capacity: usize) {
    let (mut writer, reader) = W::build(capacity);
    let readers = [reader.clone(), reader];
    let mut guards: Vec<(W::Guard<'_>, W::Plain)> = Vec::new();
    let mut model = Model::<W::Plain>::default();
    for step in steps {
        match step {
            Step::TakeGuard(reader) => {
                guards.push((W::read(&readers[reader]), model.published.clone()));
            }
            Step::DropGuard(at) => {
                if at < guards.len() {
                    drop(guards.remove(at));
                }
            }
            Step::Batch(changes, ending) => {
                // A probe must not publish what was deferred.
                while W::try_write(&mut writer)
                    .map(|batch| W::end(batch, Ending::Defer))
                    .is_none()
                {
                    let straggler = guards
                        .iter()
                        .position(|(guard, _)| W::guard_version(guard) < W::version(&writer))
                        .expect("no guard is in the way");
                    drop(guards.remove(straggler));
                }
                run_batch::<W>(&mut writer, &mut model, &changes, ending);
            }
        }
        if model.changed != Changed::Maybe {
            assert_eq!(W::has_pending(&writer), model.changed == Changed::Yes);
        }
        assert_eq!(W::version(&writer), model.version);
        for reader in &readers {
            W::assert_reader(reader, &model.published);
            let guard = W::read(reader);
            W::assert_guard(&guard, &model.published);
            assert_eq!(W::guard_version(&guard), model.version);
        }
        for (guard, then) in &guards {
            W::assert_guard(guard, then);
        }
    }
}
