//! The writer's own list of the slots that are taken.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ptr::NonNull;

use super::chunk::{Chunk, SlotRef};

/// The slots that were taken when it was last renewed, in order. A registry has at most one.
pub(crate) struct View<S> {
    /// Each points into one of `chunks`.
    pub(super) slots: Vec<NonNull<S>>,
    pub(super) chunks: Vec<Arc<Chunk<S>>>,
}

// SAFETY: it is references into shared chunks and owners of those chunks; the last owner
// drops the slots.
unsafe impl<S: Send + Sync> Send for View<S> {}
// SAFETY: see `Send`.
unsafe impl<S: Send + Sync> Sync for View<S> {}

impl<S> View<S> {
    pub(crate) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            chunks: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &S> {
        self.slots.iter().map(|slot| {
            // SAFETY: it points into one of `chunks`, which `self` owns (R2).
            unsafe { slot.as_ref() }
        })
    }

    /// Returns the slot at an index of [`iter`](Self::iter). The next renewal leaves it valid.
    pub(crate) fn keep(&self, index: usize) -> SlotRef<S> {
        let slot = self.slots[index];
        let is_in = |chunk: &&Arc<Chunk<S>>| {
            let slots = chunk.slots.as_ptr_range();
            slots.contains(&slot.as_ptr().cast_const().cast())
        };
        let chunk = self.chunks.iter().find(is_in);
        let Some(chunk) = chunk.map(Arc::clone) else {
            unreachable!("a view keeps the chunks of its slots (R2)");
        };
        SlotRef {
            slot,
            _chunk: chunk,
        }
    }

    /// Borrows the slot at an index of [`iter`](Self::iter).
    #[inline]
    pub(crate) fn get(&self, index: usize) -> &S {
        // SAFETY: it points into one of `chunks`, which `self` owns (R2).
        unsafe { self.slots[index].as_ref() }
    }
}
