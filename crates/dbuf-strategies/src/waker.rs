//! A cell for the one waker of a writer, without a lock.
//!
//! # Idea
//!
//! The writer registers, and any reader may take. The thread that moves the state away from
//! `IDLE` owns the cell; one that finds another state leaves the work to the owner. (The
//! scheme is that of the `atomic-waker` crate; written here so that the model checker sees it.)
//!
//! | state | owner of the cell | a writer that registers | a reader that takes |
//! |---|---|---|---|
//! | `IDLE` | none | → `REGISTERING` | → `TAKING` |
//! | `REGISTERING` | the writer | (there is one writer) | adds `TAKING`, leaves the wake to the writer |
//! | `TAKING` | one reader | wakes itself | leaves the wake to that reader |
//!
//! # Orderings
//!
//! Every transition is a read-modify-write of one word. A registration acquires what each
//! earlier take released, so a check of the readers *after* it sees the leave of a reader that
//! found no waker.

use core::task::Waker;

use dbuf_core::const_fn;
use dbuf_core::sync::atomic::{AtomicUsize, Ordering};
use dbuf_core::sync::cell::UnsafeCell;

const IDLE: usize = 0;
const REGISTERING: usize = 1;
const TAKING: usize = 2;

pub(crate) struct AtomicWaker {
    state: AtomicUsize,
    waker: UnsafeCell<Option<Waker>>,
}

// SAFETY: the state gives the cell to one thread at a time, and a `Waker` is `Send`.
unsafe impl Sync for AtomicWaker {}

impl AtomicWaker {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self {
                state: AtomicUsize::new(IDLE),
                waker: UnsafeCell::new(None),
            }
        }
    }

    /// Replaces the waker, or wakes it if a reader is taking one at this moment. The caller
    /// checks the readers afterwards.
    ///
    /// # Safety
    ///
    /// Only one thread calls it at a time: the holder of the writer's claim.
    pub(crate) unsafe fn register(&self, waker: Waker) {
        // ORDERING: Acquire; partner: the first step of `take`. The poll that follows this wake
        // sees the leave of the reader that is taking, instead of coming here again.
        // UNMODELLED: no wake is lost without it.
        let busy = Ordering::Acquire;
        // ORDERING: Acquire; partners: both steps of `take`, for the last change of the cell and
        // for the leave before a take that found nothing.
        if self
            .state
            .compare_exchange(IDLE, REGISTERING, Ordering::Acquire, busy)
            .is_err()
        {
            waker.wake();
            return;
        }
        // SAFETY: this thread has set the state to `REGISTERING`.
        let replaced = self
            .waker
            .with_mut(|slot| unsafe { (*slot).replace(waker) });
        // ORDERING: Release; partner: the first step of `take`, which reads the cell.
        // Relaxed on failure: the swap below releases, and this thread owns the cell.
        let idle =
            self.state
                .compare_exchange(REGISTERING, IDLE, Ordering::Release, Ordering::Relaxed);
        if idle.is_err() {
            // A reader has come and leaves the wake to this thread.
            // SAFETY: this thread has set `REGISTERING`, which is still set.
            let own = self.waker.with_mut(|slot| unsafe { (*slot).take() });
            // ORDERING: Release; partner: the first step of `take`. A swap and not a
            // store, so that it continues that reader's release sequence.
            self.state.swap(IDLE, Ordering::Release);
            if let Some(own) = own {
                own.wake();
            }
        }
        drop(replaced);
    }

    /// Takes the waker, unless another thread owns the cell.
    #[cold]
    pub(crate) fn take(&self) -> Option<Waker> {
        // ORDERING: Acquire; partner: the end of `register` (the cell). Release;
        // partner: the start of `register`, which must see this thread's leave.
        if self.state.fetch_or(TAKING, Ordering::AcqRel) != IDLE {
            return None;
        }
        // SAFETY: this thread has changed the state from `IDLE` to `TAKING`.
        let waker = self.waker.with_mut(|slot| unsafe { (*slot).take() });
        // ORDERING: Release; partners: the first steps of `register` and `take` (the cell).
        self.state.fetch_and(!TAKING, Ordering::Release);
        waker
    }
}
