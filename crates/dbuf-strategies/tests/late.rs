//! Shared reads after the thread's place was given back. One test, since it counts
//! the panics of the process.
#![forbid(unsafe_code)]
#![cfg(not(dbuf_loom))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::cell::Cell;
use std::panic::{set_hook, take_hook};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, LazyLock};
use std::thread;

use dbuf_strategies::EpochStrategy;
use dbuf_strategies::core::{DoubleBuffer, SharedReader};
use thread_local::ThreadLocal;

static SHARED: LazyLock<SharedReader<Arc<DoubleBuffer<u32, EpochStrategy>>>> =
    LazyLock::new(|| SharedReader::new(Arc::new(DoubleBuffer::new(7, 7, EpochStrategy::new()))));
static LATE_READS: AtomicUsize = AtomicUsize::new(0);
static PANICS: AtomicUsize = AtomicUsize::new(0);

struct ReadsWhenDropped(Cell<bool>);

impl Drop for ReadsWhenDropped {
    fn drop(&mut self) {
        if self.0.get() {
            assert_eq!(*SHARED.read() + *SHARED.read(), 14);
            LATE_READS.fetch_add(1, SeqCst);
        }
    }
}

thread_local! {
    static LATE: ReadsWhenDropped = const { ReadsWhenDropped(Cell::new(false)) };
}

/// Runs `use_locals` on a new thread whose last destructor reads.
fn late(use_locals: fn()) {
    thread::spawn(move || {
        // Registered first, so destroyed last.
        LATE.with(|late| late.0.set(true));
        use_locals();
    })
    .join()
    .unwrap();
}

#[test]
fn reads_after_the_threads_place_is_gone() {
    let hook = take_hook();
    set_hook(Box::new(|_| {
        PANICS.fetch_add(1, SeqCst);
    }));
    // The thread had a place: it is known to be gone, and nothing is tried.
    late(|| assert_eq!(*SHARED.read(), 7));
    assert_eq!((LATE_READS.load(SeqCst), PANICS.load(SeqCst)), (1, 0));
    // Somebody else used the crate, and its local is gone at the first read: the
    // crate panics, and the read goes on.
    late(|| {
        let other = ThreadLocal::new();
        other.get_or(|| 1);
    });
    let panics = PANICS.load(SeqCst);
    set_hook(hook);
    assert_eq!(LATE_READS.load(SeqCst), 2);
    assert_eq!(panics, 1);
}
