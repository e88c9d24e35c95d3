//! The readers of one shared handle: a slot for each thread.
//!
//! # Invariants
//!
//! - **T1** A slot belongs to the thread that made it and never changes hands. Only that
//!   thread uses its count and its token, until the slot is ended. (Under the table's lock,
//!   other threads read the token's state by `Strategy::holds_elsewhere`.)
//! - **T2** A slot is ended once: by the drop of its table, or by its own thread, which
//!   removes its entry first.
//! - **T3** Its own thread ends a slot only while no guard is on it. A thread that ends
//!   before its guards marks the slot [`LATE`], and the last guard ends it.
//! - **T4** A guard borrows a handle, and a handle keeps the table.
//!
//! So a slot is valid if a thread that has a handle finds it by the id of the handle's table.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::cell::Cell;
use core::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Thread;

use super::thread::{self, AnySlot, AnyTable};
use crate::id::new_id;
use crate::sync::abort;

/// The slots of all threads that read through a handle and its clones.
pub(super) struct Table<T> {
    id: u64,
    /// The id of the buffer. Its strategy made the tokens.
    buffer: u64,
    /// By address. Locked for a few steps only: tokens are made and dropped unlocked.
    slots: Mutex<BTreeMap<usize, OwnedSlot<T>>>,
}

/// A thread's reader token. On cache lines of its own, because reads store to it.
#[cfg_attr(target_pointer_width = "64", repr(align(128)))]
pub(super) struct Slot<T> {
    pub(super) token: T,
    /// The number of guards on it, and [`LATE`].
    guards: Cell<usize>,
    /// The table that owns it, for the guards of a late slot.
    table: NonNull<Table<T>>,
    /// Its thread, for diagnosis.
    thread: Option<Thread>,
}

/// Its thread has ended, and the last guard ends the slot.
const LATE: usize = 1 << (usize::BITS - 1);

impl<T> Slot<T> {
    /// Counts a guard that is about to be acquired. Returns `None`, and counts nothing, if the
    /// slot is late or full.
    #[inline(always)]
    fn enter(&self) -> Option<NonNull<Self>> {
        let guards = self.guards.get().wrapping_add(1);
        // Neither late nor full: one check of the sign.
        (guards < LATE).then(|| {
            self.guards.set(guards);
            NonNull::from(self)
        })
    }

    #[cold]
    #[inline(never)]
    fn enter_late(&self) -> NonNull<Self> {
        if self.guards.get() | LATE == usize::MAX {
            abort("too many guards");
        }
        self.guards.set(self.guards.get() + 1);
        NonNull::from(self)
    }

    /// Subtracts a guard that is about to be released. Returns `false`, and changes nothing, on a
    /// late slot, which the guard may have to end: then [`after_release`] must be called after the
    /// release.
    #[inline(always)]
    pub(super) fn leave(&self) -> bool {
        let guards = self.guards.get() - 1;
        if guards >= LATE {
            return false;
        }
        self.guards.set(guards);
        true
    }

    pub(super) fn is_held(&self) -> bool {
        self.guards.get() & !LATE > 0
    }
}

/// The owner of a slot. A raw pointer, because the slot's thread has another one.
struct OwnedSlot<T>(NonNull<Slot<T>>);

// SAFETY: a slot is dropped when no other thread uses it (T2), and the drop drops a token.
unsafe impl<T: Send> Send for OwnedSlot<T> {}

impl<T> Drop for OwnedSlot<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer is from a box and has one owner; no thread uses it (T2, T3).
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl<T: 'static> Table<T> {
    pub(super) fn new(buffer: u64) -> (u64, Arc<Self>) {
        let id = new_id();
        let slots = Mutex::new(BTreeMap::new());
        (id, Arc::new(Self { id, buffer, slots }))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, OwnedSlot<T>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns this thread's slot in the table `id`.
    ///
    /// # Safety
    ///
    /// That table is alive and its tokens are `T`s. Only this thread uses the slot, and not after
    /// its guards on it are gone.
    #[inline(always)]
    unsafe fn find<'a>(id: u64) -> Option<&'a Slot<T>> {
        // SAFETY: entries of this id lead to slots of its table, which is alive, and so the slots
        // are (T2, T3).
        thread::find(id).map(|slot| unsafe { slot.cast::<Slot<T>>().as_ref() })
    }

    /// Counts a guard on this thread's slot. Returns `None` if there is no slot, or if it is late
    /// or full.
    ///
    /// # Safety
    ///
    /// The table `id` is alive and its tokens are `T`s.
    #[inline(always)]
    pub(super) unsafe fn enter(id: u64) -> Option<NonNull<Slot<T>>> {
        // SAFETY: promised by the caller; no guard is dropped in between.
        unsafe { Self::find(id) }?.enter()
    }

    /// Counts a guard on this thread's slot, which is made if it is missing.
    #[cold]
    #[inline(never)]
    pub(super) fn enter_new(self: &Arc<Self>, new: impl FnOnce() -> T) -> NonNull<Slot<T>> {
        // SAFETY: `self` is that table, and no guard is dropped in between.
        if let Some(slot) = unsafe { Self::find(self.id) } {
            return slot.enter_late();
        }
        let slot = Box::new(Slot {
            token: new(),
            guards: Cell::new(LATE | 1),
            table: NonNull::from(&**self),
            thread: thread::this_thread(),
        });
        let slot = NonNull::from(Box::leak(slot));
        self.lock().insert(slot.addr().get(), OwnedSlot(slot));
        let table: Weak<Self> = Arc::downgrade(self);
        if thread::add(self.id, slot.cast(), table) {
            // SAFETY: just made, and this thread's.
            unsafe { slot.as_ref() }.guards.set(1);
        }
        slot
    }

    /// Returns the threads whose tokens satisfy `predicate`.
    pub(super) fn threads(&self, mut predicate: impl FnMut(&T) -> bool) -> Vec<Thread> {
        let slots = self.lock();
        let threads = slots.values().filter_map(|slot| {
            // SAFETY: a slot is taken out of the table, under the lock, before it is ended.
            let slot = unsafe { slot.0.as_ref() };
            slot.thread.as_ref().filter(|_| predicate(&slot.token))
        });
        threads.cloned().collect()
    }

    /// Returns this thread's slot, if it has a guard.
    ///
    /// # Safety
    ///
    /// See [`enter`](Self::enter). The slot is not used after this thread's guards on it are gone.
    #[inline]
    pub(super) unsafe fn held<'a>(id: u64) -> Option<&'a Slot<T>> {
        // SAFETY: promised by the caller.
        unsafe { Self::find(id) }.filter(|slot| slot.is_held())
    }
}

/// Called before a guard on a [`LATE`] slot is released. If it is the last, this removes the
/// slot's entry.
///
/// # Safety
///
/// The guard is this thread's and counted on the slot.
pub(super) unsafe fn before_release<T: 'static>(slot: NonNull<Slot<T>>) {
    // SAFETY: the guard keeps it (T3).
    let this = unsafe { slot.as_ref() };
    if this.guards.get() == LATE | 1 {
        // SAFETY: T4.
        thread::remove(unsafe { this.table.as_ref() }.id, slot.cast());
    }
}

/// Called after a guard on a [`LATE`] slot was released. If it was the last, this ends the slot.
///
/// # Safety
///
/// The guard was this thread's and counted on the slot, and is not used again.
pub(super) unsafe fn after_release<T: 'static>(slot: NonNull<Slot<T>>) {
    // SAFETY: the guard kept it until here (T3).
    let this = unsafe { slot.as_ref() };
    // SAFETY: T4; what the guard borrowed outlives this call.
    let table = unsafe { this.table.as_ref() };
    this.guards.set(this.guards.get() - 1);
    if this.guards.get() == LATE {
        // Removed again: during the release a waker may have dropped the other guards.
        thread::remove(table.id, slot.cast());
        // SAFETY: this thread's, without guards, and without an entry (T2, T3).
        unsafe { table.end(slot.cast()) };
    }
}

impl<T: 'static> AnyTable for Table<T> {
    fn buffer(&self) -> u64 {
        self.buffer
    }

    unsafe fn is_held_at_exit(&self, slot: AnySlot) -> bool {
        // SAFETY: promised by the caller.
        let slot = unsafe { slot.cast::<Slot<T>>().as_ref() };
        let held = slot.is_held();
        if held {
            slot.guards.set(slot.guards.get() | LATE);
        }
        held
    }

    unsafe fn end(&self, slot: AnySlot) {
        let slot = self.lock().remove(&slot.addr().get());
        drop(slot);
    }
}
