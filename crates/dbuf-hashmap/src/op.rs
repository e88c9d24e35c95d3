use alloc::vec::Vec;
use core::fmt;
use core::hash::{BuildHasher, Hash};

use dbuf_core::Operation;
use hashbrown::hash_table::Entry;

use crate::table::Table;

/// What a batch did to its copy, so that the other one can follow: decisions and
/// never closures. Each hash was computed when the change was made.
#[derive(Clone)]
pub enum Op<K, V> {
    Insert {
        hash: u64,
        key: K,
        value: V,
    },
    /// The key is there and got this value.
    Replace {
        hash: u64,
        key: K,
        value: V,
    },
    Remove {
        hash: u64,
        key: K,
    },
    RemoveAll(Vec<(u64, K)>),
    Clear,
}

impl<K, V, H> Operation<Table<K, V>, H> for Op<K, V>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
{
    /// A batch makes each change by hand, for its result, and logs it then; so
    /// this is here for completeness.
    fn apply(&mut self, table: &mut Table<K, V>, hasher: &H) {
        self.clone().apply_once(table, hasher);
    }

    fn apply_once(self, table: &mut Table<K, V>, hasher: &H) {
        // A key that is not found where the log says it is means `Hash` or `Eq`
        // that contradict themselves. The copies may differ then; nothing else
        // happens.
        match self {
            Self::Insert { hash, key, value } => match table.entry(hash, &key, hasher) {
                Entry::Occupied(mut entry) => entry.get_mut().1 = value,
                Entry::Vacant(entry) => {
                    entry.insert((key, value));
                }
            },
            Self::Replace { hash, key, value } => {
                if let Some((_, old)) = table.get_mut(hash, &key) {
                    *old = value;
                }
            }
            Self::Remove { hash, key } => {
                table.remove(hash, &key);
            }
            Self::RemoveAll(keys) => {
                for (hash, key) in keys {
                    table.remove(hash, &key);
                }
            }
            Self::Clear => table.clear(),
        }
    }
}

impl<K, V> fmt::Debug for Op<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Insert { .. } => "Insert",
            Self::Replace { .. } => "Replace",
            Self::Remove { .. } => "Remove",
            Self::RemoveAll(_) => "RemoveAll",
            Self::Clear => "Clear",
        })
    }
}
