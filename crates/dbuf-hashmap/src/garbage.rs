use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;
use core::mem;
use core::panic::AssertUnwindSafe;
use std::panic::{catch_unwind, resume_unwind};
use std::thread::panicking;

use hashbrown::HashTable;

use crate::patch::Patch;

/// Keys and values that were removed from the map, to be dropped while no lock is held: their
/// destructors may use the map.
pub(crate) struct Garbage<K, V>(Option<Box<Heap<K, V>>>);

/// Every batch drops its garbage, which is usually empty, so the empty case is fast.
impl<K, V> Drop for Garbage<K, V> {
    #[inline]
    fn drop(&mut self) {
        #[cold]
        #[inline(never)]
        fn drop_all<K, V>(heap: Heap<K, V>) {
            let mut drops = Drops::default();
            drops.each(heap.keys);
            drops.each(heap.values);
            heap.tables.into_iter().for_each(|table| drops.each(table));
            drops.each(heap.patches);
            drops.each(heap.removed);
            drops.end();
        }
        if let Some(heap) = self.0.take() {
            drop_all(*heap);
        }
    }
}

/// Drops values one by one, so that a second destructor that panics does not abort the process.
/// `end` propagates the first panic when all have run, unless the thread is unwinding already.
#[derive(Default)]
pub(crate) struct Drops(Option<Box<dyn Any + Send>>);

impl Drops {
    pub(crate) fn each<T>(&mut self, values: impl IntoIterator<Item = T>) {
        let mut values = values.into_iter();
        // The iterator gives a value away before its destructor runs.
        while let Err(payload) = catch_unwind(AssertUnwindSafe(|| values.by_ref().for_each(drop))) {
            match &self.0 {
                None => self.0 = Some(payload),
                // Its destructor may panic as well.
                Some(_) => mem::forget(payload),
            }
        }
    }

    pub(crate) fn end(self) {
        match self.0 {
            Some(payload) if panicking() => mem::forget(payload),
            Some(payload) => resume_unwind(payload),
            None => {}
        }
    }
}

struct Heap<K, V> {
    keys: Vec<K>,
    values: Vec<V>,
    tables: Vec<HashTable<(K, V)>>,
    patches: Vec<Patch<V>>,
    /// The keys that a change removes, with their hashes, until it is logged.
    removed: Vec<(u64, K)>,
}

impl<K, V> Default for Garbage<K, V> {
    fn default() -> Self {
        Self(None)
    }
}

impl<K, V> Garbage<K, V> {
    fn heap(&mut self) -> &mut Heap<K, V> {
        self.0.get_or_insert_with(|| {
            Box::new(Heap {
                keys: Vec::new(),
                values: Vec::new(),
                tables: Vec::new(),
                patches: Vec::new(),
                removed: Vec::new(),
            })
        })
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Adds a key and a value if they have destructors.
    #[inline]
    pub(crate) fn put(&mut self, key: Option<K>, value: Option<V>) {
        let key = key.filter(|_| mem::needs_drop::<K>());
        let value = value.filter(|_| mem::needs_drop::<V>());
        if key.is_some() || value.is_some() {
            let heap = self.heap();
            heap.keys.extend(key);
            heap.values.extend(value);
        }
    }

    pub(crate) fn put_table(&mut self, table: HashTable<(K, V)>) {
        self.heap().tables.push(table);
    }

    pub(crate) fn put_patch(&mut self, patch: Patch<V>) {
        if patch.needs_drop() {
            self.heap().patches.push(patch);
        }
    }

    /// Returns the list in which a change collects keys. Keys that stay in it are garbage.
    pub(crate) fn removed(&mut self) -> &mut Vec<(u64, K)> {
        &mut self.heap().removed
    }

    pub(crate) fn take(&mut self) -> Self {
        Self(self.0.take())
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        match (&mut self.0, other.0.take()) {
            (_, None) => {}
            (mine @ None, theirs) => *mine = theirs,
            (Some(mine), Some(mut theirs)) => {
                mine.keys.append(&mut theirs.keys);
                mine.values.append(&mut theirs.values);
                mine.tables.append(&mut theirs.tables);
                mine.patches.append(&mut theirs.patches);
                mine.removed.append(&mut theirs.removed);
            }
        }
    }
}
