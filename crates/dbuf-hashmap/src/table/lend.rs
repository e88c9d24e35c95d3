//! Lent values, and the marks that remember them.

use alloc::vec::Vec;

use hashbrown::hash_table;

use super::marks::{Mark, Marks};
use super::{OCCUPIED, Table, retire};

impl<K: Eq, V> Table<K, V> {
    /// Marks the key in a bucket, and lends its value. An `owned` key saves a clone.
    pub(crate) fn lend(&mut self, hash: u64, bucket: usize, owned: Option<K>) -> &mut V
    where
        K: Clone,
    {
        let (key, value) = self.entries.get_bucket_mut(bucket).expect(OCCUPIED);
        let owned = self.marks.mark(hash, bucket, key, owned);
        retire(&mut self.garbage, owned, None);
        value
    }

    /// Returns an iterator over all entries, and the marks for those that it lends.
    pub(crate) fn lend_all(&mut self) -> (hash_table::IterMut<'_, (K, V)>, &mut Marks<K>) {
        (self.entries.iter_mut(), &mut self.marks)
    }

    #[inline]
    pub(crate) fn is_marked(&self, hash: u64, key: &K) -> bool {
        self.marks.contains(hash, key)
    }

    /// Returns the number of marked keys.
    #[inline]
    pub(crate) fn marks(&self) -> usize {
        self.marks.len()
    }

    /// Returns the bucket and the value of the key that was marked last, if the key is there.
    #[inline]
    pub(crate) fn last_mark(&self) -> Option<(usize, &V)> {
        let mark = self.marks.last()?;
        let is = |entry: &&(K, V)| entry.0 == mark.key;
        if let Some(entry) = self.entries.get_bucket(mark.bucket).filter(is) {
            return Some((mark.bucket, &entry.1));
        }
        let bucket = self.find(mark.hash, &mark.key)?;
        Some((bucket, &self.at(bucket).1))
    }
}

impl<K, V> Table<K, V> {
    pub(crate) fn pop_mark(&mut self) -> Option<Mark<K>> {
        self.marks.pop()
    }

    pub(crate) fn take_marks(&mut self) -> Vec<Mark<K>> {
        self.marks.take()
    }

    pub(crate) fn reset_marks(&mut self) {
        self.marks.reset();
    }

    /// Removes all marks. The log need not record the values that were lent so far.
    pub(crate) fn forget_marks(&mut self) {
        while let Some(mark) = self.marks.pop() {
            self.retire(Some(mark.key), None);
        }
        self.marks.reset();
    }
}
