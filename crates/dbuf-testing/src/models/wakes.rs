//! Models of wake-ups: no leave misses a waiting writer.

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;
use core::task::{Context, Poll, Waker};
use std::sync::Arc;
use std::task::Wake;

use dbuf_core::sync::atomic::AtomicBool;
use dbuf_core::{ArcWriter, DoubleBuffer, ReadGuard, Reader, Writer};
use loom::thread;

use super::harness::{Modelled, check, check_preempted, handles, publish, read_value, seen_in};
use crate::tracked::Tracked;

/// A waker that counts its wakes. Counting is no step of the model.
#[derive(Debug, Default)]
pub(super) struct Count(pub(super) AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// Polls once, and returns the waker's counter if the swap is unfinished.
fn wait<S: Modelled>(writer: &mut ArcWriter<Tracked, S>) -> Option<Arc<Count>> {
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    let polled = writer.poll_finish(&mut Context::from_waker(&waker));
    polled.is_pending().then_some(count)
}

/// Checks S6 after all leaves: a registered waker was woken.
pub(super) fn assert_woken(waits: Option<&Count>) {
    if let Some(count) = waits {
        assert!(
            count.0.load(Relaxed) > 0,
            "no leave woke the waiting writer"
        );
    }
}

/// The writer sleeps until the last guard is dropped: the last leave wakes it.
pub fn last_leave_wakes_the_writer<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let other = reader.clone();
        let guards = thread::spawn(move || {
            read_value(&other);
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            writer.finish();
            assert!(!writer.is_swapping());
        });
        read_value(&reader);
        drop(reader);
        guards.join().unwrap();
        writes.join().unwrap();
    });
}

/// The writer checks before it sleeps, so readers are asked to wake it while no waker is
/// registered.
pub fn wake_is_not_lost_after_a_check<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let reads = thread::spawn(move || {
            read_value(&reader);
            read_value(&reader);
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            let _ = writer.try_finish();
            writer.finish();
        });
        reads.join().unwrap();
        writes.join().unwrap();
    });
}

/// A wait is cancelled after one poll, and another begins with another waker.
pub fn cancelled_wait_is_taken_up_again<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let reads = thread::spawn(move || {
            read_value(&reader);
            read_value(&reader);
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            let mut no_waker = Context::from_waker(Waker::noop());
            if let Poll::Pending = writer.poll_finish(&mut no_waker) {
                assert!(writer.is_swapping());
            }
            publish(&mut writer, 2, seen);
        });
        reads.join().unwrap();
        writes.join().unwrap();
    });
}

/// S6: a check without a waker comes between a poll and the last leave. Either it returns that the
/// swap is finished, or the registered waker is woken, and the next swap can be awaited.
pub fn check_takes_no_wake_away<S: Modelled>(new: fn() -> S) {
    // Three preemptions: to the writer, back to the leave, and in the middle of the leave.
    check_preempted(3, move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let reads = thread::spawn(move || {
            read_value(&reader);
            read_value(&reader);
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            let waits = wait(&mut writer);
            if waits.is_some() && writer.try_finish() {
                // The check returned `true`, so no wake is needed.
                publish(&mut writer, 2, seen);
                writer.finish();
                return None;
            }
            waits
        });
        reads.join().unwrap();
        assert_woken(writes.join().unwrap().as_deref());
    });
}

/// S6: a second poll has another waker. The second is woken, or its poll is ready at once; the
/// first is woken, or replaced and dropped.
pub fn newer_waker_is_woken<S: Modelled>(new: fn() -> S) {
    // Three preemptions: to the writer, back to the leave, and in the middle of the leave.
    check_preempted(3, move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let reads = thread::spawn(move || {
            read_value(&reader);
            read_value(&reader);
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            let first = wait(&mut writer);
            let second = first.as_ref().and_then(|_| wait(&mut writer));
            (writer, first, second)
        });
        reads.join().unwrap();
        // Keeps the writer, and with it the registered waker.
        let (_writer, first, second) = writes.join().unwrap();
        assert_woken(second.as_deref());
        if first
            .as_ref()
            .is_some_and(|first| Arc::strong_count(first) > 1)
        {
            assert_woken(first.as_deref());
        }
    });
}

/// S6: the writer is dropped while a waker is registered, and the next claim checks the swap.
pub fn claim_takes_no_wake_away<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let buffer = Arc::new(DoubleBuffer::new(Tracked::new(0), Tracked::new(0), new()));
        let reader = Reader::new(Arc::clone(&buffer));
        let mut writer = Writer::claim(Arc::clone(&buffer)).unwrap();
        let reads = thread::spawn(move || {
            read_value(&reader);
            read_value(&reader);
        });
        let first = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            wait(&mut writer)
        });
        let second = thread::spawn(move || {
            if let Ok(mut writer) = Writer::claim(buffer) {
                let _ = writer.try_finish();
            }
        });
        reads.join().unwrap();
        second.join().unwrap();
        assert_woken(first.join().unwrap().as_deref());
    });
}

/// The writer sleeps because of a forgotten guard: dropping its reader is the leave that wakes it.
pub fn dropped_reader_wakes_the_writer<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        core::mem::forget(reader.read());
        let drops = thread::spawn(move || drop(reader));
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            writer.finish();
        });
        drops.join().unwrap();
        writes.join().unwrap();
    });
}

/// A reader that always holds a guard and refreshes it does not stop the writer, neither one that
/// sleeps nor one that polls, also after a swap with stragglers.
pub fn refreshes_free_the_writer<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let straggler = reader.read();
        publish(&mut writer, 1, seen);
        assert!(!writer.try_finish());
        drop(straggler);
        let finished = Arc::new(AtomicBool::new(false));
        let is_finished = Arc::clone(&finished);
        let reads = thread::spawn(move || {
            let mut guard = reader.read();
            // Refreshed before the loop, since a thread that yields runs only when the others wait.
            ReadGuard::refresh(&mut guard);
            // Relaxed: the flag models time and orders nothing.
            while !is_finished.load(Relaxed) {
                thread::yield_now();
                ReadGuard::refresh(&mut guard);
            }
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 2, seen);
            writer.finish();
            publish(&mut writer, 3, seen);
            while !writer.try_finish() {
                thread::yield_now();
            }
            // Relaxed: the flag models time and orders nothing.
            finished.store(true, Relaxed);
        });
        reads.join().unwrap();
        writes.join().unwrap();
    });
}
