//! Bugs that other double buffers had, each pinned by a test that is named after it. The table
//! in `docs/verification.md` has the numbers, and the tests of bugs that are not here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::thread;

use dbuf_strategies::core::{
    ArcReader, ArcWriter, BlockingStrategy, DoubleBuffer, ReadGuard, split,
};
use dbuf_strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use dbuf_testing::Tracked;
use dbuf_testing::suite::{self, buffer};

trait Concurrent: BlockingStrategy + Default + 'static {}
impl<S> Concurrent for S where S: BlockingStrategy + Default + 'static {}

type Handles<S> = (ArcWriter<Tracked, S, u32>, ArcReader<Tracked, S, u32>);

fn handles<S: Concurrent>() -> Handles<S> {
    split(make::<S>()).unwrap()
}

fn make<S: Concurrent>() -> Arc<DoubleBuffer<Tracked, S, u32>> {
    Arc::new(buffer(S::default()))
}

/// Makes a test of a generic function, over every concurrent strategy.
macro_rules! pinned {
    ($($name:ident => $body:expr;)+) => {
        $(
            #[test]
            fn $name() {
                fn body<S: Concurrent>() {
                    $body
                }
                body::<CountStrategy>();
                body::<EpochStrategy>();
                body::<FlashStrategy>();
                body::<LockStrategy>();
            }
        )+
    };
}

pinned! {
    bug_02_reader_is_cloned_and_dropped_under_a_guard_while_publish_waits =>
        clones_while_the_writer_waits::<S>();
    bug_03_reader_made_after_odd_swaps_starts_on_the_right_side =>
        suite::reader_made_after_odd_swaps_sees_the_front(make::<S>);
    bug_03_reader_made_during_a_swap_starts_on_the_right_side =>
        suite::reader_made_during_a_swap_sees_the_front(make::<S>);
    bug_05_reader_leaves_the_side_it_entered =>
        suite::nested_guards_go_in_any_order(make::<S>);
    bug_09_waker_registered_after_the_look_is_not_lost =>
        suite::last_leave_on_another_thread_wakes_the_writer(make::<S>);
    bug_10_stale_unpark_and_spurious_wakes_do_not_end_a_wait =>
        spurious_wakes::<S>();
    bug_10_second_waker_replaces_the_first =>
        suite::newest_waker_replaces_the_others(make::<S>);
    bug_11_cancelled_swap_is_not_forgotten =>
        suite::cancelled_wait_gives_no_back(make::<S>);
    bug_12_log_is_drained_and_a_refused_batch_applies_nothing =>
        suite::log_without_waiting_keeps_the_copies_equal(make::<S>);
    bug_13_panic_in_an_op_poisons_nothing =>
        suite::panicking_op_is_rolled_back(make::<S>);
    bug_16_forgotten_batch_is_not_replayed_onto_its_own_copy =>
        suite::forgotten_batch_is_rolled_back(make::<S>);
    bug_17_forgotten_guard_makes_no_drop_hang_or_panic =>
        suite::forgotten_guard_only_delays_the_writer(make::<S>);
    bug_19_guard_is_dropped_by_value_while_the_writer_writes =>
        guards_dropped_by_value::<S>();
    bug_20_only_a_leave_that_is_waited_for_wakes =>
        suite::waker_is_called_by_the_last_leave(make::<S>);
    bug_26_transaction_publishes_all_or_nothing =>
        suite::transact_is_all_or_nothing(make::<S>);
}

/// A thread has the guard that a writer waits for, and clones, uses and drops readers
/// meanwhile.
fn clones_while_the_writer_waits<S: Concurrent>() {
    let (mut writer, reader) = handles::<S>();
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
fn spurious_wakes<S: Concurrent>() {
    let (mut writer, reader) = handles::<S>();
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
fn guards_dropped_by_value<S: Concurrent>() {
    fn consume<S: Concurrent>(guard: ReadGuard<'_, Arc<DoubleBuffer<Tracked, S, u32>>>) -> usize {
        guard.get()
    }
    let (mut writer, reader) = handles::<S>();
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
        assert!(last <= seen);
        last = seen;
    }
    writes.join().unwrap();
}
