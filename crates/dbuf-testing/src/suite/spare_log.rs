//! The log and blocking writes beside a kept guard.

use core::mem;
use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};

use dbuf_core::{BlockingStrategy, OnStraggler, OpWriter, ReadGuard};

use super::harness::SuitePtr;
use super::log::{Add, PANICS};
use super::spare::{Set, with_spare};

/// When a side is set aside, pending changes are neither lost nor applied twice, in any order of
/// batches, kept changes, rollbacks and panics.
pub fn log_goes_on_beside_a_kept_guard<P: SuitePtr>(new: impl Fn() -> P) {
    let Some((writer, reader)) = with_spare(new()) else {
        return;
    };
    let mut writer: OpWriter<P, Add> = OpWriter::new(writer.into_writer());
    let set_aside = |writer: &mut OpWriter<P, Add>| assert!(writer.set_aside());
    let add = Add;
    let mut kept = reader.read();
    for round in 0..3 {
        let before = writer.front().get();
        // Changes that the side that is set aside does not get.
        for _ in 0..3 {
            set_aside(&mut writer);
            let mut batch = writer.try_write().unwrap();
            batch.apply(add(1));
            batch.apply(add(10));
            assert_eq!(batch.published().get() + 11, batch.get());
        }
        assert_eq!((kept.get(), reader.read().get()), (before, before + 33));
        // Deferred and kept changes, while the spare side is not free.
        set_aside(&mut writer);
        let mut batch = writer.try_write().unwrap();
        batch.apply(add(100));
        batch.keep();
        let mut batch = writer.try_write().unwrap();
        batch.apply(add(1000));
        batch.rollback();
        let mut batch = writer.try_write().unwrap();
        batch.apply(add(200));
        batch.defer();
        assert!(writer.set_aside(), "the back is free");
        assert_eq!(reader.read().get(), before + 33);
        assert!(writer.publish().is_published());
        assert_eq!((kept.get(), reader.read().get()), (before, before + 333));
        // A batch that is rolled back, and one that is forgotten.
        for forgets in [false, true] {
            set_aside(&mut writer);
            let mut batch = writer.try_write().unwrap();
            batch.apply(add(5000));
            if forgets {
                mem::forget(batch);
            } else {
                batch.rollback();
            }
        }
        set_aside(&mut writer);
        assert_eq!(writer.try_write().unwrap().get(), before + 333);
        // A torn batch.
        let torn = catch_unwind(AssertUnwindSafe(|| {
            let mut batch = writer.try_write().unwrap();
            batch.apply(add(7000));
            batch.apply(add(PANICS));
        }));
        assert!(torn.is_err());
        set_aside(&mut writer);
        assert_eq!(writer.try_write().unwrap().get(), before + 333);
        // A change that is not in the log: the new back is a resync.
        let mut batch = writer.try_write().unwrap();
        batch.modify(|value, _| value.set(before + 400));
        batch.publish();
        set_aside(&mut writer);
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
    set_aside(&mut writer);
    let last = writer.front().get();
    assert_eq!(writer.try_write().unwrap().get(), last);
    let mut raw = writer.into_writer();
    assert_eq!(
        (raw.front().get(), raw.try_back_mut().unwrap().get()),
        (last, last)
    );
}

/// A write waits for its patience and then takes the spare side, unless there is too much to clone.
pub fn write_goes_on_after_a_while<P>(new: impl Fn() -> P)
where
    P: SuitePtr<Strategy: BlockingStrategy>,
{
    let Some((mut writer, reader)) = with_spare(new()) else {
        return;
    };
    assert_eq!(writer.patience(), None, "it waits by default");
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

/// A write that waits for two sides continues when another thread releases either of them.
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
                // The writer publishes.
                barrier.wait();
                // A guard of another reader, or of the same one.
                let second = if round % 4 < 2 {
                    other.read()
                } else {
                    reader.read()
                };
                let seen = (first.get(), second.get());
                barrier.wait();
                // The writer publishes, and its next write waits for these two.
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

/// Threads keep guards for a while beside a writer that never waits long: no guarded value is
/// written, and no reader sees an older value after a newer one.
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
                let readers = [reader.clone(), reader];
                let mut kept = std::collections::VecDeque::new();
                // Of each reader: a strategy may show a swap to one of them first (Flash does).
                let (mut newest, mut round) = ([0; 2], thread);
                while newest.iter().any(|&value| value < publishes) {
                    round += 1;
                    let which = usize::from(round % 5 != 0);
                    let guard = readers[which].read();
                    let value = guard.get();
                    assert_eq!(value as u64 + version, ReadGuard::version(&guard));
                    let last = newest[which];
                    assert!(last <= value, "{value} after {last}, by one reader");
                    newest[which] = value;
                    kept.push_back((guard, value, which));
                    if kept.len() > 1 + thread {
                        kept.pop_front();
                    }
                    if round % 3 == 0 {
                        let (guard, value, which) = &mut kept[0];
                        ReadGuard::refresh(guard);
                        *value = guard.get();
                        newest[*which] = newest[*which].max(*value);
                    }
                    for (guard, value, _) in &kept {
                        assert_eq!(guard.get(), *value, "a guarded side was written");
                    }
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
