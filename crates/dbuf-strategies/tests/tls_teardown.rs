//! Shared readers at the end of a thread.
#![cfg(not(dbuf_loom))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

mod common;

use std::cell::Cell;
use std::mem::{self, ManuallyDrop};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::task::Context;
use std::thread;

use common::hooked::{Hooked, Hooks};
use common::{late, on_wake, unwinds};
use dbuf_strategies::core::{DoubleBuffer, SharedReadGuard, SharedReader, Writer};
use dbuf_strategies::{EpochStrategy, LockStrategy};

type Static = &'static DoubleBuffer<usize, EpochStrategy>;

fn leaked() -> (Writer<Static>, &'static SharedReader<Static>) {
    let buffer: Static = Box::leak(Box::new(DoubleBuffer::new(0, 0, EpochStrategy::new())));
    let shared = Box::leak(Box::new(SharedReader::new(buffer)));
    (Writer::claim(buffer).unwrap(), shared)
}

/// A waker that a guard's drop calls may read and write, since the guard is no longer counted.
/// So may that of a guard that has outlived its thread's slots.
#[test]
fn waker_of_a_late_guard_sees_no_guard() {
    for is_late in [false, true] {
        let (mut writer, shared) = leaked();
        // 1: no guard, 2: a guard.
        let asked = Arc::new(AtomicUsize::new(0));
        let answer = Arc::clone(&asked);
        let waker = on_wake(move || answer.store(1 + usize::from(shared.has_guard()), SeqCst));
        let ((taken, is_taken), (go, may_go)) = (channel(), channel::<()>());
        let thread = late(move || {
            let guard = shared.read();
            taken.send(()).unwrap();
            may_go.recv().unwrap();
            let guard = is_late.then_some(guard);
            move || drop(guard)
        });
        is_taken.recv().unwrap();
        assert!(writer.start_swap());
        let polled = writer.poll_finish(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        go.send(()).unwrap();
        thread.join();
        assert_eq!(asked.load(SeqCst), 1, "after the slots: {is_late}");
    }
}

/// A panic payload whose destructor panics.
struct Bomb;
impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a payload's destructor");
    }
}

/// The drop of a reader's token runs user code, as Epoch's does when it wakes.
struct Loud;
struct PanicsWhenDropped;
impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        std::panic::panic_any(Bomb);
    }
}
impl Hooks for Loud {
    type InReader = PanicsWhenDropped;

    fn new_reader(&self) -> PanicsWhenDropped {
        PanicsWhenDropped
    }
}

/// A panic in the destructor of a thread local would end the process, so it is caught. The drop
/// of its payload may panic too.
#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn payload_that_panics_in_its_drop_ends_no_process() {
    const CHILD: &str = "DBUF_TLS_TEARDOWN_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let buffer = DoubleBuffer::new(0, 0, Hooked(LockStrategy::new(), Loud));
        let shared = Arc::new(SharedReader::new(Arc::new(buffer)));
        let reads = Arc::clone(&shared);
        thread::spawn(move || drop(reads.read())).join().unwrap();
        std::process::exit(7);
    }
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "payload_that_panics_in_its_drop_ends_no_process",
            "--exact",
            "--nocapture",
        ])
        .env(CHILD, "1")
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&child.stderr);
    assert_eq!(child.status.code(), Some(7), "{errors}");
}

/// Another thread's step while a writer asks for its own thread's guards.
struct Asked;

type AskedPtr = Arc<DoubleBuffer<u32, Hooked<EpochStrategy, Asked>>>;
static WHILE_ASKED: Mutex<Option<SharedReader<AskedPtr>>> = Mutex::new(None);

impl Hooks for Asked {
    type InReader = ();

    fn new_reader(&self) {}
    fn after_holds(&self) {
        let last = WHILE_ASKED.lock().unwrap().take();
        drop(last);
    }
}

thread_local! {
    static KEPT: Cell<Option<ManuallyDrop<SharedReadGuard<'static, AskedPtr>>>> =
        const { Cell::new(None) };
}

/// A thread that ends asks its slots whether it would wait for itself. With one table goes a
/// reader, whose forgotten guard wakes, and the waker drops the last guard of another slot of
/// this thread, which ends that slot. (Miri sees it.)
#[test]
fn slot_that_ends_while_its_thread_asks_is_not_asked() {
    let buffer = Arc::new(DoubleBuffer::new(0, 0, Hooked(EpochStrategy::new(), Asked)));
    let mut writer = Writer::claim(Arc::clone(&buffer)).unwrap();
    let first = SharedReader::new(Arc::clone(&buffer));
    let second: &'static SharedReader<_> = Box::leak(Box::new(SharedReader::new(buffer)));
    let thread = late(move || {
        KEPT.set(Some(ManuallyDrop::new(second.read())));
        assert!(writer.start_swap());
        mem::forget(first.read());
        let waker = on_wake(|| drop(KEPT.take().map(ManuallyDrop::into_inner)));
        let polled = writer.poll_finish(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        move || {
            *WHILE_ASKED.lock().unwrap() = Some(first);
            let _ = unwinds(|| writer.finish());
            assert!(writer.try_finish(), "a guard was not released");
        }
    });
    thread.join();
}

/// The destructor of a `pthread` key runs when nothing of std's is left of the thread.
#[cfg(all(target_os = "linux", not(miri)))]
#[test]
fn first_read_may_be_in_a_destructor_of_the_system() {
    type Read = Mutex<Option<(&'static SharedReader<Static>, thread::Result<usize>)>>;
    static READ: Read = Mutex::new(None);
    extern "C" fn reads(_: *mut libc::c_void) {
        if let Some((shared, read)) = &mut *READ.lock().unwrap() {
            *read = std::panic::catch_unwind(|| *shared.read());
        }
    }
    let shared = leaked().1;
    *READ.lock().unwrap() = Some((shared, Err(Box::new("the destructor was not run"))));
    let mut key = 0;
    for destructor in [None, Some(reads as unsafe extern "C" fn(_))] {
        // The second one: std's own key is before that, and not always before the first.
        // SAFETY: the destructor takes any pointer.
        let made = unsafe { libc::pthread_key_create(&raw mut key, destructor) };
        assert_eq!(made, 0);
    }
    thread::spawn(move || {
        // SAFETY: the key was made above. Not null: else no destructor runs.
        let set = unsafe { libc::pthread_setspecific(key, (&raw const READ).cast()) };
        assert_eq!(set, 0);
    })
    .join()
    .unwrap();
    let (_, read) = READ.lock().unwrap().take().unwrap();
    assert_eq!(read.unwrap(), 0);
}
