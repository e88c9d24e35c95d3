//! An allocator that counts.

use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::alloc::System;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// The system allocator, which counts. Use it for a test that is the only one in its process.
///
/// # Examples
///
/// ```
/// use dbuf_testing::Counting;
///
/// #[global_allocator]
/// static ALLOCATOR: Counting = Counting;
///
/// let before = Counting::live();
/// let list = vec![0_u8; 1000];
/// assert!(Counting::live() >= before + 1000);
/// drop(list);
/// ```
#[derive(Debug)]
pub struct Counting;

impl Counting {
    /// Returns the bytes in use.
    pub fn live() -> usize {
        LIVE.load(Relaxed)
    }

    /// Returns the number of allocations so far.
    pub fn calls() -> usize {
        CALLS.load(Relaxed)
    }
}

// SAFETY: each call is passed to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Relaxed);
        CALLS.fetch_add(1, Relaxed);
        // SAFETY: the caller upholds the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller upholds the same contract.
        unsafe { System.dealloc(ptr, layout) }
    }
}
