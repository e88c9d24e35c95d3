//! Bugs that other double buffers had, and that the suite does not look for. The table in
//! `docs/verification.md` has the numbers, and the tests of the other bugs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::thread;

use dbuf_strategies::core::{ArcReader, ArcWriter, BlockingStrategy, DoubleBuffer, ReadGuard, arc};
use dbuf_testing::Tracked;

use crate::common::with_every_strategy;

type Handles<S> = (ArcWriter<Tracked, S>, ArcReader<Tracked, S>);

fn handles<S: BlockingStrategy>(new: fn() -> S) -> Handles<S> {
    arc(Tracked::new(0), Tracked::new(0), new())
}

with_every_strategy! { each:
    bug_02_reader_is_cloned_and_dropped_under_a_guard_while_publish_waits
    bug_10_stale_unpark_and_spurious_wakes_do_not_end_a_wait
    bug_19_guard_is_dropped_by_value_while_the_writer_writes
}

mod each {
    use super::*;

    /// A thread has the guard that a writer waits for, and clones, uses and drops readers
    /// meanwhile.
    pub(super) fn bug_02_reader_is_cloned_and_dropped_under_a_guard_while_publish_waits<
        S: BlockingStrategy + 'static,
    >(
        new: fn() -> S,
    ) {
        let (mut writer, reader) = handles(new);
        let guard = reader.read();
        writer.back_mut().set(1);
        assert!(writer.start_swap());
        let finished = Arc::new(AtomicBool::new(false));
        let (waiting, begun) = channel();
        let waits = {
            let finished = Arc::clone(&finished);
            thread::spawn(move || {
                waiting.send(()).unwrap();
                writer.finish();
                finished.store(true, SeqCst);
            })
        };
        begun.recv().unwrap();
        for _ in 0..if cfg!(miri) { 3 } else { 100 } {
            let clone = reader.clone();
            assert_eq!(clone.read().get(), 1);
            drop(clone);
            thread::yield_now();
        }
        assert!(!finished.load(SeqCst), "finished under a guard");
        assert_eq!(guard.get(), 0);
        drop(guard);
        waits.join().unwrap();
    }

    /// A stale token of `unpark`, or a storm of them, does not end a wait.
    pub(super) fn bug_10_stale_unpark_and_spurious_wakes_do_not_end_a_wait<
        S: BlockingStrategy + 'static,
    >(
        new: fn() -> S,
    ) {
        let (mut writer, reader) = handles(new);
        let guard = reader.read();
        assert!(writer.start_swap());
        let finished = Arc::new(AtomicBool::new(false));
        let waits = {
            let finished = Arc::clone(&finished);
            thread::spawn(move || {
                thread::current().unpark();
                writer.finish();
                finished.store(true, SeqCst);
            })
        };
        for _ in 0..if cfg!(miri) { 5 } else { 500 } {
            waits.thread().unpark();
            thread::yield_now();
            assert!(!finished.load(SeqCst), "finished under a guard");
        }
        drop(guard);
        waits.join().unwrap();
    }

    /// The writer changes the side while the function that took the guard by value is still
    /// returning. Miri reports a guard that has a reference.
    pub(super) fn bug_19_guard_is_dropped_by_value_while_the_writer_writes<
        S: BlockingStrategy + 'static,
    >(
        new: fn() -> S,
    ) {
        fn consume<S: BlockingStrategy>(
            guard: ReadGuard<'_, Arc<DoubleBuffer<Tracked, S>>>,
        ) -> usize {
            guard.get()
        }
        let (mut writer, reader) = handles(new);
        let rounds = if cfg!(miri) { 30 } else { 1000 };
        let writes = thread::spawn(move || {
            for value in 1..=rounds {
                writer.back_mut().set(value);
                writer.swap();
            }
        });
        let mut last = 0;
        while last < rounds {
            let seen = consume(reader.read());
            assert!(last <= seen, "{seen} after {last}");
            last = seen;
        }
        writes.join().unwrap();
    }
}
