//! Guards that are refreshed.

use core::task::{Context, Poll};
use std::panic::{AssertUnwindSafe, catch_unwind};

use dbuf_core::{BufferPtr, ReadGuard, Reader, Writer, split};

use super::harness::SuitePtr;
use super::wakers::{Count, panicking_wake};

/// Publishes a value; no guard holds the back.
fn publish<P: SuitePtr>(writer: &mut Writer<P>, value: usize) {
    writer.try_back_mut().unwrap().set(value);
    assert!(writer.start_swap());
}

fn shows<P: BufferPtr<Value = crate::tracked::Tracked>>(
    guard: &ReadGuard<'_, P>,
    value: usize,
) -> bool {
    guard.get() == value && ReadGuard::version(guard) == value as u64
}

/// `refresh` moves a kept guard to the newest value, and returns whether there was one.
pub fn refresh_shows_the_newest<P: SuitePtr>(new: impl Fn() -> P) {
    let (mut writer, reader) = split(new()).unwrap();
    let mut guard = reader.read();
    for value in 1..=5 {
        publish(&mut writer, value);
        assert!(shows(&guard, value - 1));
        assert!(ReadGuard::refresh(&mut guard));
        assert!(shows(&guard, value));
        assert!(writer.try_finish(), "the refresh released the old side");
        for _ in 0..2 {
            assert!(!ReadGuard::refresh(&mut guard), "nothing is new");
            assert!(shows(&guard, value));
        }
    }
    // It holds its side like any guard.
    publish(&mut writer, 6);
    assert!(writer.try_back_mut().is_none());
    drop(guard);
    assert!(writer.try_back_mut().is_some());
}

/// S6: a refresh is a leave, and wakes a waiting writer.
pub fn refresh_wakes_the_writer<P: SuitePtr>(new: impl Fn() -> P) {
    let (mut writer, reader) = split(new()).unwrap();
    let mut guard = reader.read();
    publish(&mut writer, 1);
    let (count, waker) = Count::waker();
    let mut cx = Context::from_waker(&waker);
    assert_eq!(writer.poll_finish(&mut cx), Poll::Pending);
    assert!(ReadGuard::refresh(&mut guard));
    assert_eq!(count.wakes(), 1);
    assert_eq!(writer.poll_finish(&mut cx), Poll::Ready(()));
    assert!(!ReadGuard::refresh(&mut guard));
    assert_eq!(count.wakes(), 1);
}

/// Guards of one reader are refreshed in either order, while other guards are not.
pub fn nested_guards_are_refreshed_in_any_order<P: SuitePtr>(new: impl Fn() -> P) {
    for first in [0, 1] {
        let (mut writer, reader) = split(new()).unwrap();
        let mut kept = [reader.read(), reader.read()];
        let other = reader.read();
        publish(&mut writer, 1);
        let newer = reader.read();
        for at in [first, 1 - first] {
            assert!(ReadGuard::refresh(&mut kept[at]));
            assert!(shows(&kept[at], 1) && !writer.try_finish());
        }
        assert!(shows(&other, 0) && shows(&newer, 1));
        drop(other);
        assert!(writer.try_finish());
        publish(&mut writer, 2);
        drop(newer);
        for at in [first, 1 - first] {
            assert!(!writer.try_finish());
            assert!(ReadGuard::refresh(&mut kept[at]));
        }
        assert!(shows(&kept[0], 2) && shows(&kept[1], 2));
        assert!(writer.try_finish());
        let [one, two] = kept;
        drop(one);
        publish(&mut writer, 3);
        assert!(!writer.try_finish());
        drop(two);
        assert!(writer.try_finish());
    }
}

/// S7: if the waker panics in a refresh, the guard is up to date and its old side is released
/// once.
pub fn waker_that_panics_leaves_the_guard_refreshed<P: SuitePtr>(new: impl Fn() -> P) {
    let (mut writer, reader) = split(new()).unwrap();
    let mut guard = reader.read();
    publish(&mut writer, 1);
    let waker = panicking_wake();
    let polled = writer.poll_finish(&mut Context::from_waker(&waker));
    assert_eq!(polled, Poll::Pending);
    let refresh = AssertUnwindSafe(|| ReadGuard::refresh(&mut guard));
    assert!(catch_unwind(refresh).is_err());
    assert!(shows(&guard, 1));
    assert!(writer.try_finish());
    assert!(!ReadGuard::refresh(&mut guard));
    publish(&mut writer, 2);
    assert!(!writer.try_finish(), "the guard still holds its side");
    drop(guard);
    assert!(writer.try_finish());
    check_unheld(&mut writer, &reader);
}

/// Checks that no guard is counted any more.
fn check_unheld<P: SuitePtr>(writer: &mut Writer<P>, reader: &Reader<P>) {
    for _ in 0..2 {
        assert!(writer.start_swap() && writer.try_finish());
        drop(reader.read());
    }
}
