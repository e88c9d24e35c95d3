//! The rollback of operations, key by key.

use core::hash::{BuildHasher, Hash};

use dbuf_core::Operation;
use hashbrown::HashTable;

use super::{Op, ValueChange};
use crate::table::{Extras, Table};

/// Restores the back from the front: undoes the operations in `undone`, and makes those in `kept`
/// again. Returns `false`, with nothing changed, where a clone of the whole map is cheaper.
pub(super) fn restore<K, V, C, H>(
    back: &mut Table<K, V>,
    front: &Table<K, V>,
    shared: &Extras<H>,
    undone: &[Op<K, V, C>],
    kept: &mut [Op<K, V, C>],
) -> bool
where
    K: Hash + Eq + Clone,
    V: Clone,
    C: ValueChange<V>,
    H: BuildHasher,
{
    let named = undone.iter().map(Op::names).sum::<usize>() + back.marks();
    let names_all = !undone.iter().any(|op| matches!(op, Op::Clear(_)));
    // A clone of the whole map costs no more than restoring half of it.
    if !names_all || 2 * named >= front.capacity() {
        return false;
    }
    let marks = back.take_marks();
    // Each key is restored once, since its value may be large.
    let mut restored = HashTable::with_capacity(named);
    let mut restore = |hash, key| {
        if !is_restored(&restored, hash, key) {
            restored.insert_unique(hash, (hash, key), |&(hash, _)| hash);
            back.restore(hash, key, front, shared);
        }
    };
    marks.iter().for_each(|mark| restore(mark.hash, &mark.key));
    undone.iter().for_each(|op| op.for_each_key(&mut restore));
    back.set_revision(front.revision());
    for op in kept {
        op.redo(back, shared, &restored);
    }
    drop(restored);
    if undone.iter().any(|op| matches!(op, Op::Grow(_))) {
        back.shrink_to(front.capacity(), shared);
    }
    for mark in marks {
        back.retire(Some(mark.key), None);
    }
    true
}

type Restored<'o, K> = HashTable<(u64, &'o K)>;

fn is_restored<K: Eq>(restored: &Restored<'_, K>, hash: u64, key: &K) -> bool {
    restored
        .find(hash, |&(h, k)| h == hash && k == key)
        .is_some()
}

impl<K, V, C> Op<K, V, C> {
    /// Returns how many keys the operation names.
    fn names(&self) -> usize {
        match self {
            Self::Insert { .. }
            | Self::Replace { .. }
            | Self::Change { .. }
            | Self::Patch { .. }
            | Self::Remove { .. } => 1,
            Self::RemoveAll(keys) => keys.len(),
            Self::Clear(_) | Self::Grow(_) | Self::Shrink | Self::Revision(_) => 0,
        }
    }

    fn for_each_key<'o>(&'o self, mut f: impl FnMut(u64, &'o K)) {
        match self {
            Self::Insert { hash, key, .. }
            | Self::Replace { hash, key, .. }
            | Self::Change { hash, key, .. }
            | Self::Remove { hash, key } => f(*hash, key),
            Self::Patch { key, patch } => f(patch.hash(), key),
            Self::RemoveAll(keys) => keys.iter().for_each(|(hash, key)| f(*hash, key)),
            Self::Clear(_) | Self::Grow(_) | Self::Shrink | Self::Revision(_) => {}
        }
    }
}

impl<K: Hash + Eq, V, C: ValueChange<V>> Op<K, V, C> {
    /// Makes a deferred change again, but only on the keys that were restored, and on the
    /// revision, which was restored too.
    fn redo<H: BuildHasher>(
        &mut self,
        table: &mut Table<K, V>,
        shared: &Extras<H>,
        restored: &Restored<'_, K>,
    ) where
        K: Clone,
        V: Clone,
    {
        match self {
            Self::Insert { hash, key, .. }
            | Self::Replace { hash, key, .. }
            | Self::Change { hash, key, .. }
            | Self::Remove { hash, key } => {
                if is_restored(restored, *hash, key) {
                    self.apply(table, shared);
                }
            }
            Self::Patch { key, patch } => {
                if is_restored(restored, patch.hash(), key) {
                    self.apply(table, shared);
                }
            }
            Self::RemoveAll(keys) => {
                for (hash, key) in keys {
                    if is_restored(restored, *hash, key) {
                        table.remove(*hash, key);
                    }
                }
            }
            Self::Clear(revision) => {
                for &(hash, key) in restored {
                    table.remove(hash, key);
                }
                table.set_revision(*revision);
            }
            Self::Revision(revision) => table.set_revision(*revision),
            Self::Grow(_) | Self::Shrink => {}
        }
    }
}
