use alloc::vec::Vec;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// The keys whose values the open batch lent by `&mut`. They say what the log has to
/// learn when the batch ends, or what to undo.
pub(crate) struct Marks<K> {
    list: Vec<Mark<K>>,
    /// Where each mark is in the list, by its hash. Stale once marks were popped.
    index: HashTable<usize>,
}

pub(crate) struct Mark<K> {
    pub(crate) hash: u64,
    /// Where the key was when its value was lent last: a hint, since tables grow.
    pub(crate) bucket: usize,
    pub(crate) key: K,
}

/// An empty list keeps room for at most that many bytes.
const KEPT_BYTES: usize = 64 << 10;

impl<K> Default for Marks<K> {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            index: HashTable::new(),
        }
    }
}

impl<K> Marks<K> {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn contains(&self, hash: u64, key: &K) -> bool
    where
        K: Eq,
    {
        let same = |&at: &usize| is(&self.list, at, hash, key);
        !self.list.is_empty() && self.index.find(hash, same).is_some()
    }

    /// Marks a key. Clones it if it is new and not `owned`; gives `owned` back if there
    /// is no use for it.
    pub(crate) fn mark(&mut self, hash: u64, bucket: usize, key: &K, owned: Option<K>) -> Option<K>
    where
        K: Eq + Clone,
    {
        let Self { list, index } = self;
        let same = |&at: &usize| is(list, at, hash, key);
        let rehash = |&at: &usize| list.get(at).map_or(0, |mark| mark.hash);
        match index.entry(hash, same, rehash) {
            Entry::Occupied(entry) => {
                if let Some(mark) = list.get_mut(*entry.get()) {
                    mark.bucket = bucket;
                }
                owned
            }
            Entry::Vacant(entry) => {
                let key = owned.unwrap_or_else(|| key.clone());
                entry.insert(list.len());
                list.push(Mark { hash, bucket, key });
                None
            }
        }
    }

    pub(crate) fn last(&self) -> Option<&Mark<K>> {
        self.list.last()
    }

    pub(crate) fn pop(&mut self) -> Option<Mark<K>> {
        self.list.pop()
    }

    /// Gives all marks away and starts anew.
    pub(crate) fn take(&mut self) -> Vec<Mark<K>> {
        self.index.clear();
        core::mem::take(&mut self.list)
    }

    /// Starts anew after all were popped. Keeps a bounded room.
    pub(crate) fn reset(&mut self) {
        debug_assert!(self.list.is_empty(), "each mark was popped");
        self.index.clear();
        if self.list.capacity() * size_of::<Mark<K>>() > KEPT_BYTES {
            *self = Self::default();
        }
    }
}

#[inline]
fn is<K: Eq>(list: &[Mark<K>], at: usize, hash: u64, key: &K) -> bool {
    list.get(at)
        .is_some_and(|mark| mark.hash == hash && mark.key == *key)
}
