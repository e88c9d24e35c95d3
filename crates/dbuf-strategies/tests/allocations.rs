//! Each allocation fails once: the process ends as `handle_alloc_error` ends it, and before that
//! every guard and both copies are right.
#![cfg(all(unix, not(any(dbuf_loom, miri))))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::sync::{Arc, Barrier};
use std::task::{Context, Waker};
use std::thread;

use dbuf_strategies::core::{
    BlockingStrategy, ConcurrentCell, DoubleBuffer, OpWriter, Operation, Strategy, arc, split,
};
use dbuf_strategies::{CountStrategy, EpochStrategy, Fence, FlashStrategy, LockStrategy, Watched};
use dbuf_testing::failing::{Failing, each_allocation_fails};

#[global_allocator]
static ALLOCATOR: Failing = Failing;

struct Push(u64);

impl Operation<Vec<u64>> for Push {
    fn apply(&mut self, target: &mut Vec<u64>, (): &()) {
        target.push(self.0);
    }
}

/// Makes readers, publishes under a guard and sets its side aside, rolls back, and waits for a
/// reader on another thread.
fn uses_the_log<S>(strategy: S)
where
    S: BlockingStrategy + Strategy<ReaderToken: Send> + 'static,
{
    let (writer, reader) = arc(vec![0], vec![0], strategy);
    let mut writer = OpWriter::<_, Push>::new(writer);
    let readers: Vec<_> = (0..4).map(|_| reader.clone()).collect();
    let shared = reader.shared();
    let guard = reader.read();
    writer.write().apply(Push(1));
    assert_eq!((&**guard, &*shared.read()), (&[0][..], &vec![0, 1]));
    assert!(writer.set_aside());
    let mut batch = writer.write();
    batch.apply(Push(2));
    batch.publish();
    let mut batch = writer.write();
    batch.apply(Push(3));
    batch.rollback();
    let mut batch = writer.write();
    batch.apply(Push(3));
    batch.keep();
    assert_eq!((&**guard, &**readers[0].read()), (&[0][..], &[0, 1, 2][..]));
    drop(guard);
    writer.publish();
    writer.catch_up();
    let held = Barrier::new(2);
    thread::scope(|scope| {
        let reads = scope.spawn(|| {
            let guard = shared.read();
            held.wait();
            assert_eq!(*guard, [0, 1, 2, 3]);
        });
        held.wait();
        writer.write().apply(Push(4));
        drop(writer.write());
        // Its destructors, too, have run: they allocate.
        reads.join().unwrap();
    });
    drop((reader, readers, shared));
    let copies = writer.into_writer().try_into_buffers().ok().unwrap();
    assert_eq!(copies, (vec![0, 1, 2, 3, 4], vec![0, 1, 2, 3, 4]));
}

/// Polls a wait for a guard with a waker that is registered.
fn polls<S: Strategy>(strategy: S) {
    let (mut writer, reader) = arc(0, 0, strategy);
    let guard = reader.read();
    *writer.try_back_mut().unwrap() = 1;
    assert!(writer.start_swap());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(writer.poll_finish(&mut cx).is_pending());
    assert_eq!((*guard, *reader.read()), (0, 1));
    drop(guard);
    assert!(writer.poll_finish(&mut cx).is_ready());
}

fn uses_the_cell<S: BlockingStrategy>(strategy: S) {
    let cell = ConcurrentCell::with_strategy(vec![0], strategy);
    let guard = cell.read();
    cell.store(vec![1]);
    cell.update(|list| list.push(2));
    let newest = cell.read();
    assert_eq!((&**guard, &**newest), (&[0][..], &[1, 2][..]));
    cell.store(vec![3]);
    assert_eq!((&**guard, &**newest), (&[0][..], &[1, 2][..]));
    drop((guard, newest));
    assert_eq!(cell.into_inner(), [3]);
}

fn uses<S>(new: fn() -> S)
where
    S: BlockingStrategy + Strategy<ReaderToken: Send> + 'static,
{
    uses_the_log(new());
    polls(new());
    uses_the_cell(new());
}

fn check<S>(test: &str, least: usize, new: fn() -> S)
where
    S: BlockingStrategy + Strategy<ReaderToken: Send> + 'static,
{
    let ends = each_allocation_fails(test, || uses(new));
    println!("{test}: {ends:?}");
    // No call has an error for it.
    assert!(ends.aborted >= least && ends.went_on == 0, "{ends:?}");
}

#[test]
fn failed_allocation_with_epoch_ends_the_process() {
    check(
        "failed_allocation_with_epoch_ends_the_process",
        20,
        EpochStrategy::new,
    );
}

#[test]
fn failed_allocation_with_fences_ends_the_process() {
    check("failed_allocation_with_fences_ends_the_process", 20, || {
        EpochStrategy::with_fence(Fence::Symmetric)
    });
}

#[test]
fn failed_allocation_with_flash_ends_the_process() {
    check(
        "failed_allocation_with_flash_ends_the_process",
        20,
        FlashStrategy::new,
    );
}

#[test]
fn failed_allocation_with_count_ends_the_process() {
    check(
        "failed_allocation_with_count_ends_the_process",
        20,
        CountStrategy::new,
    );
}

#[test]
fn failed_allocation_with_lock_ends_the_process() {
    check(
        "failed_allocation_with_lock_ends_the_process",
        20,
        LockStrategy::new,
    );
}

#[test]
fn failed_allocation_of_a_watched_buffer_ends_the_process() {
    let ends = each_allocation_fails(
        "failed_allocation_of_a_watched_buffer_ends_the_process",
        || {
            let buffer = DoubleBuffer::new(0, 0, Watched::new(EpochStrategy::new()));
            let mut waiters: Vec<_> = (0..6).map(|_| buffer.strategy().waiter()).collect();
            let (mut writer, reader) = split(Arc::new(buffer)).unwrap();
            let mut cx = Context::from_waker(Waker::noop());
            for waiter in &mut waiters {
                assert!(waiter.poll_changed(0, &mut cx).is_pending());
            }
            writer.store(1);
            for waiter in &mut waiters {
                assert!(waiter.poll_changed(0, &mut cx).is_ready());
            }
            assert_eq!(*reader.read(), 1);
        },
    );
    assert!(ends.aborted >= 6 && ends.went_on == 0, "{ends:?}");
}
