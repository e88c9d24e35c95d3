//! Changes to one entry that log their effect at once.

use core::convert::Infallible;
use core::hash::Hash;
use core::mem;

use equivalent::Equivalent;
use hashbrown::hash_table;

use super::{Batch, Refused};
use crate::op::Op;
use crate::owner::Owner;
use crate::patch::Patch;

impl<W: Owner> Batch<W> {
    /// Inserts a value and returns the previous one. A key that is already there is kept, as in
    /// std's maps.
    ///
    /// Clones the value, and the key if it is new.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// assert_eq!(batch.insert("a", 1), None);
    /// assert_eq!(batch.insert("a", 2), Some(1));
    /// ```
    #[inline]
    pub fn insert(&mut self, key: W::Key, value: W::Value) -> Option<W::Value> {
        self.inner.record(|table, shared| {
            let hash = shared.hash(&key);
            let logged = value.clone();
            match table.entry(hash, &key, shared) {
                hash_table::Entry::Occupied(mut entry) => {
                    let op = Op::replace(entry.bucket_index(), hash, key, logged);
                    (Some(mem::replace(&mut entry.get_mut().1, value)), Some(op))
                }
                hash_table::Entry::Vacant(entry) => {
                    let op = Op::Insert {
                        hash,
                        key: key.clone(),
                        value: logged,
                    };
                    entry.insert((key, value));
                    (None, Some(op))
                }
            }
        })
    }

    /// Removes a key and returns its value. Clones nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new::<String, u32>();
    /// let mut batch = writer.write();
    /// batch.insert("a".to_owned(), 1);
    /// assert_eq!(batch.remove("a"), Some(1));
    /// assert_eq!(batch.remove("a"), None);
    /// ```
    pub fn remove<Q>(&mut self, key: &Q) -> Option<W::Value>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        let (hash, bucket) = self.find(key);
        Some(self.remove_at(hash, bucket?))
    }

    /// Removes a key and returns it with its value. Clones the key.
    pub fn remove_entry<Q>(&mut self, key: &Q) -> Option<(W::Key, W::Value)>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        let (hash, bucket) = self.find(key);
        Some(self.remove_entry_at(hash, bucket?, None))
    }

    /// Removes a key if `f` returns `true`, and returns its value; `None` if the key is not there.
    ///
    /// # Errors
    ///
    /// [`Refused`] if the key is there and `f` returned `false`.
    ///
    /// # Panics
    ///
    /// If `f` panics, before anything is changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::Refused;
    ///
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// assert_eq!(batch.remove_if("a", |_, n| *n > 1), Err(Refused));
    /// assert_eq!(batch.remove_if("a", |_, n| *n == 1), Ok(Some(1)));
    /// assert_eq!(batch.remove_if("a", |_, n| *n == 1), Ok(None));
    /// ```
    pub fn remove_if<Q>(
        &mut self,
        key: &Q,
        f: impl FnOnce(&W::Key, &W::Value) -> bool,
    ) -> Result<Option<W::Value>, Refused>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        let (hash, Some(bucket)) = self.find(key) else {
            return Ok(None);
        };
        let (key, value) = self.table().at(bucket);
        if f(key, value) {
            Ok(Some(self.remove_at(hash, bucket)))
        } else {
            Err(Refused)
        }
    }

    /// Changes a value by an operation that is repeated on the other copy, so that nothing is
    /// cloned: for large values. Returns whether the key is there.
    ///
    /// `op` runs at once on this copy, and once more for each copy that follows: normally once,
    /// when the next batch begins; more often if a batch is rolled back after this one was
    /// deferred. **It must do the same each time.** If it depends on a clock, on chance or on
    /// shared state, the copies differ: readers see the value alternate with every publish until
    /// the key is written again. This is never undefined behaviour. [`update`](Self::update) runs
    /// its closure once.
    ///
    /// # Panics
    ///
    /// If `op` panics; the batch is torn then and rolls back. If it panics on the other copy, the
    /// next batch panics when it begins, and the one after it clones the whole map. See
    /// [`Writer::try_catch_up`](crate::Writer::try_catch_up).
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// writer.write().insert("log", vec![0_u8; 1 << 20]);
    /// let mut batch = writer.write();
    /// assert!(batch.change("log", |bytes| bytes.push(1))); // does not copy the megabyte
    /// batch.publish();
    /// assert_eq!(reader.read()["log"].len(), (1 << 20) + 1);
    /// assert_eq!(writer.write().get("log").unwrap().len(), (1 << 20) + 1);
    /// ```
    pub fn change<Q>(&mut self, key: &Q, op: impl Fn(&mut W::Value) + Send + Sync + 'static) -> bool
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        let (hash, Some(bucket)) = self.find(key) else {
            return false;
        };
        if self.table().is_marked(hash, &self.table().at(bucket).0) {
            // The value is lent, so the log gets a clone of it anyway. The other copy still has
            // the value from before, where `op` might do something else.
            self.update_at(hash, bucket, None, op);
        } else {
            self.inner.record(|table, _| {
                let (key, value) = table.at_mut(bucket);
                op(value);
                let (key, patch) = (key.clone(), Patch::new(hash, op));
                ((), Some(Op::Patch { key, patch }))
            });
        }
        true
    }

    /// Returns the value of a key. Inserts the result of `f` if the key is not there.
    ///
    /// # Panics
    ///
    /// If `f` panics, before anything is changed.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// assert_eq!(batch.get_or_insert_with("a", || 1), &1);
    /// assert_eq!(batch.get_or_insert_with("a", || unreachable!()), &1);
    /// ```
    pub fn get_or_insert_with(&mut self, key: W::Key, f: impl FnOnce() -> W::Value) -> &W::Value {
        let Ok(value) = self.get_or_try_insert_with(key, || Ok::<_, Infallible>(f()));
        value
    }

    /// Returns the value of a key. Inserts the result of `f` if the key is not there and `f`
    /// succeeds.
    ///
    /// # Errors
    ///
    /// Returns the error of `f`. Nothing is changed then.
    ///
    /// # Panics
    ///
    /// If `f` panics, before anything is changed.
    pub fn get_or_try_insert_with<E>(
        &mut self,
        key: W::Key,
        f: impl FnOnce() -> Result<W::Value, E>,
    ) -> Result<&W::Value, E> {
        let (hash, bucket) = self.find(&key);
        let bucket = match bucket {
            Some(bucket) => {
                self.retire(Some(key), None);
                bucket
            }
            None => self.insert_new(hash, key, f()?),
        };
        Ok(&self.table().at(bucket).1)
    }

    /// Inserts a value if the key is not there.
    ///
    /// # Errors
    ///
    /// Returns the key and the value if the key is there. Nothing is changed then.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// assert_eq!(batch.try_insert("a", 1), Ok(()));
    /// assert_eq!(batch.try_insert("a", 2), Err(("a", 2)));
    /// assert_eq!(batch.get("a"), Some(&1));
    /// ```
    pub fn try_insert(&mut self, key: W::Key, value: W::Value) -> Result<(), (W::Key, W::Value)> {
        match self.find(&key) {
            (_, Some(_)) => Err((key, value)),
            (hash, None) => {
                self.insert_new(hash, key, value);
                Ok(())
            }
        }
    }

    /// Adds a key that is not there.
    pub(crate) fn insert_new(&mut self, hash: u64, key: W::Key, value: W::Value) -> usize {
        self.inner.record(|table, shared| {
            let op = Op::Insert {
                hash,
                key: key.clone(),
                value: value.clone(),
            };
            (table.insert_new(hash, key, value, shared), Some(op))
        })
    }

    /// Removes the entry in a bucket and returns it. An `owned` key saves a clone.
    pub(super) fn remove_entry_at(
        &mut self,
        hash: u64,
        bucket: usize,
        owned: Option<W::Key>,
    ) -> (W::Key, W::Value) {
        self.inner.record(|table, _| {
            let logged = owned.unwrap_or_else(|| table.at(bucket).0.clone());
            let entry = table.remove_at(bucket);
            (entry, Some(Op::Remove { hash, key: logged }))
        })
    }

    /// Removes the entry in a bucket and returns its value.
    pub(crate) fn remove_at(&mut self, hash: u64, bucket: usize) -> W::Value {
        self.inner.record(|table, _| {
            let (key, value) = table.remove_at(bucket);
            (value, Some(Op::Remove { hash, key }))
        })
    }
}
