//! Counts what each thread allocates.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use std::alloc::System;

/// The system's allocator. Each thread counts for itself, so that no contender's allocations meet
/// on a shared counter.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// Bytes allocated less bytes freed, by this thread.
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

fn add(bytes: i64) {
    // It has no destructor, so it is there as long as the thread.
    LIVE.with(|live| live.set(live.get().wrapping_add(bytes)));
}

// SAFETY: every call goes to the system's allocator as it came, and its answer back; counting
// neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size() as i64);
        // SAFETY: the caller's promise about the layout.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size() as i64);
        // SAFETY: the caller's promise about the layout.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(size as i64 - layout.size() as i64);
        // SAFETY: the caller's promise about the block, the layout and the size.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        add(-(layout.size() as i64));
        // SAFETY: the caller's promise about the block and the layout.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Returns the bytes that `make` allocated on this thread and did not free, and its result.
pub fn counted<R>(make: impl FnOnce() -> R) -> (i64, R) {
    let before = LIVE.get();
    let made = make();
    (LIVE.get() - before, made)
}
