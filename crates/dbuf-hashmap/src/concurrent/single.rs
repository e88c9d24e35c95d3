//! More changes, each by one call: of one entry, and of the room that the map has.

use core::hash::{BuildHasher, Hash};

use dbuf_core::BlockingStrategy;
use equivalent::Equivalent;

use super::WriterGuard;
use crate::batch::{Drain, Entry, Operation, TryReserveError};
use crate::concurrent::ConcurrentHashMap;

impl<K, V, H, S> ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    /// Changes an entry by a closure that has it as std's [`Entry`], and returns what the
    /// closure returns: for all that `or_insert`, `or_default` and `and_modify` say best.
    ///
    /// `f` runs once, while other writers wait. A value that the entry lends is cloned for the
    /// other copy, once.
    ///
    /// # Panics
    ///
    /// With `f`, and see [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::ConcurrentHashMap;
    ///
    /// let hits = ConcurrentHashMap::<&str, u32>::new();
    /// hits.entry("a", |entry| *entry.or_insert(0) += 1);
    /// let n = hits.entry("a", |entry| *entry.and_modify(|n| *n += 1).or_insert(1));
    /// assert_eq!((n, hits.get_cloned("a")), (2, Some(2)));
    ///
    /// let lists = ConcurrentHashMap::<&str, Vec<u32>>::new();
    /// lists.entry("a", |entry| entry.or_default().push(1));
    /// assert_eq!(lists.get_with("a", Vec::len), Some(1));
    /// ```
    pub fn entry<R>(
        &self,
        key: K,
        f: impl FnOnce(Entry<'_, WriterGuard<'_, K, V, H, S>>) -> R,
    ) -> R {
        self.write_one(|batch| f(batch.entry(key)))
    }

    /// Makes of an entry what `f` decides, and returns the value that was there before; as
    /// papaya's. `f` runs once, while other writers wait.
    ///
    /// # Errors
    ///
    /// What `f` put into [`Operation::Abort`]. Nothing changed then, and nothing is published.
    ///
    /// # Panics
    ///
    /// With `f`, and see [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::{ConcurrentHashMap, Operation};
    ///
    /// let jobs = ConcurrentHashMap::from([("a", 2)]);
    /// let finish = |job| {
    ///     jobs.compute(job, |entry| match entry {
    ///         Some((_, 1)) => Operation::Remove,
    ///         Some((_, left)) => Operation::Insert(left - 1),
    ///         None => Operation::Abort("no such job"),
    ///     })
    /// };
    /// assert_eq!(finish("a"), Ok(Some(2)));
    /// assert_eq!(finish("a"), Ok(Some(1)));
    /// assert_eq!(finish("a"), Err("no such job"));
    /// ```
    pub fn compute<T>(
        &self,
        key: K,
        f: impl FnOnce(Option<(&K, &V)>) -> Operation<V, T>,
    ) -> Result<Option<V>, T> {
        self.write_one(|batch| batch.compute(key, f))
    }

    /// Inserts a value if the key is not there.
    ///
    /// # Errors
    ///
    /// The key and the value, if the key is there. Nothing changed then.
    ///
    /// # Panics
    ///
    /// See [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::new();
    /// assert_eq!(map.try_insert("a", 1), Ok(()));
    /// assert_eq!(map.try_insert("a", 2), Err(("a", 2)));
    /// assert_eq!(map.get_cloned("a"), Some(1));
    /// ```
    pub fn try_insert(&self, key: K, value: V) -> Result<(), (K, V)> {
        self.write_one(|batch| batch.try_insert(key, value))
    }

    /// As [`upsert`](Self::upsert), with a value that is made only if the key is not there.
    ///
    /// # Panics
    ///
    /// With `make` and `f`, and see [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// let lists = dbuf_hashmap::ConcurrentHashMap::new();
    /// for n in [1, 2] {
    ///     lists.upsert_with("a", || vec![n], |list| list.push(n));
    /// }
    /// assert_eq!(lists.get_cloned("a"), Some(vec![1, 2]));
    /// ```
    pub fn upsert_with<R>(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&mut V) -> R,
    ) -> Option<R> {
        self.write_one(|batch| batch.upsert_with(key, make, f))
    }

    /// As [`get_or_insert_with`](Self::get_or_insert_with), with an `f` that may fail.
    ///
    /// # Errors
    ///
    /// What `f` returned. Nothing changed then.
    ///
    /// # Panics
    ///
    /// With `f`, and see [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::<&str, u32>::new();
    /// assert!(map.get_or_try_insert_with("a", || "x".parse()).is_err());
    /// assert_eq!(map.get_or_try_insert_with("a", || "1".parse()), Ok(1));
    /// ```
    pub fn get_or_try_insert_with<E>(
        &self,
        key: K,
        f: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, E> {
        match self.get_cloned(&key) {
            Some(value) => Ok(value),
            None => self.write_one(|batch| batch.get_or_try_insert_with(key, f).cloned()),
        }
    }

    /// Removes a key and returns it and its value. Clones the key.
    ///
    /// # Panics
    ///
    /// See [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.remove_entry("a"), Some(("a", 1)));
    /// assert_eq!(map.remove_entry("a"), None);
    /// ```
    pub fn remove_entry<Q>(&self, key: &Q) -> Option<(K, V)>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.write_one(|batch| batch.remove_entry(key))
    }

    /// Takes all entries out. The map is empty when this returns, whatever becomes of the
    /// iterator. Both copies keep their room.
    ///
    /// # Panics
    ///
    /// See [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// let drained = map.drain();
    /// assert!(map.is_empty());
    /// assert_eq!(drained.collect::<Vec<_>>(), [("a", 1)]);
    /// ```
    pub fn drain(&self) -> Drain<K, V> {
        self.write_one(|batch| batch.drain())
    }

    /// Makes room for so many more entries, unless there is no memory for it. The other copy
    /// makes as much room as there is memory for when it catches up.
    ///
    /// # Errors
    ///
    /// [`TryReserveError`] if the capacity overflows or the allocator refuses. Nothing changed
    /// then.
    ///
    /// # Panics
    ///
    /// See [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::<u32, u32>::new();
    /// assert!(map.try_reserve(usize::MAX).is_err());
    /// assert!(map.try_reserve(1000).is_ok());
    /// assert!(map.capacity() >= 1000);
    /// ```
    pub fn try_reserve(&self, additional: usize) -> Result<(), TryReserveError> {
        self.write_one(|batch| batch.try_reserve(additional))
    }

    /// Gives back memory that the entries do not need, in both copies.
    ///
    /// # Panics
    ///
    /// See [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::<u32, u32>::with_capacity(1000);
    /// map.insert(1, 1);
    /// map.shrink_to_fit();
    /// assert!(map.capacity() < 1000);
    /// ```
    pub fn shrink_to_fit(&self) {
        self.write_one(|batch| batch.shrink_to_fit());
    }

    /// Does now what the next write would begin with, so that it need not: waits for guards
    /// as a write does, and lets the other copy catch up.
    ///
    /// Values that were replaced or removed live on in that copy until then: a `Sender` keeps
    /// its channel open, a file its descriptor. Publishes nothing: what is pending stays so.
    ///
    /// # Panics
    ///
    /// See [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// let clients = dbuf_hashmap::ConcurrentHashMap::new();
    /// let (sender, receiver) = mpsc::channel::<&str>();
    /// clients.insert("a", sender);
    /// clients.remove("a");
    /// assert_eq!(receiver.try_recv(), Err(mpsc::TryRecvError::Empty)); // open in the other copy
    /// clients.catch_up();
    /// assert_eq!(receiver.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    /// ```
    pub fn catch_up(&self) {
        self.write().defer();
    }
}
