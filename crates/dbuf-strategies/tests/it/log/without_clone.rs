//! A log over values that are never cloned, and what it does where it would need a clone.

use std::mem;
use std::time::Duration;

use dbuf_core::{OnStraggler, OpWriter, Operation, Published, Torn, arc};
use dbuf_strategies::EpochStrategy;

use crate::common::panics;

/// Not `Clone`.
#[derive(Debug, Default, PartialEq)]
struct Routes(Vec<u32>);

enum Change {
    Push(u32),
    /// Panics on the copy that has this many entries.
    PanicAt(usize),
}
use Change::{PanicAt, Push};

/// A rollback can undo it.
trait Undo {
    const UNDOES: bool;
}
struct Undoes;
struct UndoesNot;
impl Undo for Undoes {
    const UNDOES: bool = true;
}
impl Undo for UndoesNot {
    const UNDOES: bool = false;
}

struct Op<U>(Change, U);

impl<U: Undo> Operation<Routes> for Op<U> {
    fn apply(&mut self, routes: &mut Routes, (): &()) {
        match self.0 {
            Push(n) => routes.0.push(n),
            PanicAt(len) => assert_ne!(routes.0.len(), len, "expected"),
        }
    }

    fn restore(
        back: &mut Routes,
        front: &Routes,
        (): &(),
        _undone: &[Self],
        kept: &mut [Self],
    ) -> bool {
        if U::UNDOES {
            back.0.truncate(front.0.len());
            kept.iter_mut().for_each(|op| op.apply(back, &()));
        }
        U::UNDOES
    }
}

type Writer<U> = OpWriter<std::sync::Arc<dbuf_core::DoubleBuffer<Routes, EpochStrategy>>, Op<U>>;
type Reader = dbuf_core::ArcReader<Routes, EpochStrategy>;

fn routes<U: Undo>() -> (Writer<U>, Reader) {
    let (writer, reader) = arc(Routes::default(), Routes::default(), EpochStrategy::new());
    (OpWriter::without_clone(writer), reader)
}

#[test]
fn each_operation_reaches_each_copy_once() {
    let (mut writer, reader) = routes::<UndoesNot>();
    for n in 0..5 {
        writer.write().apply(Op(Push(n), UndoesNot));
        let mut batch = writer.write();
        batch.apply(Op(Push(10 + n), UndoesNot));
        batch.defer();
        assert_eq!(writer.publish(), Published::Now);
        writer.catch_up();
        let batch = writer.write();
        assert_eq!(batch.published(), &*batch);
    }
    assert_eq!(reader.read().0, [0, 10, 1, 11, 2, 12, 3, 13, 4, 14]);
    assert_eq!(writer.recover(), Ok(()));
}

/// It can set nothing aside, so it waits whatever the policy says.
#[test]
fn a_writer_that_clones_nothing_has_no_patience() {
    let (mut writer, _reader) = routes::<UndoesNot>();
    writer.on_straggler(OnStraggler::Spare {
        after: Duration::ZERO,
        up_to: 1,
    });
    assert_eq!(writer.patience(), None);
}

#[test]
fn rollback_is_undone_by_the_operation() {
    let (mut writer, reader) = routes::<Undoes>();
    writer.write().apply(Op(Push(1), Undoes));
    let mut batch = writer.write();
    batch.apply(Op(Push(2), Undoes));
    batch.keep();
    let mut batch = writer.write();
    batch.apply(Op(Push(3), Undoes));
    batch.rollback();
    assert_eq!(writer.recover(), Ok(()));
    let mut batch = writer.write();
    batch.apply(Op(Push(4), Undoes));
    mem::forget(batch);
    writer.write().publish();
    assert_eq!(reader.read().0, [1, 2]);
    assert_eq!(writer.write().0, [1, 2]);
}

#[test]
fn torn_back_is_an_error_and_readers_go_on() {
    // The back is torn by a rollback, a forgotten batch, a change that panics, or a replay.
    let breaks: [fn(&mut Writer<UndoesNot>); 4] = [
        |writer| {
            let mut batch = writer.write();
            batch.apply(Op(Push(2), UndoesNot));
            batch.rollback();
        },
        |writer| {
            let mut batch = writer.write();
            batch.apply(Op(Push(2), UndoesNot));
            mem::forget(batch);
        },
        |writer| {
            panics(|| writer.write().apply(Op(PanicAt(1), UndoesNot)));
        },
        |writer| {
            let mut batch = writer.write();
            // The closure does not change this copy; the replay on the other one panics.
            batch.record(|_, ()| ((), Some(Op(PanicAt(1), UndoesNot))));
            batch.publish();
            panics(|| writer.catch_up());
        },
    ];
    for (case, tear) in breaks.into_iter().enumerate() {
        let (mut writer, reader) = routes::<UndoesNot>();
        writer.write().apply(Op(Push(1), UndoesNot));
        tear(&mut writer);
        for _ in 0..2 {
            assert_eq!(writer.recover(), Err(Torn), "{case}");
            assert_eq!(panics(|| drop(writer.write())), Torn.to_string(), "{case}");
            assert_eq!(panics(|| drop(writer.try_write())), Torn.to_string());
            assert_ne!(writer.publish(), Published::Now, "{case}");
            assert_eq!(reader.read().0, [1], "{case}");
        }
        // Repair it by hand.
        let mut writer = writer.into_writer();
        let (front, back) = writer.split_mut();
        back.0.clone_from(&front.0);
        let mut writer = Writer::<UndoesNot>::without_clone(writer);
        writer.write().apply(Op(Push(5), UndoesNot));
        assert_eq!(
            (&*reader.read().0, &*writer.write().0),
            (&[1, 5][..], &[1, 5][..])
        );
    }
}

#[test]
fn value_that_can_be_cloned_is_modified_all_the_same() {
    type Add = fn(&mut u32, &());
    let (writer, reader) = arc(1, 1, EpochStrategy::new());
    let mut writer = OpWriter::<_, Add>::without_clone(writer);
    writer.write().modify(|n, ()| *n = 5);
    writer.write().apply(|n, ()| *n += 1);
    assert_eq!((*reader.read(), *writer.write()), (6, 6));
}
