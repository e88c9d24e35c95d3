//! Review: a publish that unwinds after W1 (the clock fails) is never announced by `Watched`,
//! and the announced number lags behind the buffer's version ever after.
#![cfg(all(target_os = "linux", feature = "watch", not(any(dbuf_loom, miri))))]
#![allow(clippy::std_instead_of_alloc, clippy::std_instead_of_core)]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};

use dbuf_strategies::core::arc;
use dbuf_strategies::{EpochStrategy, Fence, Watched};

thread_local! {
    static WORKS: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// # Safety
///
/// As for the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(id: libc::clockid_t, time: *mut libc::timespec) -> i32 {
    let left = WORKS.try_with(|works| works.replace(works.get().saturating_sub(1)));
    if left == Ok(0) {
        // SAFETY: as in `clock.rs`.
        unsafe { *libc::__errno_location() = libc::EPERM };
        return -1;
    }
    // SAFETY: the caller's promises.
    unsafe { libc::syscall(libc::SYS_clock_gettime, id, time) as i32 }
}

fn half_published() -> (
    dbuf_strategies::core::ArcWriter<u64, Watched<EpochStrategy>>,
    dbuf_strategies::core::ArcReader<u64, Watched<EpochStrategy>>,
    dbuf_strategies::Waiter,
    bool,
) {
    // A first strategy makes the claim's own use of the clock.
    drop(arc(0, 0, EpochStrategy::new()));
    let inner = EpochStrategy::new();
    let (mut writer, reader) = arc(0, 0, Watched::new(inner));
    let waiter = writer.strategy().waiter();
    *writer.try_back_mut().unwrap() = 1;
    // Once before W1, and not after W2.
    WORKS.set(1);
    let unwound = catch_unwind(AssertUnwindSafe(|| writer.start_swap())).is_err();
    WORKS.set(usize::MAX);
    (writer, reader, waiter, unwound)
}

fn has_barrier() -> bool {
    let (writer, _reader) = arc(0, 0, EpochStrategy::new());
    writer.strategy().fence() == Fence::Asymmetric
}

/// The publish is visible, so whoever awaits one must be told of it, at the latest when the
/// writer looks again ("the next call finds out").
#[test]
fn publish_that_unwound_is_announced_by_the_next_look() {
    if !has_barrier() {
        return;
    }
    let (mut writer, reader, mut waiter, unwound) = half_published();
    assert!(unwound && *reader.read() == 1 && reader.version() == 1);
    writer.finish();
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(waiter.poll_newer(0, &mut cx), Poll::Ready(Ok(1)), "missed for good");
}

/// "The number is the buffer's ... so they agree, over any number of claims."
#[test]
fn number_stays_the_buffers() {
    if !has_barrier() {
        return;
    }
    let (mut writer, reader, waiter, unwound) = half_published();
    assert!(unwound);
    writer.store(2);
    assert_eq!((reader.version(), waiter.version()), (2, 2));
}

/// A task that read version 1 under a guard and awaits a newer one sleeps through version 2.
#[test]
fn later_publish_wakes_who_knows_the_buffers_version() {
    if !has_barrier() {
        return;
    }
    let (mut writer, reader, mut waiter, unwound) = half_published();
    assert!(unwound);
    let told = reader.version();
    writer.store(2);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(waiter.poll_newer(told, &mut cx).is_ready(), "version 2 is out, and nobody is told");
}

/// "Kept: out of reach of every later rollback." A publish whose start unwinds *before* W1 has
/// flipped nothing, but `OpWriter::swap` has set `kept` to 0 already, and resyncs from a front
/// that never had what was kept.
#[test]
fn kept_changes_survive_a_publish_that_was_not_made() {
    use dbuf_strategies::core::{OpWriter, Operation};

    struct Add(u64);
    impl Operation<u64> for Add {
        fn apply(&mut self, target: &mut u64, (): &()) {
            *target += self.0;
        }
    }

    if !has_barrier() {
        return;
    }
    let (writer, reader) = arc(0, 0, EpochStrategy::new());
    let mut writer = OpWriter::<_, Add>::new(writer);
    let mut batch = writer.write();
    batch.apply(Add(1));
    batch.keep();
    // At its first use, before W1.
    WORKS.set(0);
    let unwound = catch_unwind(AssertUnwindSafe(|| writer.publish())).is_err();
    WORKS.set(usize::MAX);
    assert!(unwound && *reader.read() == 0, "it was not made");
    writer.write().publish();
    writer.publish();
    assert_eq!(*reader.read(), 1, "what was kept is lost");
}
