//! An allocator that counts, for tests that are alone in their process.
#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]

use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicUsize, Ordering};
use std::alloc::System;

pub struct Counting;

/// Bytes in use.
pub static LIVE: AtomicUsize = AtomicUsize::new(0);
/// Allocations so far.
pub static CALLS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands on to the system's allocator what it is asked for.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
