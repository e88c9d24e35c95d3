//! Panicking payloads, and the writer's state from several threads.

use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::{Arc, Barrier};
use std::task::{Context, Wake, Waker};
use std::thread;

use dbuf_strategies::core::{DoubleBuffer, OpWriter, Reader, SharedReadGuard, Writer, arc};
use dbuf_strategies::{CountStrategy, EpochStrategy, LockStrategy, Waiter, Watched};

use crate::common::Count;
use crate::common::hooked::NoSpare;

/// A panic payload whose drop panics too.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("the payload's drop");
        }
    }
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic_any(Bomb);
    }
}

fn wait(waiter: &mut Waiter, waker: &Waker) {
    let polled = waiter.poll_changed(0, &mut Context::from_waker(waker));
    assert!(polled.is_pending());
}

/// Two wakers panic, and the payload of the second panics when it is dropped. The other waiters
/// are woken all the same, and the first panic continues.
#[test]
fn payload_that_panics_keeps_no_wake_from_others() {
    let (mut writer, reader) = arc(0, 0, Watched::new(CountStrategy::new()));
    let panics = Waker::from(Arc::new(Panics));
    let (count, counts) = Count::waker();
    let mut waiters: Vec<_> = (0..4).map(|_| reader.strategy().waiter()).collect();
    for (at, waiter) in waiters.iter_mut().enumerate() {
        wait(waiter, if at % 2 == 0 { &panics } else { &counts });
    }
    let payload = catch_unwind(AssertUnwindSafe(|| writer.store(1))).unwrap_err();
    assert!(payload.is::<Bomb>(), "not the first panic");
    forget(payload);
    assert_eq!(count.wakes(), 2);
}

/// Many threads may share the token: two call `stragglers` while readers leave, and then its
/// owner changes the state.
#[test]
fn stragglers_are_counted_on_many_threads() {
    let rounds = if cfg!(miri) { 10 } else { 2_000 };
    let (mut writer, reader) = arc(0_usize, 0, EpochStrategy::new());
    for round in 1..=rounds {
        let readers = [reader.clone(), reader.clone()];
        let [one, other] = readers.each_ref().map(|reader| reader.read());
        writer.start_swap();
        assert_eq!(writer.stragglers(), 2);
        drop((one, other));
        let barrier = Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    barrier.wait();
                    let stragglers = writer.stragglers();
                    assert!(stragglers <= 2, "{stragglers} of two readers");
                    assert!(writer.is_swapping());
                });
            }
            for reader in readers {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    forget(reader.read());
                    drop(reader.read());
                });
            }
        });
        assert_eq!(writer.stragglers(), 0);
        *writer.back_mut() = round;
    }
}

/// The first claims of a process come at once, on one strategy in a `static`. One succeeds, and
/// each later one finds the swap and the mode of the one before.
#[test]
fn claims_follow_each_other_over_threads() {
    static BUFFER: DoubleBuffer<usize, EpochStrategy> =
        DoubleBuffer::new(0, 0, EpochStrategy::new());
    let claims = if cfg!(miri) { 5 } else { 500 };
    let barrier = Barrier::new(4);
    let total = thread::scope(|scope| {
        let threads = [(); 4].map(|()| {
            scope.spawn(|| {
                let reader = Reader::new(&BUFFER);
                // This reader may be older than the first claim.
                let mut guard = reader.read();
                barrier.wait();
                let mut last = 0;
                let mut made = 0;
                while made < claims {
                    if let Ok(mut writer) = Writer::claim(&BUFFER) {
                        drop(guard);
                        let (front, back) = writer.split_mut();
                        *back = *front + 1;
                        writer.start_swap();
                        made += 1;
                    }
                    guard = reader.read();
                    assert!(*guard >= last, "{} after {last}", *guard);
                    last = *guard;
                    drop(guard);
                    guard = reader.read();
                }
                made
            })
        });
        threads
            .map(|thread| thread.join().unwrap())
            .iter()
            .sum::<usize>()
    });
    assert_eq!(*Reader::new(&BUFFER).read(), total);
}

#[test]
fn errors_say_what_happened() {
    let errors: [(&dyn std::error::Error, &str); 3] = [
        (&dbuf_core::ClaimError, "already has a writer"),
        (&dbuf_core::Closed, "is closed"),
        (&dbuf_core::Torn, "panicked or was taken back"),
    ];
    for (error, what) in errors {
        assert!(error.to_string().contains(what), "{error}");
    }
}

/// What a strategy does not implement has a default that promises nothing: no guard is known or
/// current, and no side can be set aside.
#[test]
fn a_strategy_of_the_required_methods_waits_for_its_readers() {
    let (writer, reader) = arc(0, 0, NoSpare(LockStrategy::new()));
    let mut writer = OpWriter::<_, fn(&mut u32, &())>::new(writer);
    let shared = reader.shared();
    let mut guard = shared.read();
    writer.write().apply(|n, _| *n += 1);
    assert!(!shared.has_guard_on_back(), "a guess");
    assert!(!writer.set_aside());
    assert_eq!((writer.stragglers(), writer.spare_stragglers()), (1, 0));
    assert!(SharedReadGuard::refresh(&mut guard));
    assert_eq!((*guard, *writer.write()), (1, 1));
}
