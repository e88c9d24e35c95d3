use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};
use core::{fmt, mem};

use dbuf_core::Operation;
use hashbrown::HashTable;

use crate::table::{Extras, Table};

/// What a batch did to its copy, so that the other one can follow: decisions and
/// never closures, but for `Patch`. Each hash was computed when the change was made.
pub enum Op<K, V, C = NoChange> {
    /// The key was not there.
    Insert {
        hash: u64,
        key: K,
        value: V,
    },
    /// The key has another value. It was most likely in this bucket before.
    Replace {
        bucket: u32,
        hash: u64,
        key: K,
        value: V,
    },
    /// The key is there, and a part of its value changed.
    Change {
        hash: u64,
        key: K,
        change: C,
    },
    /// The key is there, and the user says how its value changed.
    Patch {
        key: K,
        patch: Patch<V>,
    },
    Remove {
        hash: u64,
        key: K,
    },
    RemoveAll(Vec<(u64, K)>),
    /// Is empty and has this revision: what was logged before is gone.
    Clear(u64),
    /// Has at least this many buckets.
    Grow(usize),
    Shrink,
    /// Has this number of the caller's.
    Revision(u64),
}

/// A change to a part of a value, for layers whose values are large.
pub trait ValueChange<V> {
    /// Makes the change. It will be made again.
    fn apply(&self, value: &mut V);
    /// Makes the change for the last time.
    fn apply_once(self, value: &mut V);
}

/// No such changes: a value is replaced as a whole.
#[derive(Clone, Copy, Debug)]
pub enum NoChange {}

impl<V> ValueChange<V> for NoChange {
    fn apply(&self, _: &mut V) {
        match *self {}
    }

    fn apply_once(self, _: &mut V) {
        match self {}
    }
}

/// A user's change to a value, to be made on each copy. The key's hash is in the same
/// allocation: each entry of the log has the size of the largest kind.
pub struct Patch<V>(Box<dyn HashedPatch<V>>);

trait HashedPatch<V>: Send + Sync {
    fn hash(&self) -> u64;
    fn apply(&self, value: &mut V);
    /// Whether what it owns has a destructor.
    fn needs_drop(&self) -> bool;
}

impl<V, F: Fn(&mut V) + Send + Sync> HashedPatch<V> for (u64, F) {
    fn hash(&self) -> u64 {
        self.0
    }

    fn apply(&self, value: &mut V) {
        (self.1)(value);
    }

    fn needs_drop(&self) -> bool {
        mem::needs_drop::<F>()
    }
}

impl<V> Patch<V> {
    pub(crate) fn new(hash: u64, patch: impl Fn(&mut V) + Send + Sync + 'static) -> Self {
        Self(Box::new((hash, patch)))
    }

    pub(crate) fn hash(&self) -> u64 {
        self.0.hash()
    }

    pub(crate) fn apply(&self, value: &mut V) {
        self.0.apply(value);
    }

    pub(crate) fn needs_drop(&self) -> bool {
        self.0.needs_drop()
    }
}

/// From this size on, removes in a row are one entry: each entry of the log has the size of
/// the largest kind, and a remove needs no value.
const JOINED_FROM: usize = 128;

impl<K, V, C> Op<K, V, C> {
    #[inline]
    pub(crate) fn replace(bucket: usize, hash: u64, key: K, value: V) -> Self {
        Self::Replace {
            // A hint, so that one beyond is merely a wrong one.
            bucket: bucket as u32,
            hash,
            key,
            value,
        }
    }

    /// How many keys it names.
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

impl<K, V, C, H> Operation<Table<K, V>, Extras<H>> for Op<K, V, C>
where
    K: Hash + Eq + Clone,
    V: Clone,
    C: ValueChange<V>,
    H: BuildHasher,
{
    /// Makes a kept change again. (A batch makes each change by hand, for its result,
    /// and logs it then.)
    fn apply(&mut self, table: &mut Table<K, V>, shared: &Extras<H>) {
        match self {
            Self::Insert { hash, key, value }
            | Self::Replace {
                hash, key, value, ..
            } => {
                table.put(*hash, key.clone(), value.clone(), shared);
            }
            Self::Change { hash, key, change } => {
                if let Some(value) = table.get_mut(*hash, key) {
                    change.apply(value);
                }
            }
            Self::Patch { key, patch } => {
                if let Some(value) = table.get_mut(patch.hash(), key) {
                    patch.apply(value);
                }
            }
            Self::Remove { hash, key } => table.remove(*hash, key),
            Self::RemoveAll(keys) => keys.iter().for_each(|(hash, key)| table.remove(*hash, key)),
            Self::Clear(revision) => {
                table.clear();
                table.set_revision(*revision);
            }
            Self::Grow(buckets) => table.grow_to(*buckets, shared),
            Self::Shrink => _ = table.shrink(shared),
            Self::Revision(revision) => table.set_revision(*revision),
        }
    }

    // Always: it is the body of one hot loop, and a call costs as much as it does.
    #[inline(always)]
    fn apply_once(self, table: &mut Table<K, V>, shared: &Extras<H>) {
        // A key that is not found where the log says it is means `Hash` or `Eq`
        // that contradict themselves. The copies may differ then; nothing else
        // happens.
        match self {
            Self::Insert { hash, key, value } => table.replay_insert(hash, key, value, shared),
            Self::Replace {
                bucket,
                hash,
                key,
                value,
            } => table.replay_replace(bucket as usize, hash, key, value, shared),
            rare => rare.apply_rare(table, shared),
        }
    }

    /// Its key and value are dropped with what else leaves the table.
    fn discard(self, table: &mut Table<K, V>, _: &Extras<H>) {
        match self {
            Self::Insert { key, value, .. } | Self::Replace { key, value, .. } => {
                table.retire(Some(key), Some(value));
            }
            Self::Change { key, .. } | Self::Remove { key, .. } => table.retire(Some(key), None),
            Self::Patch { key, patch } => {
                table.retire(Some(key), None);
                table.retire_patch(patch);
            }
            Self::RemoveAll(keys) => keys
                .into_iter()
                .for_each(|(_, key)| table.retire(Some(key), None)),
            Self::Clear(_) | Self::Grow(_) | Self::Shrink | Self::Revision(_) => {}
        }
    }

    #[inline]
    fn join(self, before: &mut Self) -> Option<Self> {
        if size_of::<Self>() < JOINED_FROM {
            return Some(self);
        }
        match (self, before) {
            (Self::Remove { hash, key }, Self::RemoveAll(keys)) => keys.push((hash, key)),
            (Self::Remove { hash, key }, before @ Self::Remove { .. }) => {
                let mut keys = Vec::new();
                if let Self::Remove { hash, key } = mem::replace(before, Self::Shrink) {
                    keys.push((hash, key));
                }
                keys.push((hash, key));
                *before = Self::RemoveAll(keys);
            }
            (op, _) => return Some(op),
        }
        None
    }

    fn seal(back: &mut Table<K, V>, _: &Extras<H>, mut log: impl FnMut(Self)) {
        for _ in 0..back.marks() {
            // It runs user code, so the key stays marked until it has returned.
            let value = back
                .last_mark()
                .map(|(bucket, value)| (bucket, value.clone()));
            match (back.pop_mark(), value) {
                (Some(mark), Some((bucket, value))) => {
                    log(Self::replace(bucket, mark.hash, mark.key, value));
                }
                // The key was removed after it was lent.
                (mark, _) => back.retire(mark.map(|mark| mark.key), None),
            }
        }
        back.reset_marks();
    }

    fn restore(
        back: &mut Table<K, V>,
        front: &Table<K, V>,
        shared: &Extras<H>,
        undone: &[Self],
        kept: &mut [Self],
    ) -> bool {
        let named = undone.iter().map(Self::names).sum::<usize>() + back.marks();
        let names_all = !undone.iter().any(|op| matches!(op, Self::Clear(_)));
        // To clone the whole costs no more than to restore half of it.
        if !names_all || 2 * named >= front.capacity() {
            return false;
        }
        let marks = back.take_marks();
        // Each key once: its value may be large.
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
        if undone.iter().any(|op| matches!(op, Self::Grow(_))) {
            back.shrink_to(front.capacity(), shared);
        }
        for mark in marks {
            back.retire(Some(mark.key), None);
        }
        true
    }

    fn retire(back: &mut Table<K, V>, copy: Table<K, V>) {
        back.retire_copy(copy);
    }

    fn entries(front: &Table<K, V>) -> usize {
        front.len()
    }
}

type Restored<'o, K> = HashTable<(u64, &'o K)>;

fn is_restored<K: Eq>(restored: &Restored<'_, K>, hash: u64, key: &K) -> bool {
    restored
        .find(hash, |&(h, k)| h == hash && k == key)
        .is_some()
}

impl<K: Hash + Eq, V, C: ValueChange<V>> Op<K, V, C> {
    /// Makes a kept change again on the keys that were restored, and on no other; the
    /// revision was restored, too.
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

    /// Out of line, so that the loop over a log of inserts stays small.
    #[inline(never)]
    fn apply_rare<H: BuildHasher>(self, table: &mut Table<K, V>, shared: &Extras<H>) {
        match self {
            Self::Insert { .. } | Self::Replace { .. } => unreachable!("applied by the caller"),
            Self::Change { hash, key, change } => {
                if let Some(value) = table.get_mut(hash, &key) {
                    change.apply_once(value);
                }
                table.retire(Some(key), None);
            }
            Self::Patch { key, patch } => {
                if let Some(value) = table.get_mut(patch.hash(), &key) {
                    patch.apply(value);
                }
                table.retire(Some(key), None);
                table.retire_patch(patch);
            }
            Self::Remove { hash, key } => {
                table.remove(hash, &key);
                table.retire(Some(key), None);
            }
            Self::RemoveAll(keys) => {
                for (hash, key) in keys {
                    table.remove(hash, &key);
                    table.retire(Some(key), None);
                }
            }
            Self::Clear(revision) => {
                table.clear();
                table.set_revision(revision);
            }
            Self::Grow(buckets) => table.grow_to(buckets, shared),
            Self::Shrink => {
                table.shrink(shared);
            }
            Self::Revision(revision) => table.set_revision(revision),
        }
    }
}

impl<K, V, C> fmt::Debug for Op<K, V, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Insert { .. } => "Insert",
            Self::Replace { .. } => "Replace",
            Self::Change { .. } => "Change",
            Self::Patch { .. } => "Patch",
            Self::Remove { .. } => "Remove",
            Self::RemoveAll(_) => "RemoveAll",
            Self::Clear(_) => "Clear",
            Self::Grow(_) => "Grow",
            Self::Shrink => "Shrink",
            Self::Revision(_) => "Revision",
        })
    }
}

impl<V> fmt::Debug for Patch<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patch").finish_non_exhaustive()
    }
}
