//! Chunks of slots, and references that keep them.

use alloc::sync::Arc;
use core::array;
use core::ops::Deref;
use core::ptr::NonNull;

use crossbeam_utils::CachePadded;

/// The number of slots in a chunk, at most 8. A chunk of 8 has 1,152 bytes with its counts: one
/// reader of a buffer costs that much.
pub(super) const CHUNK: usize = if cfg!(dbuf_loom) { 2 } else { 8 };

/// A bit for each slot of a chunk.
pub(super) const FULL: u8 = u8::MAX >> (8 - CHUNK);

pub(super) struct Entry<S> {
    /// `None` while no slot is taken.
    pub(super) chunk: Option<Arc<Chunk<S>>>,
    /// A bit for each slot that is taken.
    pub(super) taken: u8,
}

pub(super) struct Chunk<S> {
    pub(super) slots: [CachePadded<S>; CHUNK],
}

/// A reference to a slot that keeps its chunk. The slot may have changed its owner.
pub(crate) struct SlotRef<S> {
    pub(super) slot: NonNull<S>,
    pub(super) _chunk: Arc<Chunk<S>>,
}

// SAFETY: it is a reference into a shared chunk and an owner of that chunk; the last owner
// drops the slots.
unsafe impl<S: Send + Sync> Send for SlotRef<S> {}
// SAFETY: see `Send`.
unsafe impl<S: Send + Sync> Sync for SlotRef<S> {}

impl<S> Deref for SlotRef<S> {
    type Target = S;

    #[inline]
    fn deref(&self) -> &S {
        // SAFETY: it points into `_chunk`, which `self` owns (R2).
        unsafe { self.slot.as_ref() }
    }
}

/// The slot of one reader. Its drop does not free the slot: see `Registry::free`.
pub(crate) struct Registration<S> {
    pub(super) slot: SlotRef<S>,
    pub(super) number: usize,
}

impl<S> Deref for Registration<S> {
    type Target = S;

    #[inline]
    fn deref(&self) -> &S {
        &self.slot
    }
}

impl<S> Entry<S> {
    /// Calls `f` with every slot that is taken.
    #[inline]
    pub(super) fn for_each_taken<'a>(&'a self, mut f: impl FnMut(&'a S)) {
        let Some(chunk) = &self.chunk else {
            return;
        };
        let mut taken = self.taken;
        while taken > 0 {
            f(&chunk.slots[taken.trailing_zeros() as usize]);
            // Clear the lowest bit.
            taken &= taken - 1;
        }
    }
}

impl<S: Default> Chunk<S> {
    pub(super) fn new() -> Self {
        Self {
            slots: array::from_fn(|_| CachePadded::default()),
        }
    }
}
