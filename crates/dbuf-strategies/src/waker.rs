//! A place for the one waker of a writer, without a lock.
//!
//! # Idea
//!
//! The writer registers, any reader may take. Whoever moves the state away from
//! `IDLE` has the slot to itself; whoever finds it taken leaves the work to the
//! other. (The scheme is that of the `atomic-waker` crate; written here so that
//! the model checker sees it.)
//!
//! | state | the slot belongs to | a writer that comes | a reader that comes |
//! |---|---|---|---|
//! | `IDLE` | nobody | → `REGISTERING` | → `TAKING` |
//! | `REGISTERING` | the writer | (there is one) | adds `TAKING`, leaves the wake to the writer |
//! | `TAKING` | one reader | wakes itself | leaves the wake to that reader |
//!
//! # Orderings
//!
//! Every transition is a read-modify-write of one word. A registration acquires
//! what each take before it released, so that a look at the readers *after*
//! registering sees the leave of whoever found no waker.

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

// SAFETY: the state hands the slot to one thread at a time; a `Waker` is `Send`.
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

    /// Puts a waker in place of the old one, or wakes it if a reader is taking
    /// one at this moment. The caller looks again afterwards.
    ///
    /// # Safety
    ///
    /// One thread at a time: the holder of the writer's claim.
    pub(crate) unsafe fn register(&self, waker: Waker) {
        // ORDERING: Acquire; partners: both steps of `take`: the slot's last change,
        // and the leave before a take that found nothing.
        // Acquire on failure too: the waker is called, and the poll that follows sees the
        // leave of the reader that is taking, instead of coming through here again and again.
        if self
            .state
            .compare_exchange(IDLE, REGISTERING, Ordering::Acquire, Ordering::Acquire)
            .is_err()
        {
            waker.wake();
            return;
        }
        // SAFETY: the state is `REGISTERING`, set by this thread.
        let replaced = self
            .waker
            .with_mut(|slot| unsafe { (*slot).replace(waker) });
        // ORDERING: Release; partner: the first step of `take`, which reads the slot.
        // Relaxed on failure: as above.
        let idle =
            self.state
                .compare_exchange(REGISTERING, IDLE, Ordering::Release, Ordering::Relaxed);
        if idle.is_err() {
            // A reader came and left the wake to this thread.
            // SAFETY: `REGISTERING` is still set, by this thread.
            let own = self.waker.with_mut(|slot| unsafe { (*slot).take() });
            // ORDERING: Release; partner: the first step of `take`. A swap and not a
            // store: it carries on what that reader released.
            self.state.swap(IDLE, Ordering::Release);
            if let Some(own) = own {
                own.wake();
            }
        }
        drop(replaced);
    }

    /// Takes the waker, unless somebody else has it in hand.
    #[cold]
    pub(crate) fn take(&self) -> Option<Waker> {
        // ORDERING: Acquire; partner: the end of `register` (the slot). Release;
        // partner: the start of `register`, which must see this thread's leave.
        if self.state.fetch_or(TAKING, Ordering::AcqRel) != IDLE {
            return None;
        }
        // SAFETY: the state was `IDLE` and is `TAKING`, set by this thread.
        let waker = self.waker.with_mut(|slot| unsafe { (*slot).take() });
        // ORDERING: Release; partners: whoever moves on from `IDLE` (the slot).
        self.state.fetch_and(!TAKING, Ordering::Release);
        waker
    }
}
