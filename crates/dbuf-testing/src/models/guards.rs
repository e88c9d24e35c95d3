//! Models of guards and swaps: no guarded side is written.

use core::sync::atomic::Ordering;
use std::sync::Arc;

use dbuf_core::sync::Sleeper;
use dbuf_core::{DoubleBuffer, ReadGuard, Reader, Writer};
use loom::thread;

use super::harness::{Modelled, check, handles, publish, read_value, reads_twice, seen_in};
use crate::tracked::Tracked;

/// Two readers, one of which reads twice, run beside two swaps.
pub fn guarded_side_is_never_written<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let once = reader.clone();
        let other = thread::spawn(move || {
            read_value(&once);
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            publish(&mut writer, 2, seen);
        });
        let first = read_value(&reader);
        let second = read_value(&reader);
        assert!(first <= second, "read {second} after {first}");
        drop(reader);
        other.join().unwrap();
        writes.join().unwrap();
    });
}

/// One reader reads three times beside a swap and a `try_back_mut`: the writer may see a leave by
/// the enter that follows it.
pub fn leave_is_learned_from_a_later_enter<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let reads = thread::spawn(move || {
            for _ in 0..3 {
                read_value(&reader);
            }
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            if let Some(back) = writer.try_back_mut() {
                back.set(2);
            }
        });
        reads.join().unwrap();
        writes.join().unwrap();
    });
}

/// A guard that is held across a swap keeps its value; a nested read sees the newest.
pub fn guard_is_held_across_a_swap<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let reads = thread::spawn(move || {
            let outer = reader.read();
            let before = outer.get();
            let inner = read_value(&reader);
            assert!(before <= inner);
            assert_eq!(outer.get(), before, "a guarded side was written");
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            publish(&mut writer, 2, seen);
        });
        reads.join().unwrap();
        writes.join().unwrap();
    });
}

/// Each guard outlives the one before it, so the reader always has one.
pub fn overlapping_guards_do_not_hold_the_writer_up<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let reads = thread::spawn(move || {
            let mut guard = reader.read();
            for _ in 0..2 {
                let before = guard.get();
                guard = reader.read();
                assert!(before <= guard.get());
            }
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            publish(&mut writer, 2, seen);
            writer.finish();
        });
        reads.join().unwrap();
        writes.join().unwrap();
    });
}

/// The writer stores the number of each swap after its start: a thread that loads the number reads
/// a front that is at least as new. Writers that share a publish rely on it.
pub fn numbered<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let number = Arc::new(loom::sync::atomic::AtomicUsize::new(0));
        let loads = Arc::clone(&number);
        let reads = thread::spawn(move || {
            read_value(&reader);
            // ORDERING: Acquire; partner: the store below.
            let published = loads.load(Ordering::Acquire);
            let read = read_value(&reader);
            assert!(read >= published, "read {read} after {published}");
        });
        let writes = thread::spawn(move || {
            for value in 1..=2 {
                publish(&mut writer, value, seen);
                // ORDERING: Release; partner: the load above.
                number.store(value, Ordering::Release);
            }
        });
        reads.join().unwrap();
        writes.join().unwrap();
    });
}

/// The writer is dropped during a swap, and the next claim finds the swap in the same state.
pub fn claim_continues_an_unfinished_swap<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let buffer = Arc::new(DoubleBuffer::new(Tracked::new(0), Tracked::new(0), new()));
        let reader = Reader::new(Arc::clone(&buffer));
        let mut writer = Writer::claim(Arc::clone(&buffer)).unwrap();
        let reads = reads_twice(reader);
        let first = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            drop(writer);
        });
        let second = thread::spawn(move || {
            if let Ok(mut writer) = Writer::claim(buffer) {
                let next = writer.front().get() + 1;
                publish(&mut writer, next, seen);
            }
        });
        reads.join().unwrap();
        first.join().unwrap();
        second.join().unwrap();
    });
}

/// A swap is started under one claim and finished under the next one, by another thread, while a
/// reader nests guards.
pub fn nested_guards_outlive_a_claim<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let buffer = Arc::new(DoubleBuffer::new(Tracked::new(0), Tracked::new(0), new()));
        let reader = Reader::new(Arc::clone(&buffer));
        let mut writer = Writer::claim(Arc::clone(&buffer)).unwrap();
        let reads = thread::spawn(move || {
            let outer = reader.read();
            let before = outer.get();
            assert!(before <= read_value(&reader));
            assert_eq!(outer.get(), before, "a guarded side was written");
        });
        let first = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            drop(writer);
        });
        let second = thread::spawn(move || {
            if let Ok(mut writer) = Writer::claim(buffer) {
                let _ = writer.try_finish();
                if let Some(back) = writer.try_back_mut() {
                    back.set(7);
                }
            }
        });
        reads.join().unwrap();
        first.join().unwrap();
        second.join().unwrap();
    });
}

/// S12: a guard that is taken after the start of a swap never delays that swap.
pub fn later_guard_does_not_hold_the_writer_up<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let started = Arc::new(Sleeper::new());
        let finished = Arc::new(Sleeper::new());
        let reads = {
            let (started, finished) = (Arc::clone(&started), Arc::clone(&finished));
            thread::spawn(move || {
                let outer = reader.read();
                started.sleep(None);
                // The swap is started, so this guard is on the new front and is no straggler.
                let inner = reader.read();
                assert_eq!(inner.get(), 1);
                drop(outer);
                finished.sleep(None);
                assert_eq!(inner.get(), 1);
            })
        };
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            started.wake();
            writer.finish();
            finished.wake();
        });
        reads.join().unwrap();
        writes.join().unwrap();
    });
}

/// Overlapping guards keep their values beside a writer that publishes as often as it can, under
/// two claims.
pub fn overlapping_guards_keep_their_values<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let buffer = Arc::new(DoubleBuffer::new(Tracked::new(0), Tracked::new(0), new()));
        let reader = Reader::new(Arc::clone(&buffer));
        let mut writer = Writer::claim(Arc::clone(&buffer)).unwrap();
        let reads = thread::spawn(move || {
            let first = reader.read();
            let a = first.get();
            let second = reader.read();
            let b = second.get();
            assert_eq!(first.get(), a, "a guarded side was written");
            drop(first);
            assert_eq!(second.get(), b, "a guarded side was written");
            let third = reader.read();
            let c = third.get();
            drop(second);
            assert_eq!(third.get(), c, "a guarded side was written");
            assert!(a <= b && b <= c);
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            let _ = writer.try_finish();
            drop(writer);
            let mut writer = Writer::claim(buffer).unwrap();
            for value in 2..4 {
                if let Some(back) = writer.try_back_mut() {
                    back.set(value);
                    assert!(writer.start_swap());
                }
            }
        });
        reads.join().unwrap();
        writes.join().unwrap();
    });
}

/// A kept guard is refreshed beside two swaps: its side is never written, its value never gets
/// older, and `refresh` returns whether it moved.
pub fn refreshed_guard_is_never_written<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let reads = thread::spawn(move || {
            let mut guard = reader.read();
            for _ in 0..2 {
                let before = guard.get();
                let moved = ReadGuard::refresh(&mut guard);
                let value = guard.get();
                assert_eq!(value as u64, ReadGuard::version(&guard));
                assert!(before <= value && moved == (before != value));
            }
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            publish(&mut writer, 2, seen);
        });
        reads.join().unwrap();
        writes.join().unwrap();
    });
}
