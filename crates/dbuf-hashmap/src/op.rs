use alloc::vec::Vec;
use core::fmt;
use core::hash::{BuildHasher, Hash};

use dbuf_core::Operation;

use crate::table::{Shared, Table};

/// What a batch did to its copy, so that the other one can follow: decisions and
/// never closures. Each hash was computed when the change was made.
#[derive(Clone)]
pub enum Op<K, V, C = Whole> {
    /// The key was not there.
    Insert {
        hash: u64,
        key: K,
        value: V,
    },
    /// The key was there, at this place, and has another value.
    Replace {
        place: u32,
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
    Remove {
        hash: u64,
        key: K,
    },
    RemoveAll(Vec<(u64, K)>),
    Clear,
    /// Has at least this many buckets.
    Grow(usize),
    Shrink,
}

/// A change to a part of a value, for layers whose values are large.
pub trait ChangeOf<V>: Clone {
    fn apply(self, value: &mut V);
}

/// No such changes: a value is replaced as a whole.
#[derive(Clone, Copy, Debug)]
pub enum Whole {}

impl<V> ChangeOf<V> for Whole {
    fn apply(self, _: &mut V) {
        match self {}
    }
}

impl<K, V, C> Op<K, V, C> {
    pub(crate) fn replace(place: usize, hash: u64, key: K, value: V) -> Self {
        Self::Replace {
            // A hint, so that a place beyond is merely a wrong one.
            place: place as u32,
            hash,
            key,
            value,
        }
    }
}

impl<K, V, C, H> Operation<Table<K, V>, Shared<H>> for Op<K, V, C>
where
    K: Hash + Eq + Clone,
    V: Clone,
    C: ChangeOf<V>,
    H: BuildHasher,
{
    /// A batch makes each change by hand, for its result, and logs it then; so
    /// this is here for completeness.
    fn apply(&mut self, table: &mut Table<K, V>, shared: &Shared<H>) {
        self.clone().apply_once(table, shared);
    }

    // Always: it is the body of one hot loop, and a call costs as much as it does.
    #[inline(always)]
    fn apply_once(self, table: &mut Table<K, V>, shared: &Shared<H>) {
        // A key that is not found where the log says it is means `Hash` or `Eq`
        // that contradict themselves. The copies may differ then; nothing else
        // happens.
        match self {
            Self::Insert { hash, key, value } => table.follow_insert(hash, key, value, shared),
            Self::Replace {
                place,
                hash,
                key,
                value,
            } => table.follow_replace(place as usize, hash, key, value),
            rare => rare.apply_rare(table, shared),
        }
    }

    /// Its key and value die with what else leaves the table.
    fn discard(self, table: &mut Table<K, V>, _: &Shared<H>) {
        match self {
            Self::Insert { key, value, .. } | Self::Replace { key, value, .. } => {
                table.bury(Some(key), Some(value));
            }
            Self::Change { key, .. } | Self::Remove { key, .. } => table.bury(Some(key), None),
            Self::RemoveAll(keys) => keys
                .into_iter()
                .for_each(|(_, key)| table.bury(Some(key), None)),
            Self::Clear | Self::Grow(_) | Self::Shrink => {}
        }
    }
}

impl<K: Hash + Eq, V, C: ChangeOf<V>> Op<K, V, C> {
    /// Out of line, so that the loop over a log of inserts stays small.
    #[inline(never)]
    fn apply_rare<H: BuildHasher>(self, table: &mut Table<K, V>, shared: &Shared<H>) {
        match self {
            Self::Insert { .. } | Self::Replace { .. } => unreachable!("applied by the caller"),
            Self::Change { hash, key, change } => {
                if let Some(place) = table.find(hash, &key) {
                    change.apply(&mut table.at_mut(place).1);
                }
            }
            Self::Remove { hash, key } => table.remove(hash, key),
            Self::RemoveAll(keys) => {
                for (hash, key) in keys {
                    table.remove(hash, key);
                }
            }
            Self::Clear => table.clear(),
            Self::Grow(buckets) => table.follow(buckets, shared),
            Self::Shrink => {
                table.shrink(shared);
            }
        }
    }
}

impl<K, V, C> fmt::Debug for Op<K, V, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Insert { .. } => "Insert",
            Self::Replace { .. } => "Replace",
            Self::Change { .. } => "Change",
            Self::Remove { .. } => "Remove",
            Self::RemoveAll(_) => "RemoveAll",
            Self::Clear => "Clear",
            Self::Grow(_) => "Grow",
            Self::Shrink => "Shrink",
        })
    }
}
