//! Models of a kept guard beside a writer that continues on the spare side.
//!
//! The steps before a body starts threads have no interleavings. A value is written when it is
//! dropped, so dropping a value under a guard, or before the reads of a dropped guard, is also
//! reported as a race.

use core::sync::atomic::Ordering::Relaxed;
use core::task::{Context, Waker};
use core::time::Duration;
use std::sync::Arc;

use dbuf_core::{
    ArcOpWriter, ArcReader, DoubleBuffer, OnStraggler, OpWriter, Operation, ReadGuard, Reader, arc,
};
use loom::thread;

use super::harness::{Modelled, Seen, check, seen_in};
use super::wakes::{Count, assert_woken};
use crate::tracked::Tracked;

/// A value that is written when it is dropped.
#[derive(Debug)]
pub struct WrittenOnDrop(Tracked);

impl Clone for WrittenOnDrop {
    fn clone(&self) -> Self {
        written_on_drop(self.0.get())
    }
}

impl Drop for WrittenOnDrop {
    fn drop(&mut self) {
        self.0.set(usize::MAX);
    }
}

fn written_on_drop(number: usize) -> WrittenOnDrop {
    WrittenOnDrop(Tracked::new(number))
}

struct Set(usize);

impl Operation<WrittenOnDrop> for Set {
    fn apply(&mut self, value: &mut WrittenOnDrop, (): &()) {
        value.0.set(self.0);
    }
}

type Log<S> = ArcOpWriter<WrittenOnDrop, Set, S>;

fn handles<S: Modelled>(new: fn() -> S) -> (Log<S>, ArcReader<WrittenOnDrop, S>) {
    let (writer, reader) = arc(written_on_drop(0), written_on_drop(0), new());
    (OpWriter::new(writer), reader)
}

/// Publishes `value` without waiting, if the back or the spare side is free.
fn publish<S: Modelled>(writer: &mut Log<S>, value: usize, seen: &Seen) -> bool {
    if writer.stragglers() + writer.spare_stragglers() > 0 {
        seen.stragglers.fetch_add(1, Relaxed);
    }
    if !writer.set_aside() {
        return false;
    }
    writer.try_write().unwrap().apply(Set(value));
    seen.swaps.fetch_add(1, Relaxed);
    true
}

/// Returns the guard's value, and checks that it agrees with the version.
fn shown<S: Modelled>(guard: &ReadGuard<'_, Arc<DoubleBuffer<WrittenOnDrop, S>>>) -> usize {
    let value = guard.0.get();
    assert_eq!(value as u64, ReadGuard::version(guard));
    value
}

fn read_value<S: Modelled>(reader: &ArcReader<WrittenOnDrop, S>) -> usize {
    shown(&reader.read())
}

/// A reader with a kept guard takes a nested guard beside two publishes; the second would write the
/// side that the nested guard may hold.
pub fn nested_guard_beside_two_swaps<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let kept = reader.read();
        assert!(publish(&mut writer, 1, seen));
        let writes = thread::spawn(move || {
            publish(&mut writer, 2, seen);
            publish(&mut writer, 3, seen);
        });
        let nested = reader.read();
        let value = shown(&nested);
        assert!(value >= 1, "an older value than was published");
        assert_eq!(shown(&nested), value, "a guarded side was written");
        drop(nested);
        assert_eq!(shown(&kept), 0, "a guarded side was written");
        writes.join().unwrap();
    });
}

/// A kept guard on a side that was set aside is dropped before a nested one: its reads happen
/// before the value of that side is dropped.
pub fn kept_guard_goes_before_a_nested_one<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let kept = reader.read();
        assert!(publish(&mut writer, 1, seen));
        let nested = reader.read();
        assert!(publish(&mut writer, 2, seen));
        let writes = thread::spawn(move || {
            publish(&mut writer, 3, seen);
            publish(&mut writer, 4, seen);
        });
        assert_eq!(shown(&kept), 0);
        drop(kept);
        assert_eq!(shown(&nested), 1, "a guarded side was written");
        writes.join().unwrap();
    });
}

/// Two guards, of one reader or of two, hold the two sides that the writer could take. One is
/// dropped: a waiting writer is woken or continues at once, and the other guard keeps its side.
pub fn leave_of_either_side_wakes<S: Modelled>(new: fn() -> S) {
    for (drops_first, one_reader, was_asked) in [
        (true, true, false),
        (true, true, true),
        (true, false, false),
        (false, true, false),
        (false, false, false),
    ] {
        check(move |seen| {
            let seen = seen_in(seen);
            let (mut writer, reader) = handles(new);
            let other = if one_reader {
                None
            } else {
                Some(reader.clone())
            };
            let first = reader.read();
            assert!(publish(&mut writer, 1, seen));
            if was_asked {
                // By a wait that was given up. It is asked again, for both sides.
                let polled = writer.poll_finish(&mut Context::from_waker(Waker::noop()));
                assert!(polled.is_pending());
            }
            let second = other.as_ref().unwrap_or(&reader).read();
            assert!(publish(&mut writer, 2, seen));
            let writes = thread::spawn(move || {
                let count = Arc::new(Count::default());
                let waker = Waker::from(Arc::clone(&count));
                let polled = writer.poll_finish(&mut Context::from_waker(&waker));
                // A check without a waker takes no wake away.
                let continues = publish(&mut writer, 3, seen);
                (writer, (polled.is_pending() && !continues).then_some(count))
            });
            let kept = if drops_first {
                assert_eq!(shown(&first), 0);
                drop(first);
                (second, 1)
            } else {
                assert_eq!(shown(&second), 1);
                drop(second);
                (first, 0)
            };
            let (mut writer, waits) = writes.join().unwrap();
            assert_woken(waits.as_deref());
            publish(&mut writer, 4, seen);
            assert_eq!(shown(&kept.0), kept.1, "a guarded side was written");
        });
    }
}

/// Two readers hold the side that a writer waits for, or the spare one, and leave one after the
/// other. The waiting writer is woken when both have left, whichever was asked.
pub fn stragglers_go_one_by_one<S: Modelled>(new: fn() -> S) {
    for (spare, polls) in [(false, 1), (true, 1), (true, 2)] {
        check(move |seen| {
            let seen = seen_in(seen);
            let (mut writer, reader) = handles(new);
            let (one, other) = (reader.clone(), reader.clone());
            let (first, second) = (one.read(), other.read());
            assert!(publish(&mut writer, 1, seen));
            seen.stragglers.fetch_add(writer.stragglers(), Relaxed);
            let _kept = spare.then(|| {
                let kept = reader.read();
                assert!(publish(&mut writer, 2, seen));
                kept
            });
            let writes = thread::spawn(move || {
                let mut waits = None;
                for _ in 0..polls {
                    let count = Arc::new(Count::default());
                    let waker = Waker::from(Arc::clone(&count));
                    let polled = writer.poll_finish(&mut Context::from_waker(&waker));
                    waits = polled.is_pending().then_some(count);
                }
                // Who waits for the spare side checks it after the last poll.
                let is_free = spare && writer.spare_stragglers() == 0;
                (writer, waits.filter(|_| !is_free))
            });
            assert_eq!(shown(&second), 0);
            drop(second);
            assert_eq!(shown(&first), 0);
            drop(first);
            let (_writer, waits) = writes.join().unwrap();
            assert_woken(waits.as_deref());
        });
    }
}

/// Dropping either of two guards wakes a sleeping writer.
pub fn leave_of_either_side_wakes_a_thread<S: Modelled>(new: fn() -> S) {
    for drops_first in [true, false] {
        check(move |seen| {
            let seen = seen_in(seen);
            let (mut writer, reader) = handles(new);
            writer.on_straggler(OnStraggler::Spare {
                after: Duration::ZERO,
                up_to: usize::MAX,
            });
            let other = reader.clone();
            let first = reader.read();
            assert!(publish(&mut writer, 1, seen));
            let second = other.read();
            assert!(publish(&mut writer, 2, seen));
            let writes = thread::spawn(move || {
                writer.write().apply(Set(3));
            });
            let _kept = if drops_first {
                drop(first);
                second
            } else {
                drop(second);
                first
            };
            writes.join().unwrap();
            assert_eq!(read_value(&reader), 3);
        });
    }
}

/// Beside a kept guard, the front returns to the same side within one acquire, by way of the third
/// side: the new guard holds the later version or the one between.
pub fn front_comes_round_beside_a_kept_guard<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let other = reader.clone();
        let kept = reader.read();
        assert!(publish(&mut writer, 1, seen) && publish(&mut writer, 2, seen));
        let reads = thread::spawn(move || {
            let guard = other.read();
            let value = shown(&guard);
            assert!(value >= 2);
            assert_eq!(shown(&guard), value, "a guarded side was written");
        });
        let writes = thread::spawn(move || {
            for value in 3..6 {
                publish(&mut writer, value, seen);
            }
        });
        reads.join().unwrap();
        writes.join().unwrap();
        assert_eq!(shown(&kept), 0, "a guarded side was written");
    });
}

/// A reader that forgot a guard on a side that was set aside is dropped, and another may take its
/// slot: the reads under the guard happen before the value is dropped.
pub fn slot_is_reused_beside_a_side_set_aside<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        // Kept until the end: loom does not see the orderings of the pointer.
        let _buffer = Arc::clone(writer.as_writer().ptr());
        let fresh = writer.reader();
        let guard = reader.read();
        assert!(publish(&mut writer, 1, seen));
        assert_eq!(shown(&guard), 0);
        core::mem::forget(guard);
        assert!(publish(&mut writer, 2, seen));
        let reads = thread::spawn(move || {
            drop(reader);
            let next = Reader::clone(&fresh);
            drop(fresh);
            assert!(read_value(&next) >= 2);
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 3, seen);
            publish(&mut writer, 4, seen);
        });
        reads.join().unwrap();
        writes.join().unwrap();
    });
}
