//! Changes to the whole map and to its capacity.

use alloc::alloc::handle_alloc_error;
use core::hash::{BuildHasher, Hash};
use core::mem;

use dbuf_core::Strategy;
use hashbrown::hash_table;

use super::{Batch, Drain, ExtractIf, TryReserveError};
use crate::op::{Op, ValueChange};
use crate::owner::{Owner, WriterMut};

impl<W: Owner> Batch<W> {
    /// Removes every entry for which `keep` returns `false`.
    ///
    /// `keep` runs once for each entry, in arbitrary order. The log records the removed keys, so
    /// `keep` does not run again for the other copy.
    ///
    /// # Panics
    ///
    /// If `keep` panics; the batch is torn then and rolls back.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.extend([(1, "a"), (2, "b"), (3, "c")]);
    /// batch.retain(|n, _| n % 2 == 1);
    /// assert_eq!(batch.len(), 2);
    /// ```
    pub fn retain(&mut self, keep: impl FnMut(&W::Key, &W::Value) -> bool) {
        let Self { inner, garbage } = self;
        inner.record(|table, shared| {
            // If `keep` or `Hash` panics, the rest of this list is garbage.
            let keys = garbage.removed();
            keys.extend(table.extract(keep).map(|key| (shared.hash(&key), key)));
            let op = match keys.len() {
                0 => None,
                _ if table.len() == 0 => Some(Op::Clear(table.revision())),
                _ => Some(Op::RemoveAll(mem::take(keys))),
            };
            garbage.append(table.take_garbage());
            ((), op)
        });
        if !self.inner.defers_drops() {
            drop(self.garbage.take());
        }
    }

    /// Removes every entry for which `keep` returns `false`, and lets it change the other values.
    ///
    /// `keep` runs once for each entry, in arbitrary order. It may have changed any value, so the
    /// next batch begins with a clone of the whole map.
    ///
    /// # Panics
    ///
    /// If `keep` panics; the batch is torn then and rolls back.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().extend([("a", 1), ("b", 2)]);
    /// writer.write().retain_mut(|_, n| {
    ///     *n -= 1;
    ///     *n > 0
    /// });
    /// assert_eq!(reader.read().len(), 1);
    /// assert_eq!(reader.read()["b"], 1);
    /// ```
    pub fn retain_mut(&mut self, keep: impl FnMut(&W::Key, &mut W::Value) -> bool) {
        if !self.is_empty() {
            let garbage = self.inner.modify(|table, _| {
                table.forget_marks();
                table.retain_mut(keep);
                table.take_garbage()
            });
            self.garbage.append(garbage);
        }
    }

    /// Removes all entries. Both copies keep their room: as many entries fit again before the
    /// tables grow. [`shrink_to_fit`](Self::shrink_to_fit) frees it. What the log holds of earlier
    /// changes of this batch is dropped.
    pub fn clear(&mut self) {
        if !self.is_empty() {
            self.inner.replace_all(|table, _| {
                table.forget_marks();
                table.clear();
                ((), Op::Clear(table.revision()))
            });
            self.retire_garbage();
        }
    }

    /// Removes all entries and returns an iterator over them.
    ///
    /// The map is empty when this returns, and the change is logged. The iterator may be dropped
    /// halfway, or forgotten (which leaks its rest). Moves the entries out and allocates a new
    /// table. Both copies keep their room, as with [`clear`](Self::clear).
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// let drained = batch.drain();
    /// assert!(batch.is_empty());
    /// assert_eq!(drained.collect::<Vec<_>>(), [("a", 1)]);
    /// ```
    pub fn drain(&mut self) -> Drain<W::Key, W::Value> {
        if self.is_empty() {
            return Drain(hash_table::IntoIter::default());
        }
        let drain = self.inner.replace_all(|table, _| {
            table.forget_marks();
            let entries = table.take();
            (Drain(entries.into_iter()), Op::Clear(table.revision()))
        });
        self.retire_garbage();
        drain
    }

    /// Removes those entries for which `take` returns `true`, one by one, as the iterator returns
    /// them. Entries that the iterator has not reached stay.
    ///
    /// Hashes and clones each key that it removes.
    ///
    /// # Panics
    ///
    /// The iterator panics if `take` does, before that entry is removed.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.extend([(1, "a"), (2, "b"), (3, "c")]);
    /// let even: Vec<_> = batch.extract_if(|n, _| n % 2 == 0).collect();
    /// assert_eq!((even, batch.len()), (vec![(2, "b")], 2));
    /// ```
    pub fn extract_if<F>(&mut self, take: F) -> ExtractIf<'_, W, F>
    where
        F: FnMut(&W::Key, &W::Value) -> bool,
    {
        ExtractIf::new(self, take)
    }

    /// Makes room for `additional` more entries in both copies. The copies keep that room, also
    /// when entries are removed, until [`shrink_to_fit`](Self::shrink_to_fit) or a rollback of this
    /// batch.
    ///
    /// # Panics
    ///
    /// If the capacity overflows.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new::<u32, u32>();
    /// writer.write().reserve(1000);
    /// assert!(reader.read().capacity() >= 1000);
    /// assert!(writer.write().as_map().capacity() >= 1000);
    /// ```
    pub fn reserve(&mut self, additional: usize) {
        // A refusal changes nothing, so it must not tear the batch.
        match self.make_room(additional) {
            Ok(()) => {}
            Err(hashbrown::TryReserveError::CapacityOverflow) => panic!("capacity overflow"),
            Err(hashbrown::TryReserveError::AllocError { layout }) => handle_alloc_error(layout),
        }
    }

    fn make_room(&mut self, additional: usize) -> Result<(), hashbrown::TryReserveError> {
        let other = self.inner.published();
        let other = (other.capacity(), other.buckets());
        self.inner.record(
            |table, shared| match table.try_reserve(additional, other, shared) {
                Ok(buckets) => (Ok(()), buckets.map(Op::Grow)),
                Err(error) => (Err(error), None),
            },
        )
    }

    /// Makes room for `additional` more entries, if there is memory for it.
    ///
    /// The other copy allocates when it catches up, as far as there is memory.
    ///
    /// # Errors
    ///
    /// [`TryReserveError`] if the capacity overflows or the allocator refuses. Nothing is changed
    /// then.
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        self.make_room(additional).map_err(TryReserveError)
    }

    /// Frees memory that the entries do not need, in both copies.
    pub fn shrink_to_fit(&mut self) {
        // The other copy may have more room than this one, so it computes what it can free when
        // it has caught up.
        let other = self.inner.published().buckets();
        self.inner.record(|table, shared| {
            let shrunk = table.shrink(shared).is_some();
            let log = shrunk || other != table.buckets();
            ((), log.then_some(Op::Shrink))
        });
    }

    /// Sets a number of the caller's choice for the map that this batch makes, such as the revision
    /// of a database that the map mirrors. It is published with the changes: a snapshot returns the
    /// [revision](crate::Snapshot::revision) of exactly the state that it shows.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// batch.set_revision(17);
    /// batch.publish();
    /// let map = reader.read();
    /// assert_eq!((map.revision(), map["a"]), (17, 1));
    /// ```
    pub fn set_revision(&mut self, revision: u64) {
        self.inner.record(|table, _| {
            let changed = table.revision() != revision;
            table.set_revision(revision);
            ((), changed.then_some(Op::Revision(revision)))
        });
    }
}

/// Inserts all entries. Reserves room for the iterator's lower size hint, or for half of it if the
/// map has entries already, like std's maps.
impl<W, K, V> Extend<(K, V)> for Batch<W>
where
    W: Owner<Key = K, Value = V>,
{
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        let entries = entries.into_iter();
        let promised = entries.size_hint().0;
        self.reserve(if self.is_empty() {
            promised
        } else {
            promised.div_ceil(2)
        });
        for (key, value) in entries {
            let old = self.insert(key, value);
            self.retire(None, old);
        }
    }
}

/// Inserts copies of all entries.
impl<'e, K, V, H, S, C> Extend<(&'e K, &'e V)> for Batch<WriterMut<'_, K, V, H, S, C>>
where
    K: Hash + Eq + Copy,
    V: Copy,
    H: BuildHasher,
    S: Strategy,
    C: ValueChange<V>,
{
    fn extend<I: IntoIterator<Item = (&'e K, &'e V)>>(&mut self, entries: I) {
        self.extend(entries.into_iter().map(|(key, value)| (*key, *value)));
    }
}
