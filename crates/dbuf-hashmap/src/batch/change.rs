//! Changes to one entry. Each is made on this copy and logged as what it did,
//! before anything is handed to the caller.

use core::hash::Hash;
use core::mem;

use equivalent::Equivalent;
use hashbrown::hash_table;

use super::{Batch, Entry};
use crate::Owner;
use crate::op::Op;

impl<W: Owner> Batch<W> {
    /// Inserts a value and returns the one that was there. As with std's maps, a
    /// key that is there already is kept.
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
        self.remove_if(key, |_, _| true)
    }

    /// Removes a key and returns it and its value. Clones the key.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// assert_eq!(batch.remove_entry("a"), Some(("a", 1)));
    /// ```
    pub fn remove_entry<Q>(&mut self, key: &Q) -> Option<(W::Key, W::Value)>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        let (hash, place) = self.find(key);
        let place = place?;
        Some(self.inner.record(|table, _| {
            let (key, value) = table.remove_at(place);
            let logged = key.clone();
            ((key, value), Some(Op::Remove { hash, key: logged }))
        }))
    }

    /// Removes a key if `f` says so, and returns its value.
    ///
    /// # Panics
    ///
    /// With `f`, before anything changed.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", 1);
    /// assert_eq!(batch.remove_if("a", |_, n| *n > 1), None);
    /// assert_eq!(batch.remove_if("a", |_, n| *n == 1), Some(1));
    /// ```
    pub fn remove_if<Q>(
        &mut self,
        key: &Q,
        f: impl FnOnce(&W::Key, &W::Value) -> bool,
    ) -> Option<W::Value>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        let (hash, place) = self.find(key);
        let place = place?;
        let (key, value) = self.table().at(place);
        f(key, value).then(|| self.remove_at(hash, place))
    }

    /// Changes a value in place and returns what `f` returns, or `None` if the
    /// key is not there.
    ///
    /// `f` runs at most once. The other copy gets a clone of the value that it
    /// left, whether it changed or not.
    ///
    /// # Panics
    ///
    /// With `f`; the batch is torn then and rolls back.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.insert("a", vec![1]);
    /// let len = batch.update("a", |list| {
    ///     list.push(2);
    ///     list.len()
    /// });
    /// assert_eq!(len, Some(2));
    /// batch.publish();
    /// assert_eq!(reader.read()["a"], [1, 2]);
    /// ```
    pub fn update<Q, R>(&mut self, key: &Q, f: impl FnOnce(&mut W::Value) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<W::Key> + ?Sized,
    {
        let (hash, place) = self.find(key);
        Some(self.change_at(hash, place?, f))
    }

    /// Changes the value in place if the key is there; inserts `value` if not.
    ///
    /// # Panics
    ///
    /// With `f`; the batch is torn then and rolls back.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// for word in ["a", "b", "a"] {
    ///     batch.upsert(word, 1, |n| *n += 1);
    /// }
    /// assert_eq!((batch.get("a"), batch.get("b")), (Some(&2), Some(&1)));
    /// ```
    pub fn upsert(&mut self, key: W::Key, value: W::Value, f: impl FnOnce(&mut W::Value)) {
        let (hash, place) = self.find(&key);
        match place {
            Some(place) => {
                self.bury(Some(key), Some(value));
                self.change_at(hash, place, f);
            }
            None => _ = self.insert_new(hash, key, value),
        }
    }

    /// The value of a key; inserts what `f` returns if there is none.
    ///
    /// # Panics
    ///
    /// With `f`, before anything changed.
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
        self.entry(key).or_insert_with(f)
    }

    /// The place of a key, for looking and changing with one lookup.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, _reader) = dbuf_hashmap::new();
    /// let mut batch = writer.write();
    /// batch.entry("a").or_insert(1);
    /// let entry = batch.entry("a");
    /// if entry.get() == Some(&1) {
    ///     entry.remove();
    /// }
    /// assert!(batch.is_empty());
    /// ```
    pub fn entry(&mut self, key: W::Key) -> Entry<'_, W> {
        Entry::new(self, key)
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

    /// Changes the value at a place.
    pub(super) fn change_at<R>(
        &mut self,
        hash: u64,
        place: usize,
        f: impl FnOnce(&mut W::Value) -> R,
    ) -> R {
        self.inner.record(|table, _| {
            let (key, value) = table.at_mut(place);
            let result = f(value);
            let op = Op::replace(place, hash, key.clone(), value.clone());
            (result, Some(op))
        })
    }

    /// Removes what stands at a place.
    pub(crate) fn remove_at(&mut self, hash: u64, place: usize) -> W::Value {
        self.inner.record(|table, _| {
            let (key, value) = table.remove_at(place);
            (value, Some(Op::Remove { hash, key }))
        })
    }
}
