//! Guards that are kept, and the writer that goes on without them.
//!
//! For a strategy whose spare side is never free these bodies check that, and nothing else.

use core::mem;
use core::task::{Context, Poll};
use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};

use dbuf_core::{
    BlockingStrategy, ClaimError, OnStraggler, OpWriter, Operation, ReadGuard, Reader, Side,
    Strategy, Writer,
};

use super::swaps::permutations;
use super::wakers::{Count, panicking_wake};
use super::{EXTRAS, SuitePtr};
use crate::Tracked;

/// Overwrites.
pub(super) struct Set(usize);

impl Operation<Tracked, u32> for Set {
    fn apply(&mut self, target: &mut Tracked, extras: &u32) {
        assert_eq!(*extras, EXTRAS);
        target.set(self.0);
    }
}

type Log<P> = OpWriter<P, Set>;

/// A writer, unless the strategy has no spare side. Such a one never goes on without readers.
fn with_spare<P: SuitePtr>(ptr: P) -> Option<(Log<P>, Reader<P>)> {
    let mut writer = Log::new(Writer::claim(ptr).unwrap());
    let reader = writer.reader();
    let guard = reader.read();
    assert!(publish(&mut writer, 0));
    let goes_on = writer.set_aside();
    assert_eq!(goes_on, writer.try_write().is_some());
    assert_eq!(writer.spare_stragglers() > 0, goes_on);
    assert_eq!(guard.get(), 0);
    drop(guard);
    assert!(publish(&mut writer, 0));
    assert_eq!((writer.spare_stragglers(), writer.spare_since()), (0, None));
    goes_on.then_some((writer, reader))
}

/// Publishes a value, with the spare side if readers are on the back. Returns whether it
/// could.
fn publish<P: SuitePtr>(writer: &mut Log<P>, value: usize) -> bool {
    if !writer.set_aside() {
        assert!(writer.try_write().is_none(), "nobody is in the way");
        return false;
    }
    let version = writer.as_writer().version();
    writer.try_write().unwrap().apply(Set(value));
    assert_eq!(
        (writer.front().get(), writer.as_writer().version()),
        (value, version + 1)
    );
    true
}

fn front<P: SuitePtr>(writer: &Log<P>) -> Side {
    writer.as_writer().strategy().front()
}

/// S13: a guard on any side stops no publish, and the values that others read are the newest.
/// It keeps its own, and its side, which is free when it is gone.
pub fn kept_guard_stops_no_publish<P: SuitePtr>(new: impl Fn() -> P) {
    let Some((mut writer, reader)) = with_spare(new()) else {
        return;
    };
    let other = reader.clone();
    let (mut value, mut sides) = (0, Vec::new());
    for round in 0..9 {
        let kept = reader.read();
        let seen = (kept.get(), ReadGuard::version(&kept));
        sides.push(front(&writer));
        for publishes in 1..=4 + round % 2 {
            value += 1;
            assert!(publish(&mut writer, value));
            assert_ne!(front(&writer), sides[round], "a guard is on that side");
            let newest = other.read();
            let version = writer.as_writer().version();
            assert_eq!(
                (newest.get(), ReadGuard::version(&newest)),
                (value, version)
            );
            assert_eq!((kept.get(), ReadGuard::version(&kept)), seen);
            // The first publish after the guard was taken leaves its side to be the back.
            let aside = usize::from(publishes > 1);
            assert_eq!(writer.spare_stragglers(), aside);
            assert_eq!(writer.spare_since().is_some(), publishes > 1);
            drop(newest);
            assert_eq!(writer.stragglers(), 1 - aside);
        }
        drop(kept);
        assert_eq!(writer.spare_stragglers(), 0);
        value += 1;
        assert!(publish(&mut writer, value));
        assert_eq!(writer.spare_since(), None, "the first batch drops it");
    }
    for side in [Side::A, Side::B, Side::C] {
        assert!(sides.contains(&side), "{side:?} was never kept");
    }
}

/// Four guards on three sides, in every order, of one reader and of several: each keeps its
/// value, and the writer goes on exactly when the back or the spare side is free.
pub fn guards_on_three_sides_go_in_any_order<P: SuitePtr>(new: impl Fn() -> P) {
    if with_spare(new()).is_none() {
        return;
    }
    let orders = permutations();
    let orders = if cfg!(miri) {
        &orders[..6]
    } else {
        &orders[..]
    };
    for (at, order) in orders.iter().enumerate() {
        for owners in [[0; 4], [0, 1, 2, 3], [0, 1, 0, 1], [0, 1, 1, 0]] {
            // The two guards that share a side are the two oldest, or the two newest.
            let ages = if at % 2 == 0 {
                [0, 0, 1, 2]
            } else {
                [0, 1, 2, 2]
            };
            four_guards(new(), *order, owners, ages);
        }
    }
}

fn four_guards<P: SuitePtr>(ptr: P, order: [usize; 4], owners: [usize; 4], ages: [usize; 4]) {
    let mut writer = Log::new(Writer::claim(ptr).unwrap());
    let readers = [(); 4].map(|()| writer.reader());
    let mut guards = [const { None }; 4];
    let mut published = 0;
    for at in 0..4 {
        while published < ages[at] {
            published += 1;
            assert!(publish(&mut writer, published));
        }
        guards[at] = Some(readers[owners[at]].read());
    }
    // One more would need the side of the oldest value, or of the second.
    let mut goes_on = false;
    for gone in [None].into_iter().chain(order.map(Some)) {
        if let Some(gone) = gone {
            guards[gone] = None;
        }
        for (guard, age) in guards.iter().zip(ages) {
            if let Some(guard) = guard {
                assert_eq!((guard.get(), ReadGuard::version(guard)), (age, age as u64));
            }
        }
        let is_held = |age| (0..4).any(|at| ages[at] == age && guards[at].is_some());
        if !goes_on {
            assert_eq!(writer.try_finish(), !is_held(1));
            assert_eq!(writer.spare_stragglers() > 0, is_held(0));
            goes_on = !is_held(0) || !is_held(1);
            assert_eq!(writer.set_aside(), goes_on);
        }
    }
    for value in 3..6 {
        assert!(publish(&mut writer, value));
        assert_eq!(readers[0].read().get(), value);
    }
    assert!(writer.try_finish());
    assert_eq!((writer.stragglers(), writer.spare_stragglers()), (0, 0));
}

/// S1, S5, S10: a claim finds the sides as the last one left them.
pub fn claim_continues_with_a_side_set_aside<P: SuitePtr>(new: impl Fn() -> P) {
    let ptr = new();
    let Some((mut writer, reader)) = with_spare(ptr.clone()) else {
        return;
    };
    let first = reader.read();
    assert!(publish(&mut writer, 1) && publish(&mut writer, 2));
    let second = reader.read();
    assert!(publish(&mut writer, 3));
    for goes in [false, true] {
        drop(writer);
        writer = Log::new(Writer::claim(ptr.clone()).unwrap());
        assert!(!publish(&mut writer, 9), "both sides are kept");
        assert_eq!(
            (writer.stragglers() > 0, writer.spare_stragglers() > 0),
            (true, true)
        );
        assert!(writer.spare_since().is_some());
        assert_eq!((first.get(), second.get(), reader.read().get()), (0, 2, 3));
        if goes {
            break;
        }
        // As a writer without a log, for which there is no spare side.
        let mut raw = writer.into_writer();
        assert!(raw.try_back_mut().is_none() && !raw.start_swap());
        writer = Log::new(raw);
    }
    drop(first);
    drop(writer);
    writer = Log::new(Writer::claim(ptr.clone()).unwrap());
    assert!(publish(&mut writer, 4) && publish(&mut writer, 5));
    assert_eq!((second.get(), reader.read().get()), (2, 5));
    drop(second);
    assert!(publish(&mut writer, 6));
    assert_eq!(writer.spare_since(), None);
    // Forgotten, it keeps the claim, and a side that was set aside.
    let kept = reader.read();
    assert!(publish(&mut writer, 7) && publish(&mut writer, 8));
    mem::forget(writer);
    assert_eq!(Writer::claim(ptr).unwrap_err(), ClaimError);
    assert_eq!((kept.get(), reader.read().get()), (6, 8));
}

/// S8: a guard that never goes costs one side, a second one on another side the next publish
/// but one; what they show is never written.
pub fn forgotten_guards_cost_a_side_each<P: SuitePtr>(new: impl Fn() -> P) {
    let Some((mut writer, reader)) = with_spare(new()) else {
        return;
    };
    mem::forget(reader.read());
    let other = reader.clone();
    for value in 1..20 {
        assert!(publish(&mut writer, value));
        assert_eq!((reader.read().get(), other.read().get()), (value, value));
    }
    assert!(writer.spare_stragglers() > 0);
    let guard = other.read();
    let shown: *const Tracked = &raw const *guard;
    mem::forget(guard);
    assert!(publish(&mut writer, 20));
    assert!(!publish(&mut writer, 21));
    assert_eq!((reader.read().get(), writer.stragglers() > 0), (20, true));
    assert_ne!(shown, &raw const *reader.read());
    drop((reader, other));
    let reader = writer.reader();
    assert_eq!(reader.read().get(), 20);
}

/// Readers are made, cloned, used and dropped while a side is set aside, and some of them
/// keep guards for a while.
pub fn readers_come_and_go_beside_a_kept_guard<P: SuitePtr>(new: impl Fn() -> P) {
    let ptr = new();
    let Some((mut writer, reader)) = with_spare(ptr.clone()) else {
        return;
    };
    for stays in [true, false] {
        let kept = reader.read();
        let seen = kept.get();
        let mut made = Vec::new();
        for value in seen + 1..seen + 16 {
            assert!(publish(&mut writer, value));
            assert_eq!(kept.get(), seen);
            let fresh = Reader::new(ptr.clone());
            assert_eq!(fresh.read().get(), value);
            let clone = fresh.clone();
            let guard = clone.read();
            drop(fresh);
            assert_eq!((guard.get(), reader.read().get()), (value, value));
            drop(guard);
            made.push(clone);
            if value % 4 == 0 {
                made.remove(0);
            }
            if value % 5 == 0 {
                made.clear();
            }
        }
        assert_eq!(
            made.last().map(|reader| reader.read().get()),
            (!made.is_empty()).then_some(seen + 15)
        );
        if stays {
            drop(kept);
        } else {
            // Not the reader that has the guard.
            drop(made);
            assert_eq!(kept.get(), seen);
            assert!(publish(&mut writer, seen + 16));
            drop(kept);
        }
    }
    assert!(publish(&mut writer, 100));
    assert_eq!((writer.stragglers(), writer.spare_stragglers()), (0, 0));
}

fn poll<P: SuitePtr>(writer: &mut Log<P>, waker: &core::task::Waker) -> Poll<()> {
    writer.poll_finish(&mut Context::from_waker(waker))
}

fn with_two_readers<P: SuitePtr>(ptr: P) -> Option<(Log<P>, [Reader<P>; 2])> {
    let (writer, reader) = with_spare(ptr)?;
    let other = reader.clone();
    Some((writer, [reader, other]))
}

/// S6, S13: a writer that waits is woken when either side is free, by the last leave there,
/// and by no other leave.
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
            // Nobody waits any more.
            drop(guards);
            assert_eq!(count.wakes(), 1);
        }
    }
}

/// S6: leaves of a side that was set aside wake nobody while no swap is waited for, and none
/// is left to wake after the last of them.
pub fn leaves_of_the_spare_side_wake_who_waits<P: SuitePtr>(new: impl Fn() -> P) {
    let Some((mut writer, readers)) = with_two_readers(new()) else {
        return;
    };
    let (count, waker) = Count::waker();
    let first = readers[0].read();
    assert!(publish(&mut writer, 1));
    assert_eq!(poll(&mut writer, &waker), Poll::Pending);
    assert!(writer.set_aside());
    // The side for which that poll waited is in nobody's way any more.
    let before = count.wakes();
    assert!(publish(&mut writer, 2));
    assert!(writer.try_finish());
    assert_eq!((first.get(), count.wakes()), (0, before));
    // A poll after the last of them registers for the back alone.
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

/// S6, S7: the waker panics in the leave of the spare side, which is free all the same.
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

/// A poll that was given up, and a claim in between, lose no wake.
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
        let (given_up, waker) = Count::waker();
        assert_eq!(poll(&mut writer, &waker), Poll::Pending);
        drop(waker);
        drop(writer);
        let mut writer = Log::new(Writer::claim(ptr).unwrap());
        let (count, waker) = Count::waker();
        assert_eq!(poll(&mut writer, &waker), Poll::Pending);
        drop(guards.swap_remove(goes));
        assert_eq!((given_up.wakes(), count.wakes()), (0, 1));
        assert!(publish(&mut writer, 3));
        assert_eq!(guards[0].get(), 1 - goes);
    }
}

/// A guard that is refreshed after any number of publishes shows the newest, and is on no
/// other side: also after its side was freed, filled and published again.
pub fn refresh_leaves_a_side_that_was_set_aside<P: SuitePtr>(new: impl Fn() -> P) {
    for nested in [false, true] {
        let Some((mut writer, reader)) = with_spare(new()) else {
            return;
        };
        let clone = reader.clone();
        let other = if nested { &reader } else { &clone };
        let mut guard = reader.read();
        let mut value = 0;
        for lag in [1, 2, 3, 4, 5, 1, 1, 2, 2, 3, 3] {
            for _ in 0..lag {
                value += 1;
                assert!(publish(&mut writer, value));
            }
            assert_eq!(guard.get(), value - lag);
            let newest = other.read();
            assert!(ReadGuard::refresh(&mut guard));
            let version = writer.as_writer().version();
            assert_eq!((guard.get(), ReadGuard::version(&guard)), (value, version));
            assert!(!ReadGuard::refresh(&mut guard), "nothing is new");
            assert_eq!(newest.get(), value);
            assert!(writer.try_finish(), "nobody is on an older side");
            assert_eq!(writer.spare_stragglers(), 0);
        }
    }
}

/// Each reader, or guard, that keeps a side is counted there.
pub fn stragglers_of_each_side_are_counted<P: SuitePtr>(new: impl Fn() -> P) {
    let Some((mut writer, reader)) = with_spare(new()) else {
        return;
    };
    let readers = [(); 3].map(|()| reader.clone());
    let mut old: Vec<_> = readers.iter().map(Reader::read).collect();
    assert!(publish(&mut writer, 1));
    assert_eq!((writer.stragglers(), writer.spare_stragglers()), (3, 0));
    assert!(publish(&mut writer, 2));
    assert_eq!((writer.stragglers(), writer.spare_stragglers()), (0, 3));
    // The same readers once more, but for one.
    let mut newer: Vec<_> = readers[..2].iter().map(Reader::read).collect();
    assert!(publish(&mut writer, 3));
    for left in (0..3).rev() {
        assert_eq!(writer.stragglers(), 2);
        drop(old.pop());
        assert_eq!(writer.spare_stragglers(), left);
    }
    for left in (0..2).rev() {
        drop(newer.pop());
        assert_eq!(writer.stragglers(), left);
    }
    assert!(writer.try_finish());
}

/// What is pending is neither lost nor made twice by a side that is set aside, in any order
/// of batches, kept changes, rollbacks and panics.
pub fn log_goes_on_beside_a_kept_guard<P: SuitePtr>(new: impl Fn() -> P) {
    let Some((writer, reader)) = with_spare(new()) else {
        return;
    };
    let mut writer: OpWriter<P, super::log::Add> = OpWriter::new(writer.into_writer());
    let goes = |writer: &mut OpWriter<P, super::log::Add>| assert!(writer.set_aside());
    let add = super::log::Add;
    let mut kept = reader.read();
    for round in 0..3 {
        let before = writer.front().get();
        // Owed to a side that is set aside.
        for _ in 0..3 {
            goes(&mut writer);
            let mut batch = writer.try_write().unwrap();
            batch.apply(add(1));
            batch.apply(add(10));
            assert_eq!(batch.published().get() + 11, batch.get());
        }
        assert_eq!((kept.get(), reader.read().get()), (before, before + 33));
        // Deferred and kept, on a side that is finished, beside one that is not free.
        goes(&mut writer);
        let mut batch = writer.try_write().unwrap();
        batch.apply(add(100));
        batch.keep();
        let mut batch = writer.try_write().unwrap();
        batch.apply(add(1000));
        batch.rollback();
        let mut batch = writer.try_write().unwrap();
        batch.apply(add(200));
        batch.defer();
        assert!(writer.set_aside(), "nothing is in the way");
        assert_eq!(reader.read().get(), before + 33);
        assert!(writer.publish().is_published());
        assert_eq!((kept.get(), reader.read().get()), (before, before + 333));
        // Rolled back, and forgotten.
        for forgets in [false, true] {
            goes(&mut writer);
            let mut batch = writer.try_write().unwrap();
            batch.apply(add(5000));
            if forgets {
                mem::forget(batch);
            } else {
                batch.rollback();
            }
        }
        goes(&mut writer);
        assert_eq!(writer.try_write().unwrap().get(), before + 333);
        // Torn.
        let torn = catch_unwind(AssertUnwindSafe(|| {
            let mut batch = writer.try_write().unwrap();
            batch.apply(add(7000));
            batch.apply(add(super::log::PANICS));
        }));
        assert!(torn.is_err());
        goes(&mut writer);
        assert_eq!(writer.try_write().unwrap().get(), before + 333);
        // Of which the log knows nothing: the new back is a resync from the front.
        let mut batch = writer.try_write().unwrap();
        batch.modify(|value, _| value.set(before + 400));
        batch.publish();
        goes(&mut writer);
        let mut batch = writer.try_write().unwrap();
        assert_eq!(batch.get(), before + 400);
        batch.apply(add(1));
        batch.publish();
        assert_eq!((kept.get(), reader.read().get()), (before, before + 401));
        match round {
            0 => assert!(ReadGuard::refresh(&mut kept)),
            1 => kept = reader.read(),
            _ => {}
        }
        assert!(round == 2 || kept.get() == before + 401);
    }
    drop(kept);
    goes(&mut writer);
    let last = writer.front().get();
    assert_eq!(writer.try_write().unwrap().get(), last);
    let mut raw = writer.into_writer();
    assert_eq!(
        (raw.front().get(), raw.try_back_mut().unwrap().get()),
        (last, last)
    );
}

/// A write waits for as long as it is told, and goes on then; for as long as it takes where
/// there is too much to clone.
pub fn write_goes_on_after_a_while<P>(new: impl Fn() -> P)
where
    P: SuitePtr<Strategy: BlockingStrategy>,
{
    let Some((mut writer, reader)) = with_spare(new()) else {
        return;
    };
    assert_eq!(writer.patience(), None, "it waits at first");
    let spare = |after, up_to| OnStraggler::Spare { after, up_to };
    writer.on_straggler(spare(Duration::MAX, 0));
    assert_eq!(writer.patience(), None, "one entry is too many");
    let after = Duration::from_millis(1);
    for (after, up_to) in [(Duration::ZERO, 1), (after, usize::MAX)] {
        writer.on_straggler(spare(after, up_to));
        assert_eq!(writer.patience(), Some(after));
        let kept = reader.read();
        let before = kept.get();
        for value in before + 1..before + 10 {
            let mut batch = writer.write();
            assert_eq!(batch.published().get(), value - 1);
            batch.apply(Set(value));
            drop(batch);
            assert_eq!((kept.get(), reader.read().get()), (before, value));
        }
        let result: Result<(), ()> = writer.transact(|batch| {
            batch.apply(Set(before + 10));
            Ok(())
        });
        assert_eq!(
            (result, kept.get(), reader.read().get()),
            (Ok(()), before, before + 10)
        );
    }
    writer.catch_up();
    assert_eq!(writer.spare_since(), None);
}

/// A write that waits for two sides goes on when another thread leaves either of them.
pub fn write_waits_for_either_side<P>(new: impl Fn() -> P)
where
    P: SuitePtr<Strategy: BlockingStrategy> + Send,
{
    let Some((mut writer, reader)) = with_spare(new()) else {
        return;
    };
    writer.on_straggler(OnStraggler::Spare {
        after: Duration::ZERO,
        up_to: usize::MAX,
    });
    let rounds = if cfg!(miri) { 4 } else { 100 };
    let barrier = &std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let other = reader.clone();
            for round in 0..rounds {
                let first = reader.read();
                barrier.wait();
                // A publish.
                barrier.wait();
                // Of another reader, and of the same.
                let second = if round % 4 < 2 {
                    other.read()
                } else {
                    reader.read()
                };
                let seen = (first.get(), second.get());
                barrier.wait();
                // A publish, and the next one waits for these two.
                barrier.wait();
                let kept = if round % 2 == 0 {
                    drop(first);
                    (second, seen.1)
                } else {
                    drop(second);
                    (first, seen.0)
                };
                barrier.wait();
                assert_eq!(kept.0.get(), kept.1, "a guarded side was written");
                drop(kept);
                barrier.wait();
            }
        });
        let mut value = 0;
        for _ in 0..rounds {
            let mut write = || {
                value += 1;
                writer.write().apply(Set(value));
                assert_eq!(writer.front().get(), value);
            };
            barrier.wait();
            write();
            barrier.wait();
            barrier.wait();
            write();
            barrier.wait();
            write();
            barrier.wait();
            barrier.wait();
            write();
        }
    });
    assert!(writer.set_aside() && writer.try_finish());
}

/// Threads that keep guards for a while, on one value or two, beside a writer that never
/// waits for long: nobody sees a value that is written, or an older one after a newer one.
pub fn kept_guards_are_never_written<P>(new: impl Fn() -> P)
where
    P: SuitePtr<Strategy: BlockingStrategy> + Send,
{
    let Some((mut writer, reader)) = with_spare(new()) else {
        return;
    };
    writer.on_straggler(OnStraggler::Spare {
        after: Duration::ZERO,
        up_to: usize::MAX,
    });
    let publishes = if cfg!(miri) { 20 } else { 2000 };
    let version = writer.as_writer().version();
    std::thread::scope(|scope| {
        for thread in 0..3_usize {
            let reader = reader.clone();
            scope.spawn(move || {
                let other = reader.clone();
                let mut kept = std::collections::VecDeque::new();
                let (mut newest, mut round) = (0, thread);
                while newest < publishes {
                    round += 1;
                    let guard = if round % 5 == 0 {
                        other.read()
                    } else {
                        reader.read()
                    };
                    let value = guard.get();
                    assert_eq!(value as u64 + version, ReadGuard::version(&guard));
                    assert!(newest <= value, "{value} after {newest}");
                    newest = value;
                    kept.push_back((guard, value));
                    if kept.len() > 1 + thread {
                        kept.pop_front();
                    }
                    if round % 3 == 0 {
                        let (guard, value) = &mut kept[0];
                        ReadGuard::refresh(guard);
                        *value = guard.get();
                        newest = newest.max(*value);
                    }
                    assert!(kept.iter().all(|(guard, value)| guard.get() == *value));
                    if round % 7 == 0 {
                        kept.clear();
                    }
                    std::thread::yield_now();
                }
            });
        }
        for value in 1..=publishes {
            writer.write().apply(Set(value));
        }
    });
    assert_eq!(reader.read().get(), publishes);
}

/// Returns whether a strategy has a spare side.
pub(super) fn has_spare<P: SuitePtr>(ptr: P) -> bool {
    with_spare(ptr).is_some()
}
