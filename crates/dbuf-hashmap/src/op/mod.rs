//! The operations of the log: `Op`, its replay, and in `restore` its rollback.

mod restore;

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};
use core::{fmt, mem};

use dbuf_core::Operation;

use crate::patch::Patch;
use crate::table::{Extras, Table};

/// What a batch did to its copy, for the replay on the other one. It records results and no
/// closures, except for `Patch`. Each hash was computed when the change was made.
pub enum Op<K, V, C = NoChange> {
    /// The key was not there.
    Insert {
        hash: u64,
        key: K,
        value: V,
    },
    /// The key has a new value. Its entry is most likely in this bucket.
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
    /// The key is there, and a closure of the user's changes its value.
    Patch {
        key: K,
        patch: Patch<V>,
    },
    Remove {
        hash: u64,
        key: K,
    },
    RemoveAll(Vec<(u64, K)>),
    /// The table is empty and has this revision; earlier log entries were dropped.
    Clear(u64),
    /// The table has at least this many buckets.
    Grow(usize),
    Shrink,
    /// The table has this revision.
    Revision(u64),
}

/// A change to a part of a value, for layers with large values.
pub trait ValueChange<V> {
    /// Makes the change. It will be made again.
    fn apply(&self, value: &mut V);
    /// Makes the change for the last time.
    fn apply_once(self, value: &mut V);
}

/// No partial changes: values are only replaced.
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

/// From this entry size on, successive removes share one log entry: every entry has the size of
/// the largest variant, and a remove needs no value.
const JOINED_FROM: usize = 128;

impl<K, V, C> Op<K, V, C> {
    #[inline]
    pub(crate) fn replace(bucket: usize, hash: u64, key: K, value: V) -> Self {
        Self::Replace {
            // Only a hint, so a truncated index is merely wrong.
            bucket: bucket as u32,
            hash,
            key,
            value,
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
    /// Makes a change again that was deferred. (A batch makes each change itself, since it needs
    /// the result, and logs it afterwards.)
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

    // Always inlined: this is the body of the replay loop, and a call costs as much as it does.
    #[inline(always)]
    fn apply_once(self, table: &mut Table<K, V>, shared: &Extras<H>) {
        // If the replay does not find a key that the log names, `Hash` or `Eq` is inconsistent.
        // The copies may differ then, but nothing worse happens.
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

    /// Retires the key and value into the table's garbage.
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
            // `clone` is user code and may panic, so the key stays marked until it returns.
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
        restore::restore(back, front, shared, undone, kept)
    }

    fn retire(back: &mut Table<K, V>, copy: Table<K, V>) {
        back.retire_copy(copy);
    }

    fn entries(front: &Table<K, V>) -> usize {
        front.len()
    }
}

impl<K: Hash + Eq, V, C: ValueChange<V>> Op<K, V, C> {
    /// Not inlined, so that the replay loop for inserts stays small.
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
