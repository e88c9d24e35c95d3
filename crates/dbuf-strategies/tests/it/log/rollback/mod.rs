//! What a rollback undoes and costs, and how lent parts are logged.

mod lent;
mod random;

use std::cell::Cell;
use std::mem;
use std::panic::resume_unwind;
use std::sync::Arc;

use dbuf_strategies::LockStrategy;
use dbuf_strategies::core::{Batch, DoubleBuffer, OpWriter, Operation, Published, arc};

use crate::common::unwinds;

thread_local! {
    /// The number of the next call of user code that panics. 0: none does.
    static FUSE: Cell<u32> = const { Cell::new(0) };
    /// The number of clones of a whole value.
    static CLONES: Cell<u32> = const { Cell::new(0) };
    /// The number of slots that were logged because they were lent.
    static SEALED: Cell<u32> = const { Cell::new(0) };
}

fn burn() {
    let calls = FUSE.get();
    FUSE.set(calls.saturating_sub(1));
    if calls == 1 {
        resume_unwind(Box::new(()));
    }
}

const SLOTS: usize = 8;

#[derive(Debug, Default)]
struct Slots {
    values: [u32; SLOTS],
    lent: Vec<usize>,
}

impl Clone for Slots {
    fn clone(&self) -> Self {
        CLONES.set(CLONES.get() + 1);
        burn();
        Self {
            values: self.values,
            lent: Vec::new(),
        }
    }
}

#[derive(Clone, Debug)]
enum Op {
    Set(Vec<(usize, u32)>),
    Add(usize, u32),
    Clear,
}

impl Op {
    fn names(&self, at: usize) -> bool {
        match self {
            Self::Set(slots) => slots.iter().any(|slot| slot.0 == at),
            Self::Add(slot, _) => *slot == at,
            Self::Clear => true,
        }
    }
}

impl Operation<Slots> for Op {
    fn apply(&mut self, slots: &mut Slots, _: &()) {
        burn();
        match self {
            Self::Set(set) => set.iter().for_each(|&(at, n)| slots.values[at] = n),
            Self::Add(at, n) => slots.values[*at] = slots.values[*at].wrapping_add(*n),
            Self::Clear => slots.values = [0; SLOTS],
        }
        burn();
    }

    fn join(self, before: &mut Self) -> Option<Self> {
        match (self, before) {
            (Self::Set(more), Self::Set(slots)) => {
                slots.extend(more);
                None
            }
            (op, _) => Some(op),
        }
    }

    fn seal(back: &mut Slots, _: &(), mut log: impl FnMut(Self)) {
        while let Some(&at) = back.lent.last() {
            burn();
            log(Self::Set(vec![(at, back.values[at])]));
            back.lent.pop();
            SEALED.set(SEALED.get() + 1);
        }
    }

    fn restore(
        back: &mut Slots,
        front: &Slots,
        _: &(),
        undone: &[Self],
        kept: &mut [Self],
    ) -> bool {
        if undone.iter().any(|op| matches!(op, Self::Clear)) {
            return false;
        }
        let lent = mem::take(&mut back.lent);
        for at in 0..SLOTS {
            if lent.contains(&at) || undone.iter().any(|op| op.names(at)) {
                burn();
                back.values[at] = front.values[at];
                for op in &*kept {
                    match op {
                        Self::Set(set) => {
                            let set = set.iter().rev().find(|slot| slot.0 == at);
                            set.into_iter().for_each(|slot| back.values[at] = slot.1);
                        }
                        Self::Add(slot, n) if *slot == at => {
                            back.values[at] = back.values[at].wrapping_add(*n);
                        }
                        Self::Add(..) => {}
                        Self::Clear => back.values[at] = 0,
                    }
                }
            }
        }
        true
    }
}

type Log = OpWriter<Arc<DoubleBuffer<Slots, LockStrategy>>, Op>;

fn log() -> Log {
    let mut writer = OpWriter::new(arc(Slots::default(), Slots::default(), LockStrategy::new()).0);
    // Every log starts with a resync.
    writer.catch_up();
    CLONES.set(0);
    SEALED.set(0);
    writer
}

fn lend<'b>(batch: &'b mut Batch<&mut Log>, at: usize) -> &'b mut u32 {
    batch.lend(|slots, ()| mark(slots, at), |value| value)
}

fn mark(slots: &mut Slots, at: usize) -> &mut u32 {
    if !slots.lent.contains(&at) {
        slots.lent.push(at);
    }
    &mut slots.values[at]
}

/// Returns both copies, when the log is empty.
fn copies(mut writer: Log) -> [[u32; SLOTS]; 2] {
    writer.catch_up();
    let mut raw = writer.into_writer();
    let (front, back) = raw.split_mut();
    assert_eq!((front.lent.len(), back.lent.len()), (0, 0), "lent parts");
    [front.values, back.values]
}

/// A rollback copies only what the batch has named (kills "an abandoned batch is resynced").
#[test]
fn rollback_clones_no_whole_value() {
    type Failure = fn(&mut Log);
    let failures: [Failure; 6] = [
        |writer| {
            let mut batch = writer.write();
            batch.apply(Op::Set(vec![(1, 66)]));
            batch.rollback();
        },
        |writer| {
            let mut batch = writer.write();
            *lend(&mut batch, 1) = 66;
            batch.rollback();
        },
        |writer| {
            let mut batch = writer.write();
            batch.apply(Op::Add(1, 66));
            *lend(&mut batch, 2) = 66;
            mem::forget(batch);
        },
        |writer| {
            let mut batch = writer.write();
            batch.apply(Op::Add(1, 66));
            batch.defer();
            assert!(unwinds(|| {
                let mut batch = writer.write();
                *lend(&mut batch, 2) = 66;
                resume_unwind(Box::new(()));
            }));
        },
        |writer| {
            let mut batch = writer.write();
            let halfway = |value: &mut u32| {
                *value = 66;
                resume_unwind(Box::new(()))
            };
            assert!(unwinds(|| batch.lend(|slots, ()| mark(slots, 2), halfway)));
            assert!(batch.is_torn());
            assert!(unwinds(|| batch.apply(Op::Add(1, 66))));
            assert!(unwinds(|| _ = batch.publish()));
        },
        |writer| {
            let refused = writer.transact(|batch| {
                *lend(batch, 1) = 66;
                batch.apply(Op::Set(vec![(2, 66)]));
                Err::<(), _>(())
            });
            assert_eq!(refused, Err(()));
        },
    ];
    for (number, fail) in failures.into_iter().enumerate() {
        for keep in [false, true] {
            let mut writer = log();
            writer.write().apply(Op::Set(vec![(1, 1), (2, 2)]));
            let mut expected = [0, 1, 2, 0, 0, 0, 0, 0];
            if keep {
                let mut batch = writer.write();
                batch.apply(Op::Set(vec![(2, 20)]));
                batch.apply(Op::Add(1, 10));
                batch.keep();
                (expected[1], expected[2]) = (11, 20);
            }
            fail(&mut writer);
            // The third failure forgets its batch, and this call gives it up.
            let wanted = if keep || number == 2 {
                Published::RolledBack
            } else {
                Published::Nothing
            };
            assert_eq!(writer.publish(), wanted, "failure {number}");
            let batch = writer.write();
            assert_eq!(batch.values, expected, "failure {number}");
            batch.publish();
            assert_eq!(copies(writer), [expected; 2], "failure {number}");
            assert_eq!((CLONES.get(), SEALED.get()), (0, 0), "failure {number}");
        }
    }
}

/// A restore that panics or refuses is followed by a resync.
#[test]
fn restore_that_panics_or_refuses_is_followed_by_a_resync() {
    let mut writer = log();
    writer.write().apply(Op::Set(vec![(1, 1)]));
    let mut batch = writer.write();
    batch.apply(Op::Add(2, 5));
    batch.keep();
    let mut batch = writer.write();
    batch.apply(Op::Set(vec![(1, 66)]));
    batch.rollback();
    FUSE.set(1);
    assert!(unwinds(|| drop(writer.write())));
    assert!(writer.has_pending());
    assert_eq!(writer.write().values, [0, 1, 5, 0, 0, 0, 0, 0]);
    assert_eq!(CLONES.take(), 1);
    writer.catch_up();
    let mut batch = writer.write();
    batch.apply(Op::Set(vec![(1, 66)]));
    batch.replace_all(|slots, ()| (slots.values = [0; SLOTS], Op::Clear));
    batch.rollback();
    assert_eq!(writer.write().values, [0, 1, 5, 0, 0, 0, 0, 0]);
    assert_eq!(CLONES.take(), 1);
    assert_eq!(copies(writer), [[0, 1, 5, 0, 0, 0, 0, 0]; 2]);
}

/// No join and no replacement changes entries that were kept.
#[test]
fn kept_entries_are_neither_joined_nor_replaced() {
    let mut writer = log();
    let mut batch = writer.write();
    batch.apply(Op::Set(vec![(1, 1)]));
    batch.keep();
    for replaces in [false, true] {
        let mut batch = writer.write();
        batch.apply(Op::Set(vec![(1, 66)]));
        batch.apply(Op::Set(vec![(2, 66)]));
        if replaces {
            batch.replace_all(|slots, ()| (slots.values = [0; SLOTS], Op::Clear));
        }
        batch.rollback();
        assert_eq!(writer.write().values, [0, 1, 0, 0, 0, 0, 0, 0]);
    }
    assert_eq!(copies(writer), [[0, 1, 0, 0, 0, 0, 0, 0]; 2]);
}
