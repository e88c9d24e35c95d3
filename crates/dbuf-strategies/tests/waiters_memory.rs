//! What waiting allocates.
#![cfg(not(any(dbuf_loom, miri)))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests always have std"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Waker};

use dbuf_strategies::core::arc;
use dbuf_strategies::{CountStrategy, Watched};

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: the system's allocator, counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: the caller's promise, here and below.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// A wait "allocates only to make the list longer": ten thousand rounds of as many
/// waiters as before make nothing longer.
#[test]
fn waits_in_the_long_run_allocate_nothing() {
    let (mut writer, reader) = arc(0, 0, Watched::new(CountStrategy::new()));
    let mut waiters = [(); 3].map(|()| reader.strategy().waiter());
    let mut cx = Context::from_waker(Waker::noop());
    let mut before = 0;
    for round in 0..10_000_u64 {
        if round == 10 {
            before = ALLOCATIONS.load(Relaxed);
        }
        for waiter in &mut waiters {
            assert!(waiter.poll_newer(round, &mut cx).is_pending());
        }
        writer.store(1);
    }
    let allocations = ALLOCATIONS.load(Relaxed) - before;
    // The test runner's own threads may allocate a little.
    assert!(allocations < 100, "{allocations} allocations");
}
