//! What a rollback undoes and costs, and how lent parts are logged.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, mpsc};
use std::thread;

use dbuf_strategies::core::{Batch, DoubleBuffer, OpWriter, Operation, Published, arc};
use dbuf_strategies::{EpochStrategy, LockStrategy};

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

fn panics(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
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
    assert!(front.lent.is_empty() && back.lent.is_empty());
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
            assert!(panics(|| {
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
            assert!(panics(|| batch.lend(|slots, ()| mark(slots, 2), halfway)));
            assert!(batch.is_torn());
            assert!(panics(|| batch.apply(Op::Add(1, 66))));
            assert!(panics(|| _ = batch.publish()));
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

/// A part that is lent often is logged once, with its last value.
#[test]
fn lent_part_is_logged_once_when_the_batch_ends() {
    type End = fn(Batch<&mut Log>);
    let ends: [End; 4] = [
        |batch| _ = batch.publish(),
        |batch| _ = batch.keep(),
        |batch| _ = batch.defer(),
        |batch| drop(batch),
    ];
    for end in ends {
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
    type End = fn(Batch<&mut Log>);
    let ends: [End; 4] = [
        |batch| _ = batch.publish(),
        |batch| _ = batch.keep(),
        |batch| _ = batch.defer(),
        |batch| drop(batch),
    ];
    for end in ends {
        for fuse in 1..=2 {
            let mut writer = log();
            let reader = writer.reader();
            writer.write().apply(Op::Set(vec![(1, 1)]));
            let mut batch = writer.write();
            *lend(&mut batch, 1) = 66;
            *lend(&mut batch, 2) = 66;
            FUSE.set(fuse);
            assert!(panics(|| end(batch)));
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
    assert!(panics(|| {
        let mut batch = writer.write();
        *lend(&mut batch, 1) = 66;
        FUSE.set(1);
        resume_unwind(Box::new(()));
    }));
    assert_eq!((FUSE.take(), SEALED.get()), (1, 0));
    assert_eq!(copies(writer), [[0; SLOTS]; 2]);
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
    assert!(panics(|| drop(writer.write())));
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
            assert!(panics(|| {
                let _makes = makes;
                resume_unwind(Box::new(()));
            }));
        };
        let second = move || {
            assert!(panics(|| {
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

/// Random batches that end in every way, with panics anywhere in user code.
#[test]
fn copies_are_equal_however_batches_end() {
    let (runs, steps) = if cfg!(miri) { (4, 20) } else { (300, 60) };
    for seed in 1..=runs {
        let mut random = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed);
        let mut below = move |n: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 33) % n
        };
        let mut writer = log();
        // The published value; with kept changes; with deferred changes.
        let mut model = [[0_u32; SLOTS]; 3];
        for _ in 0..steps {
            let mut pending = model[2];
            let ending = below(9);
            FUSE.set(if below(3) == 0 {
                1 + below(12) as u32
            } else {
                0
            });
            let mut began = false;
            let unwound = panics(|| {
                let mut batch = writer.write();
                began = true;
                assert!(unless_fused(|| batch.values == pending));
                for _ in 0..below(5) {
                    let (at, n) = (below(SLOTS as u64) as usize, below(100) as u32);
                    match below(8) {
                        0..3 => {
                            batch.apply(Op::Set(vec![(at, n)]));
                            pending[at] = n;
                        }
                        3 => {
                            batch.apply(Op::Add(at, n));
                            pending[at] = pending[at].wrapping_add(n);
                        }
                        4 | 5 => {
                            *lend(&mut batch, at) = n;
                            pending[at] = n;
                        }
                        6 => {
                            batch.modify(|slots, ()| slots.values[at] = n);
                            pending[at] = n;
                        }
                        _ => {
                            batch.replace_all(|slots, ()| (slots.values = [0; SLOTS], Op::Clear));
                            pending = [0; SLOTS];
                        }
                    }
                }
                match ending {
                    0..3 => _ = batch.publish(),
                    3 => _ = batch.keep(),
                    4 => _ = batch.defer(),
                    5 => _ = batch.rollback(),
                    6 => mem::forget(batch),
                    7 => resume_unwind(Box::new(())),
                    _ => drop(batch),
                }
            });
            FUSE.set(0);
            match ending {
                // After a panic before the first change, the deferred changes are still there.
                _ if unwound && !began => {
                    if !writer.has_pending() {
                        (model[1], model[2]) = (model[0], model[0]);
                    }
                    let batch = writer.write();
                    let now = batch.values;
                    batch.defer();
                    assert!(now == model[1] || now == model[2]);
                    model[2] = now;
                }
                _ if unwound => model[2] = model[1],
                0..3 | 8 => model = [pending; 3],
                3 => (model[1], model[2]) = (pending, pending),
                4 => model[2] = pending,
                _ => model[2] = model[1],
            }
            // A batch that modified cannot be kept, so it is published.
            if ending == 3 && writer.front().values == model[1] {
                model[0] = model[1];
            }
            assert_eq!(writer.front().values, model[0]);
            let batch = writer.write();
            assert_eq!(batch.values, model[2]);
            batch.defer();
        }
        writer.publish();
        assert_eq!(copies(writer), [model[2]; 2]);
    }
}

/// Runs a check without the fuse, so that its user code does not panic.
fn unless_fused(check: impl FnOnce() -> bool) -> bool {
    let fuse = FUSE.take();
    let holds = check();
    FUSE.set(fuse);
    holds
}
