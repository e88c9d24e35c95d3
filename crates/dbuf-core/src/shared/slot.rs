//! The readers of one shared handle: a slot for each thread.
//!
//! # Invariants
//!
//! - **T1** A slot belongs to the thread that made it and never changes hands. Its cells
//!   and its tokens are used by that thread only, until somebody ends the slot.
//! - **T2** A slot is ended once: by the drop of its table, or by its own thread, which
//!   forgets it first.
//! - **T3** Its own thread ends a slot only while no guard is on it. A thread that ends
//!   before its guards marks the slot [`LATE`], and the last guard ends it.
//!
//! Every handle and guard keeps the table, so a slot that a thread finds by the id of a
//! table of which it has a handle is there.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use core::cell::{Cell, OnceCell};
use core::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::thread::{self, AnySlot, AnyTable};
use crate::primitive::abort;

/// The slots of all threads that read through a handle and its clones.
pub(super) struct Table<T> {
    id: u64,
    /// By address. Held for a few steps only: tokens are made and dropped unlocked.
    slots: Mutex<BTreeMap<usize, OwnedSlot<T>>>,
}

/// What one thread reads with. On cache lines of its own: a read stores to it.
#[cfg_attr(target_pointer_width = "64", repr(align(128)))]
pub(super) struct Slot<T> {
    /// Has one guard at most.
    first: Counted<T>,
    /// For guards beyond the first, which may be old: those of a loop under a guard that
    /// is kept hold up their own side only. Made when it is first needed.
    second: OnceCell<Counted<T>>,
}

/// A reader, and how many guards are on it.
pub(super) struct Counted<T> {
    pub(super) token: T,
    /// [`ONE`] for each guard, and [`LATE`].
    state: Cell<usize>,
}

/// The thread's end has passed, and the last guard ends the slot.
const LATE: usize = 1;
const ONE: usize = 2;

impl<T> Counted<T> {
    fn new(token: T, late: bool) -> Self {
        Self {
            token,
            state: Cell::new(if late { LATE } else { 0 }),
        }
    }

    fn is_held(&self) -> bool {
        self.state.get() >= ONE
    }

    fn is_late(&self) -> bool {
        self.state.get() & LATE != 0
    }

    /// Counts a guard that is about to be acquired.
    fn enter(&self) -> NonNull<Self> {
        match self.state.get().checked_add(ONE) {
            Some(state) => self.state.set(state),
            None => abort("too many guards"),
        }
        NonNull::from(self)
    }

    /// Counts a guard out that is about to be released. Not on a slot that the guard
    /// may have to end: then nothing changes, and [`Table::left`] has to be called after
    /// the release.
    #[inline(always)]
    pub(super) fn leave(&self) -> bool {
        if self.is_late() {
            return false;
        }
        self.state.set(self.state.get() - ONE);
        true
    }
}

impl<T> Slot<T> {
    fn is_held(&self) -> bool {
        self.first.is_held() || self.second.get().is_some_and(Counted::is_held)
    }

    fn set_late(&self) {
        for token in [Some(&self.first), self.second.get()].into_iter().flatten() {
            token.state.set(token.state.get() | LATE);
        }
    }
}

/// The owner of a slot. A raw pointer, since its thread has another.
struct OwnedSlot<T>(NonNull<Slot<T>>);

// SAFETY: whoever drops the slot has it alone (T2), and drops tokens.
unsafe impl<T: Send> Send for OwnedSlot<T> {}

impl<T> Drop for OwnedSlot<T> {
    fn drop(&mut self) {
        // SAFETY: from a box, of which this is the one owner; nobody uses it (T2, T3).
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl<T: 'static> Table<T> {
    pub(super) fn new() -> (u64, Arc<Self>) {
        let id = thread::new_id();
        let slots = Mutex::new(BTreeMap::new());
        (id, Arc::new(Self { id, slots }))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, OwnedSlot<T>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This thread's slot in the table `id`.
    ///
    /// # Safety
    ///
    /// That table is alive and its tokens are `T`s. The slot is used by this thread, and
    /// not after this thread's guards on it are gone.
    #[inline(always)]
    unsafe fn find<'a>(id: u64) -> Option<&'a Slot<T>> {
        // SAFETY: entries of this id lead to slots of its table, which is alive, and so
        // are they (T2, T3).
        thread::find(id).map(|slot| unsafe { slot.cast::<Slot<T>>().as_ref() })
    }

    /// Takes this thread's first token for a guard, if there is one and it is free.
    ///
    /// # Safety
    ///
    /// The table `id` is alive and its tokens are `T`s.
    #[inline(always)]
    pub(super) unsafe fn first_token(id: u64) -> Option<NonNull<Counted<T>>> {
        // SAFETY: promised by the caller; no guard goes in between.
        let first = &unsafe { Self::find(id) }?.first;
        // Also not late.
        (first.state.get() == 0).then(|| {
            first.state.set(ONE);
            NonNull::from(first)
        })
    }

    /// Takes the token that this thread has for a guard beyond the first.
    ///
    /// # Safety
    ///
    /// As for [`first_token`](Self::first_token).
    #[inline(never)]
    pub(super) unsafe fn next_token(id: u64) -> Option<NonNull<Counted<T>>> {
        // SAFETY: promised by the caller; no guard goes in between.
        let slot = unsafe { Self::find(id) }?;
        if slot.first.is_held() {
            slot.second.get().map(Counted::enter)
        } else {
            Some(slot.first.enter())
        }
    }

    /// Adds the token that was missing, and takes it for a guard.
    #[cold]
    #[inline(never)]
    pub(super) fn new_token(self: &Arc<Self>, token: T) -> NonNull<Counted<T>> {
        // SAFETY: the table is here, and no guard goes in between.
        match unsafe { Self::find(self.id) } {
            Some(slot) => {
                let second = || Counted::new(token, slot.first.is_late());
                slot.second.get_or_init(second).enter()
            }
            None => {
                let slot = self.new_slot(token);
                // SAFETY: just made, and this thread's.
                unsafe { slot.as_ref() }.first.enter()
            }
        }
    }

    fn new_slot(self: &Arc<Self>, token: T) -> NonNull<Slot<T>> {
        let slot = Box::new(Slot {
            first: Counted::new(token, !thread::ends_its_slots()),
            second: OnceCell::new(),
        });
        let slot = NonNull::from(Box::leak(slot));
        self.lock().insert(slot.addr().get(), OwnedSlot(slot));
        let table: Weak<Self> = Arc::downgrade(self);
        thread::add(self.id, slot.cast(), table);
        slot
    }

    /// Whether this thread has a guard.
    ///
    /// # Safety
    ///
    /// As for [`first_token`](Self::first_token).
    #[inline]
    pub(super) unsafe fn is_held(id: u64) -> bool {
        // SAFETY: promised by the caller; no guard goes in between.
        unsafe { Self::find(id) }.is_some_and(Slot::is_held)
    }

    /// A guard on a [`LATE`] token was released.
    pub(super) fn left(&self, token: NonNull<Counted<T>>) {
        // SAFETY: the guard kept it until here (T3).
        let token = unsafe { token.as_ref() };
        token.state.set(token.state.get() - ONE);
        // SAFETY: the table is here, and what is used of the slot is used here.
        let slot = unsafe { Self::find(self.id) };
        if let Some(slot) = slot.filter(|slot| !slot.is_held()) {
            let slot = NonNull::from(slot).cast();
            thread::remove(self.id);
            // SAFETY: this thread's, without guards, and forgotten (T2, T3).
            unsafe { self.end(slot) };
        }
    }
}

impl<T: 'static> AnyTable for Table<T> {
    unsafe fn is_held_at_exit(&self, slot: AnySlot) -> bool {
        // SAFETY: promised by the caller.
        let slot = unsafe { slot.cast::<Slot<T>>().as_ref() };
        let held = slot.is_held();
        if held {
            slot.set_late();
        }
        held
    }

    unsafe fn end(&self, slot: AnySlot) {
        let slot = self.lock().remove(&slot.addr().get());
        drop(slot);
    }
}
