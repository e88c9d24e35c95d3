//! The readers of threads that share a handle, while threads and handles come and go.

use std::mem::forget;
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Weak};
use std::thread;

use dbuf_strategies::core::{BlockingStrategy, DoubleBuffer, SharedReader, arc, rc};
use dbuf_strategies::{CountStrategy, EpochStrategy, FlashStrategy, LocalStrategy, LockStrategy};

use super::{Counted, counted};
use crate::common::{assert_no_guard, elsewhere};

fn ended_threads_leave_no_reader<S>(bursts: usize)
where
    S: BlockingStrategy + Default,
{
    let (mut writer, shared, readers) = counted::<S>();
    let at_once = if cfg!(miri) { 3 } else { 250 };
    for _ in 0..bursts {
        let all = &Barrier::new(at_once);
        thread::scope(|scope| {
            let threads: Vec<_> = (0..at_once)
                .map(|_| {
                    thread::Builder::new()
                        .stack_size(64 * 1024)
                        .spawn_scoped(scope, || {
                            let outer = shared.read();
                            assert_eq!(*outer + *shared.read(), 14);
                            drop(outer);
                            all.wait();
                        })
                        .unwrap()
                })
                .collect();
            // Wait for the end of the thread, not only of the closure.
            threads
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
        });
        assert_eq!(readers.live(), 0);
    }
    assert_no_guard(&mut writer);
}

/// After 4,000 threads, no reader remains.
#[test]
fn bug_29_ended_threads_keep_no_reader() {
    ended_threads_leave_no_reader::<EpochStrategy>(if cfg!(miri) { 2 } else { 16 });
    ended_threads_leave_no_reader::<CountStrategy>(2);
    ended_threads_leave_no_reader::<FlashStrategy>(2);
    ended_threads_leave_no_reader::<LockStrategy>(2);
}

#[test]
fn a_thread_that_panicked_leaves_no_reader() {
    let (_writer, shared, readers) = counted::<EpochStrategy>();
    let clone = shared.clone();
    let ended = thread::spawn(move || {
        let _guards = [clone.read(), clone.read(), clone.read()];
        panic!("on purpose");
    });
    assert!(ended.join().is_err());
    assert_eq!(readers.live(), 0);
}

/// However guards are nested.
#[test]
fn a_thread_has_one_reader() {
    let (mut writer, shared, readers) = counted::<EpochStrategy>();
    let before = readers.made();
    assert_eq!(readers.live(), 0);
    drop(shared.read());
    drop(shared.read());
    assert_eq!(readers.live(), 1);
    let mut guards = Vec::new();
    for value in 0..5 {
        writer.finish();
        writer.store(value);
        // A chain: each guard is taken before the last one is dropped.
        let next = shared.read();
        guards.clear();
        assert_eq!(*next, value);
        guards.push(next);
    }
    guards.extend((0..9).map(|_| shared.read()));
    assert_eq!(readers.live(), 1);
    while !guards.is_empty() {
        assert!(shared.has_guard());
        drop(guards.swap_remove(guards.len() / 2));
    }
    assert!(!shared.has_guard());
    assert_eq!((readers.made(), readers.live()), (before + 1, 1));
    assert!(writer.try_finish());
}

/// The drop of the last handle drops readers and buffer, although a thread that has read is
/// still alive.
#[test]
fn idle_threads_keep_nothing() {
    let (writer, shared, readers) = counted::<FlashStrategy>();
    let buffer = Arc::downgrade(writer.ptr());
    let (read, has_read) = channel();
    let (end, may_end) = channel::<()>();
    let clone = shared.clone();
    let idle = thread::spawn(move || {
        assert_eq!(*clone.read(), 7);
        drop(clone);
        read.send(()).unwrap();
        let _ = may_end.recv();
        // The thread can read through another handle.
        let (_writer, other) = arc(8, 8, EpochStrategy::new());
        assert_eq!(*other.shared().read(), 8);
    });
    has_read.recv().unwrap();
    drop(shared.read());
    assert_eq!(readers.live(), 2);
    drop(shared);
    assert_eq!(readers.live(), 0);
    assert_eq!(Arc::strong_count(writer.ptr()), 1);
    drop(writer);
    assert_eq!(Weak::strong_count(&buffer), 0);
    drop(end);
    idle.join().unwrap();
}

/// Threads end while handles of a local buffer are dropped. Whichever is last, nothing uses the
/// buffer after it is gone. (For Miri and ThreadSanitizer.)
#[test]
fn handles_go_while_threads_end() {
    for round in 0..if cfg!(miri) { 8 } else { 500 } {
        let buffer = DoubleBuffer::new(round, round, Counted::<EpochStrategy>::default());
        let readers = buffer.strategy().1.clone();
        thread::scope(|scope| {
            let shared = SharedReader::new(&buffer);
            for _ in 0..3 {
                let shared = shared.clone();
                // The scope waits for the closure, not for the end of the thread.
                scope.spawn(move || assert_eq!(*shared.read(), round));
            }
        });
        while readers.live() > 0 {
            thread::yield_now();
        }
    }
}

/// More handles than a thread caches, in random order, some of them gone.
#[test]
fn each_handle_finds_its_own_slot() {
    let count: usize = if cfg!(miri) { 24 } else { 300 };
    let mut handles: Vec<_> = (0..count)
        .map(|n| {
            let (_, reader) = arc(n, n, CountStrategy::new());
            Some(reader.shared())
        })
        .collect();
    for round in 0..4 {
        for step in 0..count {
            let n = step * 7 % count;
            let Some(shared) = &handles[n] else { continue };
            let guard = shared.read();
            assert_eq!(*guard, n);
            let other = (n + 8) % count;
            if let Some(other_shared) = &handles[other] {
                assert!(!other_shared.has_guard());
                assert_eq!(*other_shared.read(), other);
            }
            assert!(shared.has_guard());
            assert_eq!(*shared.read(), n);
        }
        for n in (round..count).step_by(5) {
            handles[n] = None;
        }
    }
}

/// The writer waits for a forgotten guard until the last handle is dropped, even if its thread
/// has ended.
#[test]
fn a_forgotten_guard_ends_with_the_last_handle() {
    let (mut writer, _, readers) = counted::<EpochStrategy>();
    for own_thread in [true, false] {
        let shared = SharedReader::new(Arc::clone(writer.ptr()));
        if own_thread {
            forget(shared.read());
            assert!(shared.has_guard());
        } else {
            elsewhere(|| forget(shared.read()));
            assert!(!shared.has_guard());
        }
        assert_eq!(readers.live(), 1);
        assert!(writer.start_swap());
        assert!(!writer.try_finish());
        assert_eq!(*shared.read(), 7);
        drop(shared);
        assert_eq!(readers.live(), 0);
        assert!(writer.try_finish());
    }
}

/// On one thread, a shared handle works with any strategy.
#[test]
fn a_shared_handle_may_stay_on_its_thread() {
    let (mut writer, reader) = rc(1, 1, LocalStrategy::new());
    let shared = reader.shared();
    let nested = (shared.read(), shared.clone());
    assert_eq!(*nested.0 + *nested.1.read(), 2);
    writer.start_swap();
    assert!(!writer.try_finish());
    drop(nested);
    assert!(writer.try_finish());
    let weak = Rc::downgrade(writer.ptr());
    drop((writer, reader, shared));
    assert_eq!(weak.strong_count(), 0, "a handle keeps the buffer");
}
