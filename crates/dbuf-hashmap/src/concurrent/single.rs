//! Changes of one entry, each by one call.

use core::convert::Infallible;
use core::hash::{BuildHasher, Hash};

use dbuf_core::BlockingStrategy;
use equivalent::Equivalent;

use super::WriterGuard;
use crate::batch::{Entry, Operation, Refused};
use crate::concurrent::ConcurrentHashMap;

/// Each change panics as the [type](Self#panics) says, and if its closure panics. It is not made
/// then.
impl<K, V, H, S> ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    /// Inserts a value and returns the previous one. A key that is already there is kept, as in
    /// std's maps.
    ///
    /// Costs what every single change costs: the writers' lock, the change on both copies, and a
    /// publish (or a share of one, as the [policy](crate::PublishPolicy) says). A
    /// [batch](Self::write) makes many changes cheaper.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::new();
    /// assert_eq!(map.insert("a", 1), None);
    /// assert_eq!(map.insert("a", 2), Some(1));
    /// ```
    pub fn insert(&self, key: K, value: V) -> Option<V> {
        self.write_one(|batch| batch.insert(key, value))
    }

    /// Removes a key and returns its value. Clones nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.remove("a"), Some(1));
    /// assert_eq!(map.remove("a"), None);
    /// ```
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.write_one(|batch| batch.remove(key))
    }

    /// Removes a key if `f` returns `true`, and returns its value; `None` if the key is not there.
    ///
    /// # Errors
    ///
    /// [`Refused`] if the key is there and `f` returned `false`.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::{ConcurrentHashMap, Refused};
    ///
    /// let map = ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.remove_if("a", |_, n| *n > 1), Err(Refused));
    /// assert_eq!(map.remove_if("a", |_, n| *n == 1), Ok(Some(1)));
    /// assert_eq!(map.remove_if("a", |_, n| *n == 1), Ok(None));
    /// ```
    pub fn remove_if<Q>(
        &self,
        key: &Q,
        f: impl FnOnce(&K, &V) -> bool,
    ) -> Result<Option<V>, Refused>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.write_one(|batch| batch.remove_if(key, f))
    }

    /// Changes a value in place and returns the result of `f`, or `None` if the key is not there.
    /// No other writer comes in between. `f` runs at most once.
    ///
    /// Clones the value for the other copy; [`change`](Self::change) does not.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.update("a", |n| { *n += 1; *n }), Some(2));
    /// assert_eq!(map.update("b", |n| *n += 1), None);
    /// ```
    #[doc(alias = "alter")]
    #[doc(alias = "get_mut")]
    #[doc(alias = "modify")]
    pub fn update<Q, R>(&self, key: &Q, f: impl FnOnce(&mut V) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.write_one(|batch| batch.update(key, f))
    }

    /// Changes a value by an operation that is repeated on the other copy, so that nothing is
    /// cloned: for large values. Returns whether the key is there.
    ///
    /// **`op` runs once on each copy, and must do the same each time**; see [`Batch::change`](crate::Batch::change).
    /// [`update`](Self::update) clones the value once and runs its closure once.
    ///
    /// # Examples
    ///
    /// ```
    /// let logs = dbuf_hashmap::ConcurrentHashMap::from([("a", vec![0_u8; 1 << 20])]);
    /// assert!(logs.change("a", |bytes| bytes.push(1))); // does not copy the megabyte
    /// assert_eq!(logs.get_with("a", Vec::len), Some((1 << 20) + 1));
    /// ```
    pub fn change<Q>(&self, key: &Q, op: impl Fn(&mut V) + Send + Sync + 'static) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.write_one(|batch| batch.change(key, op))
    }

    /// Changes the value in place and returns the result of `f` if the key is there; otherwise
    /// inserts `value` and returns `None`.
    ///
    /// Clones the value for the other copy. [`entry`](Self::entry) gives access to the value in
    /// both cases.
    ///
    /// # Examples
    ///
    /// ```
    /// let words = dbuf_hashmap::ConcurrentHashMap::new();
    /// for word in ["a", "b", "a"] {
    ///     words.upsert(word, 1, |n| *n += 1);
    /// }
    /// assert_eq!(words.get_cloned("a"), Some(2));
    /// assert_eq!(words.upsert("b", 1, |n| { *n += 1; *n }), Some(2));
    /// assert_eq!(words.upsert("c", 1, |n| { *n += 1; *n }), None);
    /// ```
    pub fn upsert<R>(&self, key: K, value: V, f: impl FnOnce(&mut V) -> R) -> Option<R> {
        self.write_one(|batch| batch.upsert(key, value, f))
    }

    /// Like [`upsert`](Self::upsert), but makes the value only if the key is not there.
    pub fn upsert_with<R>(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&mut V) -> R,
    ) -> Option<R> {
        self.write_one(|batch| batch.upsert_with(key, make, f))
    }

    /// Returns a clone of a value. Makes the value with `f` and inserts it if the key is not there.
    ///
    /// Reads the published map first, and becomes a writer only if the key is missing there. So if
    /// the removal of the key is pending ([`Every`](crate::PublishPolicy::Every), a deferred
    /// batch), it returns the removed value and inserts nothing. `f` runs at most once, while other
    /// writers wait; if two threads request one key, only one makes the value.
    ///
    /// # Panics
    ///
    /// If `f` panics, and see the [type](Self#panics), also where the key is there.
    ///
    /// # Examples
    ///
    /// ```
    /// let squares = dbuf_hashmap::ConcurrentHashMap::new();
    /// assert_eq!(squares.get_or_insert_with(3, || 3 * 3), 9);
    /// assert_eq!(squares.get_or_insert_with(3, || unreachable!()), 9);
    /// ```
    pub fn get_or_insert_with(&self, key: K, f: impl FnOnce() -> V) -> V {
        let Ok(value) = self.get_or_try_insert_with(key, || Ok::<_, Infallible>(f()));
        value
    }

    /// Like [`get_or_insert_with`](Self::get_or_insert_with), with an `f` that may fail.
    ///
    /// # Errors
    ///
    /// Returns the error of `f`. Nothing is changed then.
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

    /// Inserts a value if the key is not there.
    ///
    /// # Errors
    ///
    /// Returns the key and the value if the key is there. Nothing is changed then.
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

    /// Removes a key and returns it with its value. Clones the key.
    pub fn remove_entry<Q>(&self, key: &Q) -> Option<(K, V)>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.write_one(|batch| batch.remove_entry(key))
    }

    /// Gives `f` the [`Entry`] of a key, as in std's maps, and returns its result: for `or_insert`,
    /// `or_default`, `and_modify` and their combinations.
    ///
    /// `f` runs once, while other writers wait. A value that the entry lends is cloned once, for
    /// the other copy.
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

    /// Inserts, removes or keeps an entry as `f` decides, and returns the previous value; like
    /// papaya's method. `f` runs once, while other writers wait.
    ///
    /// # Errors
    ///
    /// Returns what `f` put into [`Operation::Abort`]. Nothing is changed or published then.
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
}
