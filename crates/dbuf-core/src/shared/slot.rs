//! The readers of one shared handle: a slot for each thread.
//!
//! # Invariants
//!
//! - **T1** A slot belongs to the thread that made it and never changes hands. Its count
//!   and its token are used by that thread only, until somebody ends the slot. (Other
//!   threads ask about the token under the table's lock, by `Strategy::holds_elsewhere`.)
//! - **T2** A slot is ended once: by the drop of its table, or by its own thread, which
//!   forgets it first.
//! - **T3** Its own thread ends a slot only while no guard is on it. A thread that ends
//!   before its guards marks the slot [`LATE`], and the last guard ends it.
//! - **T4** A guard borrows a handle, and a handle keeps the table.
//!
//! So a slot that a thread finds by the id of a table of which it has a handle is there.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::cell::Cell;
use core::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Thread;

use super::thread::{self, AnySlot, AnyTable};
use crate::sync::abort;

/// The slots of all threads that read through a handle and its clones.
pub(super) struct Table<T> {
    id: u64,
    /// The id of the buffer to whose strategy the tokens belong.
    buffer: u64,
    /// By address. Held for a few steps only: tokens are made and dropped unlocked.
    slots: Mutex<BTreeMap<usize, OwnedSlot<T>>>,
}

/// What one thread reads with. On cache lines of its own: a read stores to it.
#[cfg_attr(target_pointer_width = "64", repr(align(128)))]
pub(super) struct Slot<T> {
    pub(super) token: T,
    /// How many guards are on it, and [`LATE`].
    guards: Cell<usize>,
    /// The table that owns it, for the guards of a slot that is late.
    table: NonNull<Table<T>>,
    /// Whose it is, for diagnosis.
    thread: Option<Thread>,
}

/// The thread's end has passed, and the last guard ends the slot.
const LATE: usize = 1 << (usize::BITS - 1);

impl<T> Slot<T> {
    /// Counts a guard that is about to be acquired, unless there is something special.
    #[inline(always)]
    fn enter(&self) -> Option<NonNull<Self>> {
        let guards = self.guards.get().wrapping_add(1);
        // Neither late nor full: one look at the sign.
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

    /// Counts a guard out that is about to be released. Not on a slot that the guard
    /// may have to end: then nothing changes, and [`Table::left`] has to be called after
    /// the release.
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

/// The owner of a slot. A raw pointer, since its thread has another.
struct OwnedSlot<T>(NonNull<Slot<T>>);

// SAFETY: whoever drops the slot has it alone (T2), and drops a token.
unsafe impl<T: Send> Send for OwnedSlot<T> {}

impl<T> Drop for OwnedSlot<T> {
    fn drop(&mut self) {
        // SAFETY: from a box, of which this is the one owner; nobody uses it (T2, T3).
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl<T: 'static> Table<T> {
    pub(super) fn new(buffer: u64) -> (u64, Arc<Self>) {
        let id = thread::new_id();
        let slots = Mutex::new(BTreeMap::new());
        (id, Arc::new(Self { id, buffer, slots }))
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

    /// Counts a guard on this thread's slot, if that is all there is to do.
    ///
    /// # Safety
    ///
    /// The table `id` is alive and its tokens are `T`s.
    #[inline(always)]
    pub(super) unsafe fn enter(id: u64) -> Option<NonNull<Slot<T>>> {
        // SAFETY: promised by the caller; no guard goes in between.
        unsafe { Self::find(id) }?.enter()
    }

    /// Counts a guard on this thread's slot, which is made if it is missing.
    #[cold]
    #[inline(never)]
    pub(super) fn enter_new(self: &Arc<Self>, new: impl FnOnce() -> T) -> NonNull<Slot<T>> {
        // SAFETY: the table is here, and no guard goes in between.
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

    /// The threads whose tokens are such.
    pub(super) fn threads(&self, mut is_such: impl FnMut(&T) -> bool) -> Vec<Thread> {
        let slots = self.lock();
        let threads = slots.values().filter_map(|slot| {
            // SAFETY: whoever ends a slot takes it out of the table first, under the lock.
            let slot = unsafe { slot.0.as_ref() };
            slot.thread.as_ref().filter(|_| is_such(&slot.token))
        });
        threads.cloned().collect()
    }

    /// This thread's slot, if it has a guard.
    ///
    /// # Safety
    ///
    /// As for [`enter`](Self::enter). The slot is not used after this thread's guards on it
    /// are gone.
    #[inline]
    pub(super) unsafe fn held<'a>(id: u64) -> Option<&'a Slot<T>> {
        // SAFETY: promised by the caller.
        unsafe { Self::find(id) }.filter(|slot| slot.is_held())
    }
}

/// A guard on a [`LATE`] slot is about to be released. Nothing leads to the slot any more
/// if it is the last.
///
/// # Safety
///
/// The guard is this thread's and counted on the slot.
pub(super) unsafe fn is_leaving<T: 'static>(slot: NonNull<Slot<T>>) {
    // SAFETY: the guard keeps it (T3).
    let this = unsafe { slot.as_ref() };
    if this.guards.get() == LATE | 1 {
        // SAFETY: T4.
        thread::remove(unsafe { this.table.as_ref() }.id, slot.cast());
    }
}

/// A guard on a [`LATE`] slot was released.
///
/// # Safety
///
/// The guard was this thread's and counted on the slot, and is not used again.
pub(super) unsafe fn left<T: 'static>(slot: NonNull<Slot<T>>) {
    // SAFETY: the guard kept it until here (T3).
    let this = unsafe { slot.as_ref() };
    // SAFETY: T4; what the guard borrowed outlives this call.
    let table = unsafe { this.table.as_ref() };
    this.guards.set(this.guards.get() - 1);
    if this.guards.get() == LATE {
        // Again: a waker may have dropped the other guards in the release of this one.
        thread::remove(table.id, slot.cast());
        // SAFETY: this thread's, without guards, and forgotten (T2, T3).
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
