//! The slots that a thread has, in one shared handle or another.
//!
//! A slot is found by the *id* of its table. Ids are never used again, so an entry of a
//! table that is gone matches nothing, and needs nobody to remove it.
//!
//! The entries themselves have no destructor. A thread local without one is there for as
//! long as its thread, so that destructors of other thread locals can still read. (Where
//! the system has no thread locals of its own it may be gone before that: then each read
//! makes a slot, which ends with its guard.) What ends the slots is a second thread
//! local, [`EXIT`], whose destructor does the work.
//!
//! Nothing here runs user code while an entry is borrowed.

use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::mem::{self, ManuallyDrop};
use core::panic::AssertUnwindSafe;
use core::ptr::NonNull;
use std::panic::catch_unwind;
use std::sync::{Mutex, PoisonError};

use crate::sync::thread_local;

/// A slot whose type only its table knows.
pub(super) type AnySlot = NonNull<()>;

/// A table of slots, as a thread that ends sees it.
pub(super) trait AnyTable {
    /// The id of the buffer whose readers are in the slots.
    fn buffer(&self) -> u64;

    /// Whether a guard is on the slot. Then the last such guard ends the slot.
    ///
    /// # Safety
    ///
    /// The slot is this table's and the calling thread's, and was not ended before.
    unsafe fn is_held_at_exit(&self, slot: AnySlot) -> bool;

    /// Ends a slot. Runs destructors of the strategy.
    ///
    /// # Safety
    ///
    /// As for `is_held_at_exit`; no guard is on the slot, and nothing leads to it.
    unsafe fn end(&self, slot: AnySlot);
}

/// What a thread needs to know of a slot.
struct Entry {
    slot: AnySlot,
    /// A weak pointer, so that an idle thread keeps no table alive.
    table: Weak<dyn AnyTable>,
}

/// The slots that were used last, at the index of the id's last bits.
const CACHED: usize = 8;

/// Matches nothing at first, and after [`Cached::clear`]: no table has the id 0.
struct Cached {
    id: Cell<u64>,
    slot: Cell<AnySlot>,
}

struct Thread {
    cache: [Cached; CACHED],
    /// The id of a table in which the thread has no slot: one that only writes asks, too.
    missed: Cell<u64>,
    entries: ManuallyDrop<RefCell<BTreeMap<u64, Entry>>>,
    /// Entries of tables that are gone are removed when there are that many.
    prune_at: Cell<usize>,
}

/// The fewest entries for which pruning is worth a pass.
const FEW: usize = 16;

struct Exit;

thread_local! {
    static THREAD: Thread = const {
        Thread {
            cache: [const {
                Cached {
                    id: Cell::new(0),
                    slot: Cell::new(NonNull::dangling()),
                }
            }; CACHED],
            missed: Cell::new(0),
            entries: ManuallyDrop::new(RefCell::new(BTreeMap::new())),
            prune_at: Cell::new(FEW),
        }
    };
    static EXIT: Exit = const { Exit };
}

/// An id that no other table or buffer has, ever. Never 0.
pub(crate) fn new_id() -> u64 {
    static LAST: Mutex<u64> = Mutex::new(0);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    *last += 1;
    *last
}

/// This thread's slot in a table.
#[inline(always)]
pub(super) fn find(id: u64) -> Option<AnySlot> {
    THREAD
        .try_with(|thread| {
            let cached = thread.cached(id);
            if cached.id.get() == id {
                Some(cached.slot.get())
            } else if thread.missed.get() == id {
                None
            } else {
                thread.find_entry(id)
            }
        })
        .ok()?
}

/// Notes a slot of this thread, which has none in that table. Returns whether the slot
/// ends with the thread, and not with its guards.
pub(super) fn add(id: u64, slot: AnySlot, table: Weak<dyn AnyTable>) -> bool {
    let noted = THREAD.try_with(|thread| {
        let mut entries = thread.entries.borrow_mut();
        if entries.len() >= thread.prune_at.get() {
            entries.retain(|_, entry| entry.table.strong_count() > 0);
            thread.prune_at.set(FEW.max(2 * entries.len()));
        }
        entries.insert(id, Entry { slot, table });
        drop(entries);
        thread.cached(id).set(id, slot);
        thread.missed.set(0);
    });
    noted.is_ok() && EXIT.try_with(|_| ()).is_ok()
}

/// This thread, unless it ends.
pub(super) fn this_thread() -> Option<std::thread::Thread> {
    // It panics where a destructor of the system's runs after std's own, and nothing else
    // tells.
    let current = || catch_unwind(std::thread::current);
    EXIT.try_with(|_| current()).ok()?.ok()
}

/// Forgets the slot in a table. The thread's locals are being destroyed, so nothing is
/// kept for a next time.
pub(super) fn remove(id: u64, slot: AnySlot) {
    let _ = THREAD.try_with(|thread| {
        let mut entries = thread.entries.borrow_mut();
        // It may be another's by now, made while a waker ran.
        if entries.get(&id).is_none_or(|entry| entry.slot != slot) {
            return;
        }
        thread.cached(id).clear(id);
        entries.remove(&id);
        if entries.is_empty() {
            // An empty map may still have a node, and has no destructor here.
            *entries = BTreeMap::new();
        }
    });
}

/// Whether `f` holds for a slot that this thread has in a table of a buffer. The table is
/// alive, and the slot is there, until `f` returns. It runs no user code.
pub(super) fn any_of_buffer(buffer: u64, mut f: impl FnMut(AnySlot) -> bool) -> bool {
    let slots = THREAD.try_with(|thread| {
        let entries = thread.entries.borrow();
        let slots = entries
            .values()
            .filter_map(|entry| Some((entry.slot, Weak::upgrade(&entry.table)?)));
        slots.collect::<Vec<_>>()
    });
    let slots = slots.unwrap_or_default();
    let any = slots
        .iter()
        .any(|(slot, table)| table.buffer() == buffer && f(*slot));
    // Each may be the last pointer to its table by now. That runs user code, which may end
    // slots of this thread: so not before all were asked.
    for (_, table) in slots {
        no_unwind(|| drop(table));
    }
    any
}

impl Thread {
    #[inline(always)]
    fn cached(&self, id: u64) -> &Cached {
        &self.cache[id as usize % CACHED]
    }

    #[cold]
    #[inline(never)]
    fn find_entry(&self, id: u64) -> Option<AnySlot> {
        let Some(slot) = self.entries.borrow().get(&id).map(|entry| entry.slot) else {
            self.missed.set(id);
            return None;
        };
        self.cached(id).set(id, slot);
        Some(slot)
    }
}

impl Cached {
    fn set(&self, id: u64, slot: AnySlot) {
        self.id.set(id);
        self.slot.set(slot);
    }

    fn clear(&self, id: u64) {
        if self.id.get() == id {
            self.id.set(0);
        }
    }
}

/// The thread ends: its slots do too, but for those with a guard on them.
impl Drop for Exit {
    fn drop(&mut self) {
        let _ = THREAD.try_with(|thread| {
            let entries = mem::take(&mut *thread.entries.borrow_mut());
            let (mut free, mut held) = (Vec::new(), Vec::new());
            for (id, entry) in entries {
                thread.cached(id).clear(id);
                let Some(table) = Weak::upgrade(&entry.table) else {
                    continue;
                };
                // SAFETY: the entry is this thread's, its table is alive, and a slot
                // that ends before its thread takes its entry along.
                if unsafe { table.is_held_at_exit(entry.slot) } {
                    thread.entries.borrow_mut().insert(id, entry);
                    held.push(table);
                } else {
                    free.push((table, entry.slot));
                }
            }
            // From here on there may be user code: this may be the last pointer to a
            // table, whose handles went in the meantime.
            for (table, slot) in free {
                // SAFETY: no guard was on it, and none can be: its entry is gone.
                no_unwind(|| unsafe { table.end(slot) });
                no_unwind(|| drop(table));
            }
            for table in held {
                no_unwind(|| drop::<Arc<_>>(table));
            }
        });
    }
}

/// A panic in a destructor of a thread local would end the process.
fn no_unwind(f: impl FnOnce()) {
    // The hook has reported it.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        // Its destructor may panic as well, and what that panics with, and so on.
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(payload)));
        mem::forget(dropped);
    }
}
