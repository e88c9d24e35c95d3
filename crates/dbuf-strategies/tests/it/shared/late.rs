//! Shared handles in destructors that run when their thread's slots have ended.

use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::task::Context;
use std::thread;

use dbuf_strategies::EpochStrategy;
use dbuf_strategies::core::{DoubleBuffer, SharedReader, Writer, arc};

use super::{Counted, Readers};
use crate::common::{late, on_wake, unwinds};

type Leaked = &'static DoubleBuffer<u32, Counted<EpochStrategy>>;

fn leaked() -> (Leaked, &'static SharedReader<Leaked>, Readers) {
    let buffer: Leaked = Box::leak(Box::new(DoubleBuffer::new(7, 7, Counted::default())));
    let shared = Box::leak(Box::new(SharedReader::new(buffer)));
    (buffer, shared, buffer.strategy().1.clone())
}

/// What a thread has read before its slots ended.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Before {
    Nothing,
    Another,
    TheSame,
}

#[test]
fn reads_after_the_threads_slots_ended() {
    let (_, shared, readers) = leaked();
    for before in [Before::TheSame, Before::Another, Before::Nothing] {
        let then = readers.clone();
        let thread = late(move || {
            if before == Before::TheSame {
                assert_eq!(*shared.read(), 7);
            } else if before == Before::Another {
                let (_writer, other) = arc(8, 8, EpochStrategy::new());
                assert_eq!(*other.shared().read(), 8);
            }
            move || {
                assert_eq!(then.live(), 0, "its slot is still registered");
                // A first read makes slots, which end after this closure.
                let in_slots = usize::from(before == Before::Nothing);
                for _ in 0..3 {
                    assert!(!shared.has_guard());
                    let outer = shared.read();
                    let inner = shared.read();
                    assert!(shared.has_guard());
                    assert_eq!((*outer + *inner + *shared.read(), then.live()), (21, 1));
                    drop(outer);
                    assert!(shared.has_guard());
                    assert_eq!(*shared.read() + *inner, 14);
                    drop(inner);
                    assert!(!shared.has_guard());
                    assert_eq!(then.live(), in_slots, "its last guard kept the reader");
                }
            }
        });
        thread.join();
        assert_eq!(readers.live(), 0, "{before:?}");
    }
}

#[test]
fn a_guard_outlives_its_threads_slots() {
    let (buffer, shared, readers) = leaked();
    for panics in [false, true] {
        let mut writer = Writer::claim(buffer).unwrap();
        writer.finish();
        let then = readers.clone();
        let thread = late(move || {
            let guards = (shared.read(), shared.read());
            move || {
                assert_eq!((*guards.0, then.live()), (7, 1));
                assert!(shared.has_guard());
                writer.start_swap();
                let waker = on_wake(move || {
                    assert_eq!(*shared.read(), 7);
                    assert!(!panics, "a waker");
                });
                let pending = writer.poll_finish(&mut Context::from_waker(&waker));
                assert!(pending.is_pending());
                // Either of the two may wake.
                let inner = unwinds(|| drop(guards.1));
                assert!(shared.has_guard());
                assert_eq!(*shared.read(), 7);
                assert_eq!(inner | unwinds(|| drop(guards.0)), panics);
                assert!(!shared.has_guard());
                assert_eq!(then.live(), 0);
                assert!(writer.try_finish());
            }
        });
        thread.join();
        assert_eq!(readers.live(), 0);
    }
}

/// While a thread that has ended its slots still has a guard, and reads, a new thread reads. Miri
/// reports a reader that both threads use.
#[test]
fn bug_23_guard_outlives_its_threads_slot() {
    let (buffer, shared, _) = leaked();
    let mut writer = Writer::claim(buffer).unwrap();
    for round in 0..if cfg!(miri) { 2 } else { 50 } {
        let gate = Arc::new(Barrier::new(2));
        let (ready, first) = channel();
        let ending = {
            let gate = Arc::clone(&gate);
            late(move || {
                let guard = shared.read();
                let seen = *guard;
                ready.send(()).unwrap();
                move || {
                    // A new thread starts and reads.
                    gate.wait();
                    for _ in 0..20 {
                        let now = *shared.read();
                        assert!(seen <= now, "{now} after {seen}");
                        assert_eq!(*guard, seen, "a guarded side was written");
                    }
                    gate.wait();
                    drop(guard);
                    let now = *shared.read();
                    assert!(seen <= now, "{now} after {seen}");
                }
            })
        };
        first.recv().unwrap();
        let reads = thread::spawn(move || {
            gate.wait();
            for _ in 0..20 {
                assert!(!shared.has_guard(), "another thread's guard is counted");
                let guard = shared.read();
                assert!(*guard >= 7, "{} after 7", *guard);
                assert!(shared.has_guard());
            }
            gate.wait();
        });
        if writer.try_finish() {
            *writer.back_mut() = 8 + round;
            writer.start_swap();
        }
        ending.join();
        reads.join().unwrap();
    }
    // No guard is alive, so a swap finishes.
    writer.finish();
    writer.start_swap();
    assert!(writer.try_finish());
}
