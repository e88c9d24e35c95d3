use alloc::vec::Vec;

use hashbrown::HashTable;

/// The keys whose values the open batch lent by `&mut`. When the batch ends, these values are
/// logged, or undone.
pub(crate) struct Marks<K> {
    list: Vec<Mark<K>>,
    /// The index of each mark, if the list is too long for a linear search; otherwise empty.
    /// Stale once a mark was popped.
    index: HashTable<usize>,
}

pub(crate) struct Mark<K> {
    pub(crate) hash: u64,
    /// The key's bucket when its value was lent last: a hint, since the table may grow.
    pub(crate) bucket: usize,
    pub(crate) key: K,
}

/// Up to this length, a list is searched without an index.
const SEARCHED: usize = 8;

/// The largest allocation, in bytes, that an empty list keeps.
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

    #[inline]
    pub(crate) fn contains(&self, hash: u64, key: &K) -> bool
    where
        K: Eq,
    {
        self.position(hash, key).is_some()
    }

    #[inline]
    fn position(&self, hash: u64, key: &K) -> Option<usize>
    where
        K: Eq,
    {
        let is = |mark: &Mark<K>| mark.hash == hash && mark.key == *key;
        if self.index.is_empty() {
            return self.list.iter().position(is);
        }
        let at = |&at: &usize| self.list.get(at).is_some_and(is);
        self.index.find(hash, at).copied()
    }

    /// Marks a key. A new key is `owned` or cloned; otherwise `owned` is returned, unused.
    #[inline]
    pub(crate) fn mark(&mut self, hash: u64, bucket: usize, key: &K, owned: Option<K>) -> Option<K>
    where
        K: Eq + Clone,
    {
        let known = self.position(hash, key);
        if let Some(mark) = known.and_then(|at| self.list.get_mut(at)) {
            mark.bucket = bucket;
            return owned;
        }
        let key = owned.unwrap_or_else(|| key.clone());
        self.list.push(Mark { hash, bucket, key });
        if self.list.len() > SEARCHED {
            self.extend_index();
        }
        None
    }

    #[cold]
    fn extend_index(&mut self) {
        let Self { list, index } = self;
        let hash = |&at: &usize| list.get(at).map_or(0, |mark| mark.hash);
        for at in index.len()..list.len() {
            index.insert_unique(hash(&at), at, hash);
        }
    }

    pub(crate) fn last(&self) -> Option<&Mark<K>> {
        self.list.last()
    }

    pub(crate) fn pop(&mut self) -> Option<Mark<K>> {
        self.list.pop()
    }

    /// Returns all marks and starts again with none.
    pub(crate) fn take(&mut self) -> Vec<Mark<K>> {
        core::mem::take(self).list
    }

    /// Starts again after all marks were popped. Keeps memory up to a limit.
    pub(crate) fn reset(&mut self) {
        debug_assert!(self.list.is_empty(), "each mark was popped");
        if !self.index.is_empty() {
            self.index.clear();
        }
        if self.list.capacity() * size_of::<Mark<K>>() > KEPT_BYTES {
            *self = Self::default();
        }
    }
}
