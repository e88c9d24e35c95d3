//! A guard that is kept, and a writer that goes on with the spare side.
//!
//! What a body sets up before it starts threads has no interleavings. The values are written
//! when they are dropped, so a side that is emptied under a guard, or before the reads of a
//! guard that went, is a reported race as well.

use core::sync::atomic::Ordering::Relaxed;
use core::task::{Context, Waker};
use core::time::Duration;
use std::sync::Arc;

use dbuf_core::{
    ArcOpWriter, ArcReader, DoubleBuffer, OnStraggler, OpWriter, Operation, ReadGuard, Reader, arc,
};
use loom::thread;

use super::{Count, Modelled, Seen, assert_woken, check, seen_in};
use crate::Tracked;

/// A value that is written when it is dropped.
#[derive(Debug)]
pub struct Loud(Tracked);

impl Clone for Loud {
    fn clone(&self) -> Self {
        loud(self.0.get())
    }
}

impl Drop for Loud {
    fn drop(&mut self) {
        self.0.set(usize::MAX);
    }
}

fn loud(number: usize) -> Loud {
    Loud(Tracked::new(number))
}

struct Set(usize);

impl Operation<Loud> for Set {
    fn apply(&mut self, value: &mut Loud, (): &()) {
        value.0.set(self.0);
    }
}

type Log<S> = ArcOpWriter<Loud, Set, S>;

fn handles<S: Modelled>(new: fn() -> S) -> (Log<S>, ArcReader<Loud, S>) {
    let (writer, reader) = arc(loud(0), loud(0), new());
    (OpWriter::new(writer), reader)
}

/// Publishes `value` without waiting, if one of the two sides that are not the front is
/// free.
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

/// What a guard shows. The payload and the version always agree.
fn shown<S: Modelled>(guard: &ReadGuard<'_, Arc<DoubleBuffer<Loud, S>>>) -> usize {
    let value = guard.0.get();
    assert_eq!(value as u64, ReadGuard::version(guard));
    value
}

fn read_value<S: Modelled>(reader: &ArcReader<Loud, S>) -> usize {
    shown(&reader.read())
}

/// A reader with a kept guard takes a nested one beside two swaps, the second of which would
/// write the side that the nested one may be on.
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

/// The same, and the kept guard goes first, on a side that was set aside: what it read comes
/// before the value there is dropped.
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

/// Two guards, of one reader or of two, are on the two sides that a writer could take. One
/// of them goes: a waiting writer is woken, or goes on at once; the other keeps its side.
pub fn leave_of_either_side_wakes<S: Modelled>(new: fn() -> S) {
    for (first_goes, one_reader) in [(true, true), (true, false), (false, true), (false, false)] {
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
            let second = other.as_ref().unwrap_or(&reader).read();
            assert!(publish(&mut writer, 2, seen));
            let writes = thread::spawn(move || {
                let count = Arc::new(Count::default());
                let waker = Waker::from(Arc::clone(&count));
                let polled = writer.poll_finish(&mut Context::from_waker(&waker));
                // A check that registers nobody takes no wake away.
                let goes_on = publish(&mut writer, 3, seen);
                (writer, (polled.is_pending() && !goes_on).then_some(count))
            });
            let kept = if first_goes {
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

/// The same, and the writer sleeps.
pub fn leave_of_either_side_wakes_a_thread<S: Modelled>(new: fn() -> S) {
    for first_goes in [true, false] {
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
            let _kept = if first_goes {
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

/// Beside a guard that is kept, the front comes round to a side within one acquire, by way
/// of the third: the guard is of the later time, or on the side between.
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

/// A reader that forgot a guard on a side that was set aside is dropped, and another may take
/// its slot: the reads under the guard come before the value is dropped.
pub fn slot_is_reused_beside_a_side_set_aside<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        // Until all is over: the model checker does not see what the pointer orders.
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
