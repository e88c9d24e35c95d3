//! Guards that are kept and refreshed, beyond what the suite tests: which are current, and
//! guards of every kind.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use dbuf_strategies::core::{
    BlockingStrategy, OwnedReadGuard, ReadGuard, SharedReadGuard, Strategy, arc,
};
use dbuf_strategies::{CountStrategy, EpochStrategy, FlashStrategy};

use crate::common::{assert_no_guard, with_every_strategy};

with_every_strategy! { local, each:
    guard_is_current_until_a_swap_of_every_strategy
    checks_cost_a_kept_guard_one_renewal_of_every_strategy
}

with_every_strategy! { each:
    kept_guards_are_refreshed_of_every_strategy
}

mod each {
    use super::*;

    /// A guard is current until a swap. Without this, a refresh would be correct, but take a new
    /// guard each time.
    #[expect(
        clippy::multiple_unsafe_ops_per_block,
        reason = "one promise holds for all of them"
    )]
    pub(super) fn guard_is_current_until_a_swap_of_every_strategy<S: Strategy>(new: fn() -> S) {
        let strategy = new();
        let mut writer = strategy.try_claim_writer().unwrap();
        let reader = strategy.new_reader();
        // SAFETY: the tokens are this strategy's and stay on this thread (C1, C4, C6), each
        // guard is released once (C3), swaps start when finished (C2) and there is no data.
        unsafe {
            let mut guard = strategy.acquire(&reader);
            for _ in 0..3 {
                assert!(strategy.is_current(&reader, &guard));
                strategy.start_swap(&mut writer);
                assert!(!strategy.is_current(&reader, &guard));
                let new = strategy.acquire(&reader);
                strategy.release(&reader, guard);
                assert!(strategy.try_finish(&mut writer));
                assert!(strategy.is_current(&reader, &new));
                guard = new;
            }
            strategy.release(&reader, guard);
            strategy.release_writer(writer);
        }
    }

    /// While a swap waits for another reader, a guard on the front is renewed once at most.
    #[expect(
        clippy::multiple_unsafe_ops_per_block,
        reason = "one promise holds for all of them"
    )]
    pub(super) fn checks_cost_a_kept_guard_one_renewal_of_every_strategy<S: Strategy>(
        new: fn() -> S,
    ) {
        let strategy = new();
        let mut writer = strategy.try_claim_writer().unwrap();
        let [reader, other] = [strategy.new_reader(), strategy.new_reader()];
        // SAFETY: the tokens are this strategy's and stay on this thread (C1, C4, C6), each guard is
        // released once (C3), swaps start when finished (C2) and there is no data.
        unsafe {
            for _ in 0..3 {
                let straggler = strategy.acquire(&other);
                strategy.start_swap(&mut writer);
                let guard = strategy.acquire(&reader);
                assert!(strategy.is_current(&reader, &guard));
                assert!(!strategy.try_finish(&mut writer));
                let kept = strategy.acquire(&reader);
                strategy.release(&reader, guard);
                for _ in 0..3 {
                    assert!(strategy.is_current(&reader, &kept));
                    assert!(!strategy.try_finish(&mut writer));
                }
                strategy.release(&other, straggler);
                assert!(strategy.try_finish(&mut writer));
                assert!(strategy.is_current(&reader, &kept));
                strategy.release(&reader, kept);
            }
            strategy.release_writer(writer);
        }
    }

    /// Readers that always keep a guard see every publish, and the writer waits for each of them
    /// in turn.
    pub(super) fn kept_guards_are_refreshed_of_every_strategy<S>(new: fn() -> S)
    where
        S: BlockingStrategy,
    {
        let (mut writer, reader) = arc(0, 0, new());
        let shared = &reader.shared();
        let last = if cfg!(miri) { 10 } else { 100 };
        let (moves, ready) = (&AtomicUsize::new(0), &Barrier::new(3));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(move || {
                    let mut guard = shared.read();
                    ready.wait();
                    while *guard < last {
                        let before = *guard;
                        if SharedReadGuard::refresh(&mut guard) {
                            assert!(*guard > before, "{} after {before}", *guard);
                            moves.fetch_add(1, SeqCst);
                        } else {
                            assert_eq!(*guard, before);
                            thread::yield_now();
                        }
                    }
                });
            }
            ready.wait();
            for value in 1..=last {
                writer.store(value);
            }
        });
        let moves = moves.load(SeqCst);
        assert!(
            moves >= 2,
            "the second publish waits for two guards: {moves}"
        );
    }
}

/// Follows ten publishes with one guard.
macro_rules! follows {
    ($Guard:ident, $guard:expr, $publish:expr) => {{
        let (mut guard, mut publish) = ($guard, $publish);
        for value in 1..=10 {
            publish(value);
            assert_eq!(*guard, value - 1);
            assert!($Guard::refresh(&mut guard));
            assert_eq!((*guard, $Guard::version(&guard)), (value, value.into()));
            assert!(!$Guard::refresh(&mut guard));
        }
        guard
    }};
}

#[test]
fn guards_of_every_kind_are_refreshed() {
    let (mut writer, reader) = arc(0, 0, EpochStrategy::new());
    drop(follows!(ReadGuard, reader.read(), |value: u32| writer.store(value)));
    let (mut writer, reader) = arc(0, 0, FlashStrategy::new());
    let guard = Box::new(reader).into_guard();
    let guard = follows!(OwnedReadGuard, guard, |value: u32| writer.store(value));
    let reader = OwnedReadGuard::into_reader(guard);
    assert_no_guard(&mut writer);
    drop(reader);
    let (mut writer, reader) = arc(0, 0, EpochStrategy::new());
    let shared = reader.shared();
    let guard = follows!(SharedReadGuard, shared.read(), |value: u32| writer
        .store(value));
    assert!(shared.has_guard());
    drop(guard);
    assert!(!shared.has_guard());
    let (mut writer, reader) = arc(0, 0, CountStrategy::new());
    drop(reader);
    let weak = writer.weak_reader();
    let mut guard = follows!(ReadGuard, weak.try_read().unwrap(), |value: u32| writer
        .store(value));
    drop(writer);
    assert!(!ReadGuard::refresh(&mut guard));
    assert_eq!(*guard, 10, "it keeps the buffer");
    drop(guard);
    assert!(weak.try_read().is_err());
}
