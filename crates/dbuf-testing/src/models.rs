//! Bodies of the loom models, for any strategy. Built with `--cfg dbuf_loom`.
//!
//! Every body asserts at its end that swaps happened and that some execution
//! had a straggler: a model in which nobody is ever in the way proves nothing.
//! The writer runs in a thread of its own, since loom takes an `unpark` of a
//! thread that is blocked in `join` for an error.

mod spare;

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::{self, Relaxed};
use core::task::{Context, Poll, Waker};
use std::sync::Arc;
use std::task::Wake;

use dbuf_core::sync::Sleeper;
use dbuf_core::sync::atomic::AtomicBool;
use dbuf_core::{
    ArcReader, ArcWriter, BlockingStrategy, DoubleBuffer, ReadGuard, Reader, Writer, arc,
};
use loom::thread;

use crate::Tracked;

pub use spare::*;

/// A strategy that a model can run: built inside it, shared between threads.
pub trait Modelled: BlockingStrategy + 'static {}

impl<S> Modelled for S where S: BlockingStrategy + 'static {}

/// What the executions of a model saw, counted outside it.
#[derive(Debug, Default)]
struct Seen {
    swaps: AtomicUsize,
    stragglers: AtomicUsize,
}

type Handles<S> = (ArcWriter<Tracked, S>, ArcReader<Tracked, S>);

/// Runs `body` in every interleaving with at most two preemptions.
fn check(body: impl Fn(&Seen) + Send + Sync + 'static) {
    check_preempted(2, body);
}

/// Runs `body` in every interleaving with at most so many preemptions.
fn check_preempted(preemptions: usize, body: impl Fn(&Seen) + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(preemptions));
    let seen = Arc::new(Seen::default());
    let in_model = Arc::clone(&seen);
    builder.check(move || body(&in_model));
    assert!(seen.swaps.load(Relaxed) > 0, "no execution swapped");
    assert!(
        seen.stragglers.load(Relaxed) > 0,
        "no execution had a straggler"
    );
}

fn handles<S: Modelled>(new: fn() -> S) -> Handles<S> {
    arc(Tracked::new(0), Tracked::new(0), new())
}

/// Publishes `value` without waiting, and notes what it met.
fn publish<S: Modelled>(writer: &mut ArcWriter<Tracked, S>, value: usize, seen: &Seen) {
    writer.back_mut().set(value);
    assert!(writer.start_swap());
    seen.swaps.fetch_add(1, Relaxed);
    if writer.stragglers() > 0 {
        seen.stragglers.fetch_add(1, Relaxed);
    }
}

/// One read. The payload and the version always agree.
fn read_value<S: Modelled>(reader: &ArcReader<Tracked, S>) -> usize {
    let guard = reader.read();
    let value = guard.get();
    assert_eq!(value as u64, ReadGuard::version(&guard));
    value
}

/// A thread that reads twice and never sees an older value after a newer one.
fn reads_twice<S: Modelled>(reader: ArcReader<Tracked, S>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let first = read_value(&reader);
        let second = read_value(&reader);
        assert!(first <= second, "read {second} after {first}");
    })
}

fn seen_in(seen: &Seen) -> &'static Seen {
    // SAFETY: `check` keeps it alive until the model has ended, and with it every
    // thread of the model.
    unsafe { &*core::ptr::from_ref(seen) }
}

/// Two readers, one of which reads twice, and two swaps.
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

/// One reader, three reads, two swaps with a finish that may only poll: the
/// writer may learn of a leave from the enter that follows it.
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

/// A guard held across a swap keeps its value; a nested read sees the newest.
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

/// Nested guards in overlapping order: each outlives the one before it, so that
/// the reader always has one.
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

/// The writer stores the number of each swap after its start: who loads the number
/// reads a front that is at least as new. What writers that share a publish rely on.
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

/// A reader is cloned, used and dropped while a swap is going on.
pub fn reader_is_cloned_during_a_swap<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let reads = thread::spawn(move || {
            let guard = reader.read();
            let before = guard.get();
            let clone = reader.clone();
            assert!(before <= read_value(&clone));
            drop(clone);
            assert_eq!(guard.get(), before);
            drop(guard);
            read_value(&reader.clone());
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            publish(&mut writer, 2, seen);
        });
        reads.join().unwrap();
        writes.join().unwrap();
    });
}

/// The writer is dropped in the middle of a swap; whoever claims next finds the
/// swap as it was left.
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

/// The writer sleeps until the last guard goes: no leave may miss the sleeper.
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

/// As the last, but the writer looked before it slept: readers are asked while
/// no waker is there.
pub fn wake_is_not_lost_after_a_look<S: Modelled>(new: fn() -> S) {
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

/// A wait is given up after one poll and another begins, with another waker.
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
            let mut nobody = Context::from_waker(Waker::noop());
            if let Poll::Pending = writer.poll_finish(&mut nobody) {
                assert!(writer.is_swapping());
            }
            publish(&mut writer, 2, seen);
        });
        reads.join().unwrap();
        writes.join().unwrap();
    });
}

/// Counts its wakes. No step of a model.
#[derive(Debug, Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// One poll. Who waits from then on, if it found the swap unfinished.
fn wait<S: Modelled>(writer: &mut ArcWriter<Tracked, S>) -> Option<Arc<Count>> {
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    let polled = writer.poll_finish(&mut Context::from_waker(&waker));
    polled.is_pending().then_some(count)
}

/// S6, when all readers have gone.
fn assert_woken(waits: Option<&Count>) {
    if let Some(count) = waits {
        assert!(count.0.load(Relaxed) > 0, "nobody woke who waited");
    }
}

/// S6: a check that registers nobody comes between a poll and the end. Either it returns that
/// the swap is finished, or who waits is woken, and the next swap is waited for as any other.
pub fn check_takes_no_wake_away<S: Modelled>(new: fn() -> S) {
    // To the writer, back to the leave, and into the middle of that.
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
                // It is told, and need not be woken.
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

/// S6: a second poll comes with another waker. The second is woken, or told at once; the
/// first is woken, or replaced, and dropped then.
pub fn newer_waker_is_woken<S: Modelled>(new: fn() -> S) {
    // To the writer, back to the leave, and into the middle of that.
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
        // With the writer, or all wakers are gone.
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

/// S6: the writer is dropped while somebody waits, and the look that finds the swap finished
/// is that of the next claim.
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

/// A guard is forgotten and its reader dropped, which ends the guard's claim.
pub fn forgotten_guard_ends_with_its_reader<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let reads = thread::spawn(move || {
            let guard = reader.read();
            guard.get();
            core::mem::forget(guard);
            drop(reader);
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

/// A reader forgets its guard and goes while a swap waits for it; the next
/// reader may get what it left behind. The writer learns that the first is gone
/// from what the second does.
pub fn slot_is_reused_during_a_swap<S: Modelled>(new: fn() -> S) {
    reuse(new, true);
}

/// The same after a reader that left. Its going wakes nobody, so what the next one does
/// is all that tells the writer of it.
pub fn freed_slot_is_reused_during_a_swap<S: Modelled>(new: fn() -> S) {
    reuse(new, false);
}

fn reuse<S: Modelled>(new: fn() -> S, forgets: bool) {
    // Between the first reader's guard and the swap, back, and to the writer's look.
    check_preempted(3, move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let kept = writer.reader();
        let reads = thread::spawn(move || {
            let guard = reader.read();
            guard.get();
            if forgets {
                core::mem::forget(guard);
            } else {
                drop(guard);
            }
            drop(reader);
            let next = thread::spawn(move || {
                let clone = kept.clone();
                read_value(&clone);
            });
            next.join().unwrap();
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

/// A swap is started under one claim and finished under the next, by another
/// thread, while a reader nests its guards.
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

/// S12: a guard that was taken after a swap was started, beside one that went,
/// holds nobody up, however long it lives.
pub fn successor_holds_nobody_up<S: Modelled>(new: fn() -> S) {
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
                // On the new front, and the swap is started: nobody's straggler.
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

/// A place is given back, odd from a forgotten guard, while the next reader takes it
/// and reads, and a swap looks at it.
pub fn slot_is_taken_while_it_is_given_back<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let kept = writer.reader();
        core::mem::forget(reader.read());
        let gives_back = thread::spawn(move || drop(reader));
        let takes = thread::spawn(move || {
            let clone = kept.clone();
            read_value(&clone);
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            if let Some(back) = writer.try_back_mut() {
                back.set(2);
            }
        });
        gives_back.join().unwrap();
        takes.join().unwrap();
        writes.join().unwrap();
    });
}

/// The writer sleeps for a guard that was forgotten: the drop of its reader is the leave
/// that wakes it.
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

/// A reader is registered while a swap is started, twice: it stands where its swap says.
pub fn reader_is_registered_during_a_start<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let registers = thread::spawn(move || {
            let fresh = reader.clone();
            drop(reader);
            let guard = fresh.read();
            let before = guard.get();
            assert_eq!(before as u64, ReadGuard::version(&guard));
            assert!(before <= read_value(&fresh));
            assert_eq!(guard.get(), before, "a guarded side was written");
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            if let Some(back) = writer.try_back_mut() {
                back.set(2);
                assert!(writer.start_swap());
                if let Some(back) = writer.try_back_mut() {
                    back.set(3);
                }
            }
        });
        registers.join().unwrap();
        writes.join().unwrap();
    });
}

/// Overlapping guards against a writer that publishes as often as it is let, under two claims:
/// what any guard sees stays, at every step.
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

/// A kept guard is refreshed beside two swaps: it never shows a side that is written,
/// never goes back, and says when it has moved.
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

/// A reader that has a guard all the time, and refreshes it, holds up no writer: neither
/// one that sleeps nor one that checks again and again, also after a swap with stragglers.
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
            // Not in the loop: a thread that yields runs when the others wait.
            ReadGuard::refresh(&mut guard);
            // Relaxed: a model of time, not of an order.
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
            // Relaxed: as above.
            finished.store(true, Relaxed);
        });
        reads.join().unwrap();
        writes.join().unwrap();
    });
}
