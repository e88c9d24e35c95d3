//! Wakers that a leave calls, and a pointer that reads.

use std::cell::Cell;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Waker};

use dbuf_strategies::EpochStrategy;
use dbuf_strategies::core::{BufferPtr, DoubleBuffer, SharedReadGuard, SharedReader, Writer};

use super::{Handle, counted};
use crate::common::{on_wake, panicking_wake, unwinds};

/// Drops the guard that a swap waits for, with that waker. The guard may be nested.
fn wakes(waker: impl Fn(Handle<EpochStrategy>, bool) -> Waker, panics: bool) {
    let (mut writer, shared, _) = counted::<EpochStrategy>();
    for nested in [false, true] {
        writer.finish();
        let old = shared.read();
        assert!(writer.start_swap());
        let new = nested.then(|| shared.read());
        let waker = waker(shared.clone(), nested);
        let polled = writer.poll_finish(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        assert_eq!(unwinds(|| drop(old)), panics, "nested: {nested}");
        assert_eq!(shared.has_guard(), nested);
        drop(new);
        assert!(!shared.has_guard());
        assert!(writer.try_finish(), "a guard was not released");
    }
}

/// A waker runs after its guard has ended. It reads through the handle, and may wait for readers.
#[test]
fn a_waker_that_reads_finds_no_guard() {
    let woken = Arc::new(AtomicUsize::new(0));
    let waker = |handle: Handle<EpochStrategy>, nested| {
        let count = Arc::clone(&woken);
        on_wake(move || {
            assert_eq!(handle.has_guard(), nested);
            assert_eq!(*handle.read() + *handle.read(), 14);
            assert_eq!(handle.has_guard(), nested);
            count.fetch_add(1, SeqCst);
        })
    };
    wakes(waker, false);
    assert_eq!(woken.load(SeqCst), 2);
}

/// If a waker panics in the drop of a guard, its reader is lost, but guards are still counted.
#[test]
fn a_panicking_waker_leaves_the_guards_counted() {
    wakes(|_, _| panicking_wake(), true);
}

/// A pointer whose `clone` and `deref` read through the handle that it is in.
struct ReadsItself(&'static DoubleBuffer<u32, EpochStrategy>);

thread_local!(static READS: Cell<bool> = const { Cell::new(false) });
static ITS_BUFFER: DoubleBuffer<u32, EpochStrategy> = DoubleBuffer::new(5, 5, EpochStrategy::new());
static ITS_HANDLE: LazyLock<SharedReader<ReadsItself>> =
    LazyLock::new(|| SharedReader::new(ReadsItself(&ITS_BUFFER)));

fn read_if_asked() {
    if READS.replace(false) {
        assert_eq!(*ITS_HANDLE.read(), 5);
    }
}

impl Deref for ReadsItself {
    type Target = DoubleBuffer<u32, EpochStrategy>;
    fn deref(&self) -> &Self::Target {
        read_if_asked();
        self.0
    }
}

impl Clone for ReadsItself {
    fn clone(&self) -> Self {
        read_if_asked();
        Self(self.0)
    }
}

// SAFETY: a reference to a static (P1 to P6).
unsafe impl BufferPtr for ReadsItself {
    type Value = u32;
    type Strategy = EpochStrategy;
    type Extras = ();
}

#[test]
fn a_pointer_that_reads_hides_no_guard() {
    let shared = &*ITS_HANDLE;
    let mut writer = Writer::claim(&ITS_BUFFER).unwrap();
    let asked = || READS.set(true);
    for _ in 0..3 {
        asked();
        let outer = shared.read();
        assert!(!READS.get() && shared.has_guard());
        asked();
        let inner = shared.read();
        // A guard refers to its buffer, and uses no pointer.
        asked();
        assert_eq!(*SharedReadGuard::extras(&inner), ());
        drop(outer);
        assert!(READS.get() && shared.has_guard());
        let clone = shared.clone();
        assert!(!READS.get() && clone.has_guard());
        writer.start_swap();
        assert!(!writer.try_finish());
        asked();
        drop(inner);
        assert!(READS.replace(false) && !shared.has_guard());
        assert!(writer.try_finish());
    }
}
