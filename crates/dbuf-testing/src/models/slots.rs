//! Models of readers that are made, dropped and replaced during a swap.

use dbuf_core::ReadGuard;
use loom::thread;

use super::harness::{Modelled, check, check_preempted, handles, publish, read_value, seen_in};

/// A reader is cloned, used and dropped during a swap.
pub fn reader_is_cloned_during_a_swap<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let reads = thread::spawn(move || {
            let guard = reader.read();
            let before = guard.get();
            let clone = reader.clone();
            assert!(before <= read_value(&clone));
            drop(clone);
            assert_eq!(guard.get(), before);
            drop(guard);
            read_value(&reader.clone());
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            publish(&mut writer, 2, seen);
        });
        reads.join().unwrap();
        writes.join().unwrap();
    });
}

/// A guard is forgotten, and dropping its reader releases it.
pub fn forgotten_guard_ends_with_its_reader<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let reads = thread::spawn(move || {
            let guard = reader.read();
            guard.get();
            core::mem::forget(guard);
            drop(reader);
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            if let Some(back) = writer.try_back_mut() {
                back.set(2);
            }
        });
        reads.join().unwrap();
        writes.join().unwrap();
    });
}

/// A reader forgets its guard and is dropped while a swap waits for it, and the next reader may get
/// its slot. The writer sees by the second reader's steps that the first is gone.
pub fn slot_is_reused_during_a_swap<S: Modelled>(new: fn() -> S) {
    reuse(new, true);
}

/// A reader without a guard is dropped, and the next reader may get its slot. The drop wakes no
/// writer, so the writer sees it only by the second reader's steps.
pub fn freed_slot_is_reused_during_a_swap<S: Modelled>(new: fn() -> S) {
    reuse(new, false);
}

fn reuse<S: Modelled>(new: fn() -> S, forgets: bool) {
    // Three preemptions: to the swap, back to the first reader, and to the writer's check.
    check_preempted(3, move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let kept = writer.reader();
        let reads = thread::spawn(move || {
            let guard = reader.read();
            guard.get();
            if forgets {
                core::mem::forget(guard);
            } else {
                drop(guard);
            }
            drop(reader);
            let next = thread::spawn(move || {
                let clone = kept.clone();
                read_value(&clone);
            });
            next.join().unwrap();
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            if let Some(back) = writer.try_back_mut() {
                back.set(2);
            }
        });
        reads.join().unwrap();
        writes.join().unwrap();
    });
}

/// A slot is freed, odd because of a forgotten guard, while the next reader takes it and reads, and
/// a swap checks it.
pub fn slot_is_taken_while_it_is_given_back<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let kept = writer.reader();
        core::mem::forget(reader.read());
        let gives_back = thread::spawn(move || drop(reader));
        let takes = thread::spawn(move || {
            let clone = kept.clone();
            read_value(&clone);
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            if let Some(back) = writer.try_back_mut() {
                back.set(2);
            }
        });
        gives_back.join().unwrap();
        takes.join().unwrap();
        writes.join().unwrap();
    });
}

/// A reader is registered while a swap is started, twice: it reads a side that is not written.
pub fn reader_is_registered_during_a_start<S: Modelled>(new: fn() -> S) {
    check(move |seen| {
        let seen = seen_in(seen);
        let (mut writer, reader) = handles(new);
        let registers = thread::spawn(move || {
            let fresh = reader.clone();
            drop(reader);
            let guard = fresh.read();
            let before = guard.get();
            assert_eq!(before as u64, ReadGuard::version(&guard));
            assert!(before <= read_value(&fresh));
            assert_eq!(guard.get(), before, "a guarded side was written");
        });
        let writes = thread::spawn(move || {
            publish(&mut writer, 1, seen);
            if let Some(back) = writer.try_back_mut() {
                back.set(2);
                assert!(writer.start_swap());
                if let Some(back) = writer.try_back_mut() {
                    back.set(3);
                }
            }
        });
        registers.join().unwrap();
        writes.join().unwrap();
    });
}
