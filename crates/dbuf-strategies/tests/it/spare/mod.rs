//! The spare side: how many copies there are and when they are dropped, what comes out of a
//! buffer with a side that was set aside, and user code that panics meanwhile.
#![forbid(unsafe_code)]

mod patience;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use dbuf_strategies::core::{
    ArcReader, BufferPtr, DoubleBuffer, OnStraggler, OpWriter, Operation, Strategy,
    TrySwapStrategy, Writer, arc, split,
};
use dbuf_strategies::{EpochStrategy, LocalStrategy, LockStrategy, Watched};

use crate::common::{unwinds, with_every_strategy};

thread_local! {
    /// The number of the next clone or application of this thread that panics. 0: none does.
    static FUSE: Cell<usize> = const { Cell::new(0) };
}

fn burn() {
    let calls = FUSE.get();
    FUSE.set(calls.saturating_sub(1));
    assert_ne!(calls, 1, "the fuse has burnt down");
}

/// A number that counts its copies.
#[derive(Debug)]
struct Copies(usize, Arc<AtomicUsize>);

impl Copies {
    fn new(number: usize, live: &Arc<AtomicUsize>) -> Self {
        live.fetch_add(1, SeqCst);
        Self(number, Arc::clone(live))
    }
}

impl Clone for Copies {
    fn clone(&self) -> Self {
        burn();
        Self::new(self.0, &self.1)
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        self.1.fetch_sub(1, SeqCst);
    }
}

struct Add(usize);

impl Operation<Copies> for Add {
    fn apply(&mut self, value: &mut Copies, (): &()) {
        burn();
        value.0 += self.0;
    }
}

type Log<S> = OpWriter<Arc<DoubleBuffer<Copies, S>>, Add>;

fn log<S: Strategy>(strategy: S) -> (Log<S>, ArcReader<Copies, S>, Arc<AtomicUsize>) {
    let live = Arc::new(AtomicUsize::new(0));
    let (writer, reader) = arc(Copies::new(0, &live), Copies::new(0, &live), strategy);
    (OpWriter::new(writer), reader, live)
}

fn add<S: Strategy>(writer: &mut Log<S>) {
    assert!(writer.set_aside(), "a second side cannot be set aside");
    writer.try_write().unwrap().apply(Add(1));
}

with_every_strategy! { local, each:
    there_are_three_copies_while_a_guard_is_kept
    buffers_come_out_beside_a_spare_side
    a_panic_while_the_spare_side_is_filled_changes_nothing
    torn_copies_are_set_aside
    a_raw_writer_goes_on_where_a_log_stopped
}

mod each {
    use super::*;

    /// There are two copies, three from the first publish that sets a side aside, and two again
    /// from the first batch after its guard is gone.
    pub(super) fn there_are_three_copies_while_a_guard_is_kept<S: Strategy>(new: fn() -> S) {
        let (mut writer, reader, live) = log(new());
        for round in 0..5 {
            assert_eq!(live.load(SeqCst), 2);
            let kept = reader.read();
            let before = kept.0;
            add(&mut writer);
            assert_eq!(live.load(SeqCst), 2, "one publish made a third copy");
            for _ in 0..10 {
                add(&mut writer);
                assert_eq!((live.load(SeqCst), kept.0), (3, before));
            }
            drop(kept);
            assert_eq!(live.load(SeqCst), 3, "a reader dropped a copy");
            if round % 2 == 0 {
                assert!(writer.set_aside(), "the side cannot be set aside");
                writer.try_write().unwrap().defer();
            } else {
                add(&mut writer);
            }
            assert_eq!(live.load(SeqCst), 2);
        }
        // The next side is set aside while the spare one is free and still has a value. It gets
        // a new one, and the old value is dropped.
        let kept = reader.read();
        add(&mut writer);
        add(&mut writer);
        let newer = reader.read();
        add(&mut writer);
        drop(kept);
        add(&mut writer);
        assert_eq!(live.load(SeqCst), 3);
        drop(newer);
        drop(reader);
        drop(writer);
        assert_eq!(live.load(SeqCst), 0);
    }

    /// The front and the writer's side come out, whichever sides they are.
    pub(super) fn buffers_come_out_beside_a_spare_side<S: Strategy>(new: fn() -> S) {
        for publishes in 1..8 {
            for forgets in [false, true] {
                let (mut writer, reader, live) = log(new());
                let kept = reader.read();
                for _ in 0..publishes {
                    add(&mut writer);
                }
                let set_aside = publishes > 1;
                assert_eq!(live.load(SeqCst), 2 + usize::from(set_aside));
                if forgets {
                    std::mem::forget(kept);
                } else {
                    drop(kept);
                }
                drop(reader);
                let (front, back) = writer.into_writer().try_into_buffers().unwrap();
                assert_eq!(front.0, publishes);
                // One publish behind, or equal if it was cloned.
                assert_eq!(back.0, publishes - 1);
                assert_eq!(live.load(SeqCst), 2, "the third copy outlived the buffer");
            }
        }
    }

    /// If `Clone` panics, the publish before stays made, the guard keeps its value, and the next
    /// call repeats the clone.
    pub(super) fn a_panic_while_the_spare_side_is_filled_changes_nothing<S: Strategy>(
        new: fn() -> S,
    ) {
        let (mut writer, reader, live) = log(new());
        let kept = reader.read();
        add(&mut writer);
        for _ in 0..2 {
            FUSE.set(1);
            assert!(unwinds(|| _ = writer.set_aside()), "no clone panicked");
            assert_eq!(FUSE.get(), 0);
            assert_eq!((kept.0, reader.read().0, live.load(SeqCst)), (0, 1, 2));
            assert!(writer.try_write().is_none());
            assert_eq!((writer.stragglers(), writer.spare_since()), (1, None));
        }
        add(&mut writer);
        assert_eq!((kept.0, reader.read().0, live.load(SeqCst)), (0, 2, 3));
        // The same where a replay would follow, if the guard were gone.
        let newer = reader.read();
        add(&mut writer);
        drop(kept);
        FUSE.set(1);
        assert!(unwinds(|| _ = writer.set_aside()), "no clone panicked");
        drop(newer);
        add(&mut writer);
        assert_eq!((reader.read().0, live.load(SeqCst)), (4, 2));
    }

    /// After a replay that panicked, and after a change that is not in the log, the old back needs a
    /// resync. The clone on the spare side replaces it.
    pub(super) fn torn_copies_are_set_aside<S: Strategy>(new: fn() -> S) {
        let (mut writer, reader, _) = log(new());
        let kept = reader.read();
        writer.try_write().unwrap().modify(|value, ()| value.0 = 10);
        add(&mut writer);
        assert_eq!((kept.0, reader.read().0), (0, 11));
        let (mut kept_too, mut expected) = (reader.read(), 11);
        drop(kept);
        for fuse in 1..4 {
            // A replay, a resync and a clone that panic, one after the other.
            FUSE.set(fuse);
            let unwound = unwinds(|| add(&mut writer));
            FUSE.set(0);
            expected += usize::from(!unwound);
            assert_eq!((kept_too.0, reader.read().0), (11, expected));
            add(&mut writer);
            add(&mut writer);
            expected += 2;
            assert_eq!((kept_too.0, reader.read().0), (11, expected));
        }
        kept_too = reader.read();
        add(&mut writer);
        assert_eq!((kept_too.0, reader.read().0), (expected, expected + 1));
    }

    /// A buffer whose spare side is not free sets no other side aside.
    pub(super) fn a_raw_writer_goes_on_where_a_log_stopped<S: Strategy>(new: fn() -> S) {
        let (mut log, reader, live) = log(new());
        let kept = reader.read();
        for _ in 0..3 {
            add(&mut log);
        }
        let mut writer = log.into_writer();
        for number in 10..20 {
            writer.try_back_mut().unwrap().0 = number;
            assert!(writer.start_swap());
            assert_eq!((kept.0, reader.read().0), (0, number));
        }
        let newer = reader.read();
        assert!(writer.start_swap());
        assert!(writer.try_back_mut().is_none());
        drop(kept);
        assert!(
            writer.try_back_mut().is_none(),
            "the guard on the back is gone"
        );
        let mut log: Log<S> = OpWriter::new(writer);
        assert!(log.spare_since().is_some());
        assert_eq!(live.load(SeqCst), 3);
        add(&mut log);
        assert_eq!((newer.0, reader.read().0), (19, 19));
        drop(newer);
        add(&mut log);
        assert_eq!(
            (reader.read().0, live.load(SeqCst), log.spare_since()),
            (20, 2, None)
        );
    }
}

/// Only a guard on the front makes `try_swap` refuse.
fn refuses<P: BufferPtr<Value = u32, Extras = ()>>(ptr: P)
where
    P::Strategy: TrySwapStrategy,
{
    type Set = fn(&mut u32, &());
    let (mut writer, reader) = split(ptr).unwrap();
    let kept = reader.read();
    assert!(!writer.try_swap());
    let mut log = OpWriter::<_, Set>::new(writer);
    for _ in 0..3 {
        assert!(log.set_aside());
        log.try_write().unwrap().apply(|n, &()| *n += 1);
    }
    let mut writer: Writer<_> = log.into_writer();
    for number in 10..20 {
        *writer.try_back_mut().unwrap() = number;
        let front = reader.read();
        assert!(!writer.try_swap());
        drop(front);
        assert!(writer.try_swap() && !writer.is_swapping());
        assert_eq!((*kept, *reader.read()), (0, number));
    }
    drop(kept);
    assert!(writer.try_swap());
}

#[test]
fn swaps_are_refused_by_guards_on_the_front_alone() {
    refuses(Rc::new(DoubleBuffer::new(0, 0, LocalStrategy::new())));
    refuses(Arc::new(DoubleBuffer::new(0, 0, LockStrategy::new())));
    let watched = Watched::new(LockStrategy::new());
    refuses(Arc::new(DoubleBuffer::new(0, 0, watched)));
}

/// If `Clone` panics in a blocking write, the write panics with it, and the next one works.
#[test]
fn a_write_fails_by_the_panic_of_a_clone() {
    let (mut writer, reader, live) = log(EpochStrategy::new());
    writer.on_straggler(OnStraggler::Spare {
        after: Duration::ZERO,
        up_to: usize::MAX,
    });
    let kept = reader.read();
    writer.write().apply(Add(1));
    FUSE.set(1);
    assert!(unwinds(|| drop(writer.write())), "no clone panicked");
    assert_eq!((kept.0, reader.read().0, live.load(SeqCst)), (0, 1, 2));
    writer.write().apply(Add(1));
    assert_eq!((kept.0, reader.read().0, live.load(SeqCst)), (0, 2, 3));
}
