//! What only the writer needs: how far the last swap has come, and its stragglers.

use alloc::vec::Vec;

use dbuf_core::sync::cell::UnsafeCell;
use dbuf_core::{Side, const_fn};

use super::fence_policy::FencePolicy;
use super::slot::{Inner, Slot};
use super::word::Epoch;
use crate::registry::{SlotRef, View};

/// Proof of the claim of an [`EpochStrategy`](crate::EpochStrategy).
#[derive(Debug)]
pub struct EpochWriter(pub(super) ());

/// The writer's state, which outlives a claim.
pub(super) struct WriterState {
    pub(super) start: Start,
    /// The readers, as of the last renewal.
    pub(super) view: View<Slot>,
    /// The sum of the epochs of all slots that were not in the view then.
    pub(super) retired: Epoch,
    /// The sum of all epochs at the last scan. Every read adds 2.
    pub(super) epochs: Epoch,
    /// The stragglers of the last swap. It has room for the whole view.
    pub(super) waiting: Vec<Straggler>,
    /// The stragglers of the spare side.
    pub(super) aside: Vec<SpareStraggler>,
    pub(super) policy: FencePolicy,
}

impl WriterState {
    /// Renews the view. The waiting set must be empty.
    #[cold]
    #[inline(never)]
    pub(super) fn renew(&mut self, shared: &Inner) {
        let Self {
            view,
            waiting,
            retired,
            ..
        } = self;
        shared.readers.renew(view, |readers, &sum| {
            waiting.shrink_to(2 * readers);
            waiting.reserve(readers);
            *retired = sum;
        });
    }
}

/// How far the start of the last swap has come.
#[derive(Clone, Copy)]
pub(super) enum Start {
    /// W1 is made and W3 is not. `fenced` is the mode before W1.
    Flipped { fenced: bool },
    /// W3 is made.
    Scanned,
}

/// The writer's state, locked by its token: exclusive access to the one token (S1) of this
/// strategy (C1) is exclusive access to the state.
pub(super) struct WriterCell(UnsafeCell<WriterState>);

// SAFETY: a shared reference to the token only reads the state, an exclusive one changes it;
// all fields are `Send` and `Sync`.
unsafe impl Sync for WriterCell {}

impl WriterCell {
    const_fn! {
        pub(super) const fn new() -> Self {
            Self(UnsafeCell::new(WriterState {
                start: Start::Scanned,
                view: View::new(),
                retired: 0,
                epochs: 0,
                waiting: Vec::new(),
                aside: Vec::new(),
                policy: FencePolicy::new(),
            }))
        }
    }

    pub(super) fn with<R>(&self, _: &EpochWriter, f: impl FnOnce(&WriterState) -> R) -> R {
        self.0.with(|state| {
            // SAFETY: no other thread has the token exclusively (S1).
            f(unsafe { &*state })
        })
    }

    pub(super) fn with_mut<R>(
        &self,
        _: &mut EpochWriter,
        f: impl FnOnce(&mut WriterState) -> R,
    ) -> R {
        self.0.with_mut(|state| {
            // SAFETY: no other thread has the token (S1), and `f` cannot reach this cell
            // again without it.
            f(unsafe { &mut *state })
        })
    }
}

/// A straggler of the last swap.
pub(super) struct Straggler {
    /// The index of its slot in the view, which is not renewed while a swap is unfinished.
    pub(super) index: usize,
    pub(super) epoch: Epoch,
    /// Its leave wakes the writer.
    pub(super) asked: bool,
}

impl Straggler {
    pub(super) fn has_left(&self, view: &View<Slot>, side: Side) -> bool {
        view.get(self.index).has_left(side, self.epoch)
    }
}

/// A straggler of the spare side. It keeps its slot itself, since the view may be renewed.
pub(super) struct SpareStraggler {
    pub(super) slot: SlotRef<Slot>,
    pub(super) epoch: Epoch,
    /// Its leave wakes the writer.
    pub(super) asked: bool,
}
