//! The slots of a thread, in all the shared handles that it has read from.
//!
//! A slot is found by the *id* of its table. Ids are never used again, so the entry of a table
//! that is gone matches nothing and may stay.
//!
//! The entries have no destructor. A thread local without one lives as long as its thread, so that
//! destructors of other thread locals can still read. (On systems without native thread locals it
//! may be gone before that: then each read makes a slot, which ends with its guard.) A second
//! thread local, [`EXIT`], has the destructor that ends the slots.
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

use crate::sync::thread_local;

/// A slot whose type only its table knows.
pub(super) type AnySlot = NonNull<()>;

/// A table of slots, for a thread that ends.
pub(super) trait AnyTable {
    /// The id of the buffer whose readers are in the slots.
    fn buffer(&self) -> u64;

    /// Returns whether a guard is on the slot. If so, the last such guard ends the slot.
    ///
    /// # Safety
    ///
    /// The slot is this table's and the calling thread's, and was not ended before.
    unsafe fn is_held_at_exit(&self, slot: AnySlot) -> bool;

    /// Ends a slot. Runs destructors of the strategy.
    ///
    /// # Safety
    ///
    /// See `is_held_at_exit`; and no guard is on the slot, and nothing leads to it.
    unsafe fn end(&self, slot: AnySlot);
}

/// What a thread stores about a slot.
struct Entry {
    slot: AnySlot,
    /// A weak pointer, so that an idle thread keeps no table alive.
    table: Weak<dyn AnyTable>,
}

/// The size of the cache of slots, which is indexed by the last bits of the id.
const CACHED: usize = 8;

/// Matches nothing at first, and after [`Cached::clear`]: no table has the id 0.
struct Cached {
    id: Cell<u64>,
    slot: Cell<AnySlot>,
}

struct Thread {
    cache: [Cached; CACHED],
    /// The id of a table in which the thread has no slot. A thread that only writes looks it up
    /// too.
    missed: Cell<u64>,
    entries: ManuallyDrop<RefCell<BTreeMap<u64, Entry>>>,
    /// When there are this many entries, those of tables that are gone are removed.
    prune_at: Cell<usize>,
}

/// The fewest entries that are worth pruning.
const PRUNE_AT_LEAST: usize = 16;

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
            prune_at: Cell::new(PRUNE_AT_LEAST),
        }
    };
    static EXIT: Exit = const { Exit };
}

/// Returns this thread's slot in a table.
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

/// Adds a slot of this thread, which has none in that table. Returns whether the thread's end ends
/// the slot. Otherwise its last guard does.
pub(super) fn add(id: u64, slot: AnySlot, table: Weak<dyn AnyTable>) -> bool {
    let added = THREAD.try_with(|thread| {
        let mut entries = thread.entries.borrow_mut();
        if entries.len() >= thread.prune_at.get() {
            entries.retain(|_, entry| entry.table.strong_count() > 0);
            thread.prune_at.set(PRUNE_AT_LEAST.max(2 * entries.len()));
        }
        entries.insert(id, Entry { slot, table });
        drop(entries);
        thread.cached(id).set(id, slot);
        thread.missed.set(0);
    });
    added.is_ok() && EXIT.try_with(|_| ()).is_ok()
}

/// Returns this thread, unless it is ending.
pub(super) fn this_thread() -> Option<std::thread::Thread> {
    // It panics in a destructor of the system that runs after those of std. There is no other
    // way to detect this.
    let current = || catch_unwind(std::thread::current);
    EXIT.try_with(|_| current()).ok()?.ok()
}

/// Removes the entry of a slot. The thread's locals are being destroyed, so no memory is kept.
pub(super) fn remove(id: u64, slot: AnySlot) {
    let _ = THREAD.try_with(|thread| {
        let mut entries = thread.entries.borrow_mut();
        // A waker may have made another slot since.
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

/// Returns whether `f` holds for a slot that this thread has in a table of a buffer. The table is
/// alive, and the slot is valid, until `f` returns. `f` runs no user code.
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
    // Each may be the last pointer to its table by now. Its drop runs user code, which may end
    // slots of this thread, so all slots are checked first.
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

/// Ends the thread's slots, except those with a guard on them.
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
                // SAFETY: the entry is this thread's, its table is alive, and a slot that ends
                // before its thread removes its entry.
                if unsafe { table.is_held_at_exit(entry.slot) } {
                    thread.entries.borrow_mut().insert(id, entry);
                    held.push(table);
                } else {
                    free.push((table, entry.slot));
                }
            }
            // From here on user code may run: this may be the last pointer to a table whose
            // handles have been dropped.
            for (table, slot) in free {
                // SAFETY: no guard was on it, and none can come: its entry is gone.
                no_unwind(|| unsafe { table.end(slot) });
                no_unwind(|| drop(table));
            }
            for table in held {
                no_unwind(|| drop::<Arc<_>>(table));
            }
        });
    }
}

/// Catches a panic. In a destructor of a thread local it would end the process.
fn no_unwind(f: impl FnOnce()) {
    // The panic hook has reported it.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        // The payload's destructor may panic as well, and so may that of the next payload.
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(payload)));
        mem::forget(dropped);
    }
}
