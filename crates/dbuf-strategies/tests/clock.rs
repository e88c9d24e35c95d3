//! A clock that fails, so that a publish unwinds halfway: no guard's value changes, whichever
//! steps were made.
#![cfg(all(target_os = "linux", not(any(dbuf_loom, miri))))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

mod common;
mod failing_clock;
#[path = "common/process.rs"]
mod process;
#[path = "failing_clock/waits.rs"]
mod waits;

use std::task::{Context, Poll, Waker};

use dbuf_strategies::core::{ArcReader, ArcWriter, OpWriter, Operation, Strategy, Writer, arc};
use dbuf_strategies::{
    CountStrategy, EpochStrategy, Fence, FlashStrategy, LocalStrategy, LockStrategy, Waiter,
    Watched,
};

use failing_clock::unwinds_after;

type Handles<S> = (ArcWriter<u64, S>, ArcReader<u64, S>);

/// Publishes under a guard and with a clock that fails, and then goes on. Returns whether the
/// publish unwound.
fn publishes<S: Strategy>((mut writer, reader): Handles<S>, works: usize, reclaims: bool) -> bool {
    let old = *reader.read();
    let guard = reader.read();
    *writer.try_back_mut().unwrap() = 1;
    let unwound = unwinds_after(works, || {
        writer.start_swap();
    });
    let newest = reader.clone();
    let published = *newest.read() == 1;
    assert!(unwound || published, "a publish that returned was not made");
    if reclaims {
        let ptr = writer.ptr().clone();
        drop(writer);
        writer = Writer::claim(ptr).unwrap();
    }
    if published {
        assert!(writer.is_swapping());
        assert_eq!(writer.stragglers(), 1);
        assert!(writer.try_back_mut().is_none(), "&mut under a guard");
        assert_eq!(writer.stragglers(), 1);
        assert_eq!(*guard, old, "a guarded side was written");
    } else {
        // Nothing has changed, so the publish can be made again.
        assert!(writer.start_swap());
        assert!(writer.try_back_mut().is_none(), "&mut under a guard");
    }
    assert_eq!((*guard, *newest.read()), (old, 1));
    drop(guard);
    *writer.try_back_mut().unwrap() = 2;
    assert!(writer.start_swap());
    assert_eq!(*newest.read(), 2);
    unwound
}

/// Publishes with a clock that fails at its first, second, .. use, until a publish needs it no
/// more. Returns how often one used it.
fn uses<S: Strategy>(new: impl Fn() -> Handles<S>) -> usize {
    let uses = (0..10).find(|&works| {
        let [again, _] = [true, false].map(|reclaims| publishes(new(), works, reclaims));
        !again
    });
    uses.expect("a publish uses the clock without end")
}

/// Returns handles whose readers fence, since there were publishes without a read.
fn fenced() -> Handles<EpochStrategy> {
    let (mut writer, reader) = arc(0, 0, EpochStrategy::new());
    while writer.strategy().fence() == Fence::Asymmetric {
        assert!(writer.start_swap());
    }
    *writer.try_back_mut().unwrap() = 0;
    (writer, reader)
}

#[test]
fn clock_that_fails_gives_no_back_under_a_guard() {
    let asymmetric = arc(0, 0, EpochStrategy::new()).0.strategy().fence() == Fence::Asymmetric;
    // One use is before W1, and one after W2.
    let timed = if asymmetric { 2 } else { 0 };
    assert_eq!(uses(|| arc(0, 0, EpochStrategy::new())), timed);
    assert_eq!(uses(fenced), 0);
}

#[test]
fn forced_fences_need_no_clock() {
    for fence in [Fence::Symmetric, Fence::Asymmetric] {
        assert_eq!(uses(|| arc(0, 0, EpochStrategy::with_fence(fence))), 0);
    }
}

#[test]
fn other_strategies_need_no_clock() {
    assert_eq!(uses(|| arc(0, 0, FlashStrategy::new())), 0);
    assert_eq!(uses(|| arc(0, 0, CountStrategy::new())), 0);
    assert_eq!(uses(|| arc(0, 0, LockStrategy::new())), 0);
    assert_eq!(uses(|| arc(0, 0, LocalStrategy::new())), 0);
}

/// A watched buffer whose first publish unwound after the flip.
fn half_published() -> (Handles<Watched<EpochStrategy>>, Waiter) {
    // The claim of a first strategy uses the clock for the process.
    drop(arc(0, 0, EpochStrategy::new()));
    let inner = EpochStrategy::new();
    let (mut writer, reader) = arc(0, 0, Watched::new(inner));
    let waiter = writer.strategy().waiter();
    *writer.try_back_mut().unwrap() = 1;
    // The clock works once before W1, and fails after W2.
    assert!(unwinds_after(1, || _ = writer.start_swap()));
    ((writer, reader), waiter)
}

fn has_barrier() -> bool {
    let (writer, _reader) = arc(0, 0, EpochStrategy::new());
    writer.strategy().fence() == Fence::Asymmetric
}

/// The publish is visible, so a task that awaits one is notified.
#[test]
fn publish_that_unwound_is_announced() {
    if !has_barrier() {
        return;
    }
    let ((mut writer, reader), mut waiter) = half_published();
    assert_eq!((*reader.read(), reader.version()), (1, 1));
    writer.finish();
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(
        waiter.poll_changed(0, &mut cx),
        Poll::Ready(Ok(1)),
        "the publish was not announced"
    );
}

/// The number that is announced is the buffer's version, even after an unwind.
#[test]
fn announced_number_is_the_version_after_an_unwind() {
    if !has_barrier() {
        return;
    }
    let ((mut writer, reader), waiter) = half_published();
    writer.store(2);
    assert_eq!((reader.version(), waiter.version()), (2, 2));
}

/// A task that knows version 1 by a guard and awaits a newer one does not miss version 2.
#[test]
fn task_that_knows_the_version_is_notified_of_the_next() {
    if !has_barrier() {
        return;
    }
    let ((mut writer, reader), mut waiter) = half_published();
    let last_seen = reader.version();
    writer.store(2);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(
        waiter.poll_changed(last_seen, &mut cx).is_ready(),
        "version 2 is published"
    );
}

/// A publish whose start unwinds before the flip has published nothing, and loses no kept
/// changes.
#[test]
fn kept_changes_survive_a_publish_that_was_not_made() {
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
    // The clock fails at its first use, before W1.
    let unwound = unwinds_after(0, || _ = writer.publish());
    assert!(unwound && *reader.read() == 0, "the publish was made");
    writer.write().publish();
    writer.publish();
    assert_eq!(*reader.read(), 1, "kept changes are lost");
}
