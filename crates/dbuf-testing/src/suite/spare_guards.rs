//! Guards that are kept while the writer publishes.

use core::mem;

use dbuf_core::{ClaimError, ReadGuard, Reader, Side, Writer};

use super::harness::SuitePtr;
use super::spare::{Log, front, publish, with_spare};
use super::swaps::permutations;
use crate::tracked::Tracked;

/// S13: a guard on any side does not stop a publish, and other readers read the newest value. The
/// guard keeps its value and its side until it is dropped.
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
            // The first publish after the read makes the guard's side the back.
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
        assert_eq!(
            writer.spare_since(),
            None,
            "the first batch frees the spare side"
        );
    }
    for side in [Side::A, Side::B, Side::C] {
        assert!(sides.contains(&side), "{side:?} was never kept");
    }
}

/// Four guards on three sides, of one reader or several, are dropped in every order. Each keeps its
/// value, and the writer continues exactly when the back or the spare side is free.
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
    // One more publish needs the side of the oldest value or of the second.
    let mut continues = false;
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
        if !continues {
            assert_eq!(writer.try_finish(), !is_held(1));
            assert_eq!(writer.spare_stragglers() > 0, is_held(0));
            continues = !is_held(0) || !is_held(1);
            assert_eq!(writer.set_aside(), continues);
        }
    }
    for value in 3..6 {
        assert!(publish(&mut writer, value));
        assert_eq!(readers[0].read().get(), value);
    }
    assert!(writer.try_finish());
    assert_eq!((writer.stragglers(), writer.spare_stragglers()), (0, 0));
}

/// S1, S5, S10: a claim finds the sides in the state that the last claim left.
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
        assert!(!publish(&mut writer, 9), "guards hold both sides");
        assert_eq!(
            (writer.stragglers() > 0, writer.spare_stragglers() > 0),
            (true, true)
        );
        assert!(writer.spare_since().is_some());
        assert_eq!((first.get(), second.get(), reader.read().get()), (0, 2, 3));
        if goes {
            break;
        }
        // A writer without a log has no spare side.
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
    // A forgotten writer keeps its claim and the side that was set aside.
    let kept = reader.read();
    assert!(publish(&mut writer, 7) && publish(&mut writer, 8));
    mem::forget(writer);
    assert_eq!(Writer::claim(ptr).unwrap_err(), ClaimError);
    assert_eq!((kept.get(), reader.read().get()), (6, 8));
}

/// S8: a forgotten guard takes one side away, and a second one on another side stops the next
/// publish but one. Their values are never written.
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

/// Readers are made, cloned, used and dropped while a side is set aside, and some keep guards for a
/// while.
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
            // The reader of the guard stays.
            drop(made);
            assert_eq!(kept.get(), seen);
            assert!(publish(&mut writer, seen + 16));
            drop(kept);
        }
    }
    assert!(publish(&mut writer, 100));
    assert_eq!((writer.stragglers(), writer.spare_stragglers()), (0, 0));
}

/// A guard that is refreshed after any number of publishes shows the newest value and holds no
/// other side.
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
            assert!(writer.try_finish(), "no guard holds an older side");
            assert_eq!(writer.spare_stragglers(), 0);
        }
    }
}

/// Each reader or guard that holds a side is counted there.
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
    // All but one of the same readers read again.
    let mut newer: Vec<_> = readers[..2].iter().map(Reader::read).collect();
    assert!(publish(&mut writer, 3));
    for remaining in (0..3).rev() {
        assert_eq!(writer.stragglers(), 2);
        drop(old.pop());
        assert_eq!(writer.spare_stragglers(), remaining);
    }
    for remaining in (0..2).rev() {
        drop(newer.pop());
        assert_eq!(writer.stragglers(), remaining);
    }
    assert!(writer.try_finish());
}
