//! Counts what each thread allocates.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use std::alloc::System;

/// The system's allocator. A thread counts for itself, so that no contender's
/// allocations meet on a shared count.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// Bytes allocated less bytes freed, by this thread.
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

fn note(bytes: usize, sign: i64) {
    // Without a destructor it is there as long as the thread.
    LIVE.with(|live| live.set(live.get().wrapping_add(sign * bytes as i64)));
}

// SAFETY: every call goes to the system's allocator as it came, and its answer back;
// counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 1);
        // SAFETY: the caller's promise about the layout.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 1);
        // SAFETY: the caller's promise about the layout.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(layout.size(), -1);
        note(size, 1);
        // SAFETY: the caller's promise about the block, the layout and the size.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note(layout.size(), -1);
        // SAFETY: the caller's promise about the block and the layout.
        unsafe { System.dealloc(block, layout) }
    }
}

/// How many bytes `make` allocated on this thread and did not free, and what it
/// made.
pub(crate) fn counted<R>(make: impl FnOnce() -> R) -> (i64, R) {
    let before = LIVE.get();
    let made = make();
    (LIVE.get() - before, made)
}
