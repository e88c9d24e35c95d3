//! Wake-ups of a writer that waits for either of two sides.

use core::task::{Context, Poll, Waker};
use std::panic::{AssertUnwindSafe, catch_unwind};

use dbuf_core::{ReadGuard, Reader, Writer};

use super::harness::SuitePtr;
use super::spare::{Log, publish, with_spare};
use super::wakers::{Count, panicking_wake};

fn poll<P: SuitePtr>(writer: &mut Log<P>, waker: &Waker) -> Poll<()> {
    writer.poll_finish(&mut Context::from_waker(waker))
}

fn with_two_readers<P: SuitePtr>(ptr: P) -> Option<(Log<P>, [Reader<P>; 2])> {
    let (writer, reader) = with_spare(ptr)?;
    let other = reader.clone();
    Some((writer, [reader, other]))
}

/// S6, S13: a waiting writer is woken by the last leave of either side, and by no other leave.
pub fn waker_is_called_by_the_last_leave_of_either_side<P: SuitePtr>(new: impl Fn() -> P) {
    for one_reader in [false, true] {
        for goes in 0..2 {
            let Some((mut writer, readers)) = with_two_readers(new()) else {
                return;
            };
            let of = |at: usize| &readers[if one_reader { 0 } else { at }];
            let (count, waker) = Count::waker();
            let mut guards = Vec::new();
            for value in 1..3 {
                guards.push(Some((of(value - 1).read(), of(value - 1).read())));
                assert!(publish(&mut writer, value));
            }
            assert_eq!(poll(&mut writer, &waker), Poll::Pending);
            drop((readers[0].read(), readers[1].read()));
            let (last, twin) = guards[goes].take().unwrap();
            drop(twin);
            assert_eq!(count.wakes(), 0, "neither side is free");
            drop(last);
            assert_eq!(count.wakes(), 1);
            assert_eq!(writer.try_finish(), goes == 1);
            assert!(publish(&mut writer, 3));
            let (one, _two) = guards[1 - goes].as_ref().unwrap();
            assert_eq!((one.get(), count.wakes()), (1 - goes, 1));
            // The writer does not wait any more.
            drop(guards);
            assert_eq!(count.wakes(), 1);
        }
    }
}

/// S6: a leave of the spare side wakes the writer only while the writer waits for it.
pub fn leave_of_the_spare_side_wakes_a_waiting_writer<P: SuitePtr>(new: impl Fn() -> P) {
    let Some((mut writer, readers)) = with_two_readers(new()) else {
        return;
    };
    let (count, waker) = Count::waker();
    let first = readers[0].read();
    assert!(publish(&mut writer, 1));
    assert_eq!(poll(&mut writer, &waker), Poll::Pending);
    assert!(writer.set_aside());
    // The writer no longer needs the side that this poll waited for.
    let before = count.wakes();
    assert!(publish(&mut writer, 2));
    assert!(writer.try_finish());
    assert_eq!((first.get(), count.wakes()), (0, before));
    // A poll after the last leave of the spare side registers for the back alone.
    let second = readers[1].read();
    assert!(publish(&mut writer, 3));
    drop(first);
    let before = count.wakes();
    assert_eq!(poll(&mut writer, &waker), Poll::Pending);
    assert!(writer.spare_stragglers() == 0 && !writer.try_finish());
    assert_eq!(count.wakes(), before);
    drop(second);
    assert_eq!(count.wakes(), before + 1);
    assert_eq!(poll(&mut writer, &waker), Poll::Ready(()));
    assert!(publish(&mut writer, 4));
}

/// S6, S7: if the waker panics in a leave of the spare side, the side is free.
pub fn waker_that_panics_frees_the_spare_side<P: SuitePtr>(new: impl Fn() -> P) {
    for refreshes in [false, true] {
        let Some((mut writer, readers)) = with_two_readers(new()) else {
            return;
        };
        let mut first = readers[0].read();
        assert!(publish(&mut writer, 1));
        let second = readers[1].read();
        assert!(publish(&mut writer, 2));
        assert_eq!(poll(&mut writer, &panicking_wake()), Poll::Pending);
        if refreshes {
            let refresh = AssertUnwindSafe(|| ReadGuard::refresh(&mut first));
            assert!(catch_unwind(refresh).is_err());
            assert_eq!(first.get(), 2);
        } else {
            assert!(catch_unwind(AssertUnwindSafe(|| drop(first))).is_err());
        }
        assert_eq!(writer.spare_stragglers(), 0);
        assert!(publish(&mut writer, 3));
        assert_eq!((second.get(), readers[0].read().get()), (1, 3));
    }
}

/// A cancelled poll and a new claim lose no wake.
pub fn cancelled_wait_for_either_side_is_taken_up_again<P: SuitePtr>(new: impl Fn() -> P) {
    for goes in 0..2 {
        let ptr = new();
        let Some((mut writer, readers)) = with_two_readers(ptr.clone()) else {
            return;
        };
        let mut guards = Vec::new();
        for value in 1..3 {
            guards.push(readers[value - 1].read());
            assert!(publish(&mut writer, value));
        }
        let (cancelled, waker) = Count::waker();
        assert_eq!(poll(&mut writer, &waker), Poll::Pending);
        drop(waker);
        drop(writer);
        let mut writer = Log::new(Writer::claim(ptr).unwrap());
        let (count, waker) = Count::waker();
        assert_eq!(poll(&mut writer, &waker), Poll::Pending);
        drop(guards.swap_remove(goes));
        assert_eq!((cancelled.wakes(), count.wakes()), (0, 1));
        assert!(publish(&mut writer, 3));
        assert_eq!(guards[0].get(), 1 - goes);
    }
}
