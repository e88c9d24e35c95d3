//! Guards of shared handles: what they show, and which a thread has.

use std::mem::forget;
use std::thread;

use dbuf_strategies::core::{
    BlockingStrategy, MappedSharedReadGuard, OwnedReadGuard, ReadGuard, SharedReadGuard,
};
use dbuf_strategies::{EpochStrategy, FlashStrategy, LockStrategy};
use dbuf_testing::Tracked;

use super::pair;
use crate::common::{assert_no_guard, elsewhere, unwinds};

pub(super) fn many_threads_read_one_handle<S: BlockingStrategy>(new: fn() -> S) {
    let (mut writer, shared) = pair(new());
    let last = if cfg!(miri) { 10 } else { 1000 };
    thread::scope(|scope| {
        for _ in 0..3 {
            let shared = &shared;
            scope.spawn(move || {
                let mut seen = 0;
                while seen < last {
                    let outer = shared.read();
                    let inner = shared.clone();
                    let inner = inner.read();
                    assert!(seen <= outer.get(), "{} after {seen}", outer.get());
                    assert!(
                        outer.get() <= inner.get(),
                        "an older value in a newer guard"
                    );
                    seen = inner.get();
                }
            });
        }
        for value in 1..=last {
            writer.back_mut().set(value);
            writer.start_swap();
        }
    });
}

/// The writer waits for as long as a guard on its side lives, nested or not.
#[test]
fn nested_guards_are_independent() {
    let (mut writer, shared) = pair(EpochStrategy::new());
    let outer = shared.read();
    writer.back_mut().set(1);
    writer.start_swap();
    let inner = shared.read();
    assert_eq!((outer.get(), inner.get()), (0, 1));
    assert!(writer.try_back_mut().is_none());
    drop(outer);
    writer.try_back_mut().unwrap().set(2);
    writer.start_swap();
    assert_eq!(inner.get(), 1);
    assert!(writer.try_back_mut().is_none());
    drop(inner);
    assert!(writer.try_back_mut().is_some());
    assert_eq!(shared.read().get(), 2);
}

#[test]
fn guards_narrow_and_know_their_version() {
    let (_writer, shared) = pair(FlashStrategy::new());
    let guard: SharedReadGuard<'_, _> = shared.read();
    assert_eq!(SharedReadGuard::version(&guard), 0);
    let mapped = SharedReadGuard::map(guard, |value, _| value);
    assert_eq!(mapped.get(), 0);
}

/// If the closure that narrows a guard panics, the guard is released.
#[test]
fn guard_is_released_when_its_narrowing_panics() {
    fn no<'a>(_: &'a Tracked, (): &'a ()) -> &'a Tracked {
        panic!("closure")
    }
    fn no_part<'a>(_: &'a Tracked, (): &'a ()) -> Option<&'a Tracked> {
        panic!("closure")
    }

    let (mut writer, shared) = pair(LockStrategy::new());
    let reader = writer.reader();
    let whole = || SharedReadGuard::map(shared.read(), |value, _| value);
    let narrowings: [&dyn Fn(); 6] = [
        &|| drop(ReadGuard::map(reader.read(), no)),
        &|| drop(ReadGuard::try_map(reader.read(), no_part)),
        &|| drop(SharedReadGuard::map(shared.read(), no)),
        &|| drop(SharedReadGuard::try_map(shared.read(), no_part)),
        &|| drop(MappedSharedReadGuard::map(whole(), no)),
        &|| drop(MappedSharedReadGuard::try_map(whole(), no_part)),
    ];
    for narrowing in narrowings {
        assert!(unwinds(narrowing));
        assert!(!shared.has_guard());
        assert!(writer.try_swap(), "a guard was not released");
    }
}

#[test]
fn owned_guard_gives_its_reader_back() {
    let (mut writer, shared) = pair(EpochStrategy::new());
    let guard = Box::new(writer.reader()).into_guard();
    writer.back_mut().set(1);
    writer.start_swap();
    assert_eq!(guard.get(), 0);
    let moved = Box::new(guard);
    assert!(!writer.try_finish());
    let reader = OwnedReadGuard::into_reader(*moved);
    assert!(writer.try_finish());
    assert_eq!((reader.read().get(), shared.read().get()), (1, 1));
    drop(reader.into_guard());
    assert_no_guard(&mut writer);
}

/// A thread knows whether it has a guard, in whatever order guards are nested and dropped, and
/// does not count those of other threads.
#[test]
fn a_thread_knows_of_its_own_guards_only() {
    let (_writer, shared) = pair(EpochStrategy::new());
    assert!(!shared.has_guard(), "before the first read");
    drop(shared.read());
    // Every order in which three nested guards can be dropped.
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut guards = [(); 3].map(|()| Some(shared.read()));
        for last in order {
            assert!(shared.clone().has_guard());
            elsewhere(|| assert!(!shared.has_guard(), "another thread's guard"));
            guards[last] = None;
        }
        assert!(!shared.has_guard(), "dropped as {order:?}");
        // One more guard between the drops.
        let first = shared.read();
        let second = shared.read();
        drop(first);
        let third = shared.read();
        drop(second);
        assert!(shared.has_guard());
        drop(third);
        assert!(!shared.has_guard());
    }
    let other = pair(EpochStrategy::new()).1;
    let _guard = other.read();
    assert!(!shared.has_guard(), "a guard of another buffer");
}

/// A new thread does not inherit the forgotten guard of one that ended.
#[test]
fn a_forgotten_guard_is_not_inherited() {
    let (_writer, shared) = pair(FlashStrategy::new());
    for _ in 0..10 {
        elsewhere(|| {
            assert!(!shared.has_guard());
            drop(shared.read());
            forget((shared.read(), shared.read()));
            assert!(shared.has_guard());
        });
    }
    elsewhere(|| {
        drop(shared.read());
        assert!(!shared.has_guard());
    });
}

/// A read by closure is a read like any other: it may be nested, is counted while it lasts, and
/// ends when the closure unwinds.
#[test]
fn a_read_by_closure_is_a_read() {
    let (mut writer, shared) = pair(EpochStrategy::new());
    for _ in 0..3 {
        assert_eq!(shared.with(|value, ()| value.get()), 0);
        shared.with(|outer, ()| {
            assert!(shared.has_guard());
            let guard = shared.read();
            assert_eq!(shared.with(|inner, ()| inner.get()), outer.get());
            drop(guard);
            assert!(shared.has_guard());
        });
        assert!(!shared.has_guard());
        assert!(unwinds(|| shared.with(|_, ()| panic!("closure"))));
        assert!(!shared.has_guard());
    }
    // A guard that is taken in the closure and dropped after it.
    let late = shared.with(|_, ()| shared.read());
    assert!(shared.has_guard());
    writer.start_swap();
    assert!(!writer.try_finish());
    drop(late);
    assert!(writer.try_finish(), "the guard was not released");
    assert!(!shared.has_guard());
}
