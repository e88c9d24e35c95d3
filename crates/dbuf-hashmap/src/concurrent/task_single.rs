//! The single changes of `single` and `write`, awaited.

use core::convert::Infallible;
use core::hash::{BuildHasher, Hash};

use dbuf_core::BlockingStrategy;
use equivalent::Equivalent;

use super::WriterGuard;
use crate::batch::{Drain, Entry, Operation, Refused};
use crate::concurrent::ConcurrentHashMap;

/// With feature `async`: each is the blocking call of its name, awaited. The closures run
/// once, in the poll that is the last, while other writers wait.
impl<K, V, H, S> ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    /// Makes a change by an operation that is made again on the other copy, as
    /// [`change`](Self::change).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing changed.
    ///
    /// # Panics
    ///
    /// With `op`, and with user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let logs = dbuf_hashmap::ConcurrentHashMap::from([("a", vec![1])]);
    /// assert!(logs.change_async("a", |list| list.push(2)).await);
    /// # });
    /// ```
    pub async fn change_async<Q>(
        &self,
        key: &Q,
        op: impl Fn(&mut V) + Send + Sync + 'static,
    ) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.write_one_async(|batch| batch.change(key, op)).await
    }

    /// Changes a value in place or inserts one, as [`upsert`](Self::upsert).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing changed and `f` has not run.
    ///
    /// # Panics
    ///
    /// With `f`, and with user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let words = dbuf_hashmap::ConcurrentHashMap::new();
    /// for word in ["a", "b", "a"] {
    ///     words.upsert_async(word, 1, |n| *n += 1).await;
    /// }
    /// assert_eq!(words.get_cloned("a"), Some(2));
    /// # });
    /// ```
    pub async fn upsert_async<R>(
        &self,
        key: K,
        value: V,
        f: impl FnOnce(&mut V) -> R,
    ) -> Option<R> {
        self.write_one_async(|batch| batch.upsert(key, value, f))
            .await
    }

    /// Changes a value in place or inserts one that it makes, as
    /// [`upsert_with`](Self::upsert_with).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing changed and neither closure has run.
    ///
    /// # Panics
    ///
    /// With `make` and `f`, and with user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let lists = dbuf_hashmap::ConcurrentHashMap::new();
    /// lists.upsert_with_async("a", || vec![1], |list| list.push(1)).await;
    /// assert_eq!(lists.get_cloned("a"), Some(vec![1]));
    /// # });
    /// ```
    pub async fn upsert_with_async<R>(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&mut V) -> R,
    ) -> Option<R> {
        self.write_one_async(|batch| batch.upsert_with(key, make, f))
            .await
    }

    /// Changes an entry by a closure that has it as std's `Entry`, as [`entry`](Self::entry).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, `f` has not run.
    ///
    /// # Panics
    ///
    /// With `f`, and with user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let hits = dbuf_hashmap::ConcurrentHashMap::<&str, u32>::new();
    /// hits.entry_async("a", |entry| *entry.or_insert(0) += 1).await;
    /// assert_eq!(hits.get_cloned("a"), Some(1));
    /// # });
    /// ```
    pub async fn entry_async<R>(
        &self,
        key: K,
        f: impl FnOnce(Entry<'_, WriterGuard<'_, K, V, H, S>>) -> R,
    ) -> R {
        self.write_one_async(|batch| f(batch.entry(key))).await
    }

    /// Makes of an entry what `f` decides, as [`compute`](Self::compute).
    ///
    /// # Errors
    ///
    /// What `f` put into [`Operation::Abort`]. Nothing changed then.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, `f` has not run.
    ///
    /// # Panics
    ///
    /// With `f`, and with user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// use dbuf_hashmap::{ConcurrentHashMap, Operation};
    ///
    /// let jobs = ConcurrentHashMap::from([("a", 2)]);
    /// let none_left = |entry: Option<(&&str, &i32)>| match entry {
    ///     Some((_, 0)) => Operation::Remove,
    ///     _ => Operation::Abort("at work"),
    /// };
    /// assert_eq!(jobs.compute_async("a", none_left).await, Err("at work"));
    /// # });
    /// ```
    pub async fn compute_async<T>(
        &self,
        key: K,
        f: impl FnOnce(Option<(&K, &V)>) -> Operation<V, T>,
    ) -> Result<Option<V>, T> {
        self.write_one_async(|batch| batch.compute(key, f)).await
    }

    /// Inserts a value if the key is not there, as [`try_insert`](Self::try_insert).
    ///
    /// # Errors
    ///
    /// The key and the value, if the key is there.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing was inserted, and key and value are
    /// dropped.
    ///
    /// # Panics
    ///
    /// With user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let map = dbuf_hashmap::ConcurrentHashMap::new();
    /// assert_eq!(map.try_insert_async("a", 1).await, Ok(()));
    /// assert_eq!(map.try_insert_async("a", 2).await, Err(("a", 2)));
    /// # });
    /// ```
    pub async fn try_insert_async(&self, key: K, value: V) -> Result<(), (K, V)> {
        self.write_one_async(|batch| batch.try_insert(key, value))
            .await
    }

    /// A clone of the value of a key, which is made by `f` if it is not there, as
    /// [`get_or_insert_with`](Self::get_or_insert_with). Awaits nothing if it is there.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing changed and `f` has not run.
    ///
    /// # Panics
    ///
    /// With `f`, and with user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let squares = dbuf_hashmap::ConcurrentHashMap::new();
    /// assert_eq!(squares.get_or_insert_with_async(3, || 9).await, 9);
    /// # });
    /// ```
    pub async fn get_or_insert_with_async(&self, key: K, f: impl FnOnce() -> V) -> V {
        let f = || Ok::<_, Infallible>(f());
        let Ok(value) = self.get_or_try_insert_with_async(key, f).await;
        value
    }

    /// As [`get_or_insert_with_async`](Self::get_or_insert_with_async), with an `f` that may fail.
    ///
    /// # Errors
    ///
    /// What `f` returned. Nothing changed then.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing changed and `f` has not run.
    ///
    /// # Panics
    ///
    /// With `f`, and with user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let map = dbuf_hashmap::ConcurrentHashMap::<&str, u32>::new();
    /// assert_eq!(map.get_or_try_insert_with_async("a", || "1".parse()).await, Ok(1));
    /// # });
    /// ```
    pub async fn get_or_try_insert_with_async<E>(
        &self,
        key: K,
        f: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, E> {
        if let Some(value) = self.get_cloned(&key) {
            return Ok(value);
        }
        self.write_one_async(|batch| batch.get_or_try_insert_with(key, f).cloned())
            .await
    }

    /// Removes a key and returns it and its value, as [`remove_entry`](Self::remove_entry).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing was removed.
    ///
    /// # Panics
    ///
    /// With user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.remove_entry_async("a").await, Some(("a", 1)));
    /// # });
    /// ```
    pub async fn remove_entry_async<Q>(&self, key: &Q) -> Option<(K, V)>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.write_one_async(|batch| batch.remove_entry(key)).await
    }

    /// Removes a key if `f` says so, as [`remove_if`](Self::remove_if).
    ///
    /// # Errors
    ///
    /// [`Refused`] if the key is there and `f` returned `false`.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing was removed and `f` has not run.
    ///
    /// # Panics
    ///
    /// With `f`, and with user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// use dbuf_hashmap::{ConcurrentHashMap, Refused};
    ///
    /// let map = ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.remove_if_async("a", |_, n| *n > 1).await, Err(Refused));
    /// # });
    /// ```
    pub async fn remove_if_async<Q>(
        &self,
        key: &Q,
        f: impl FnOnce(&K, &V) -> bool,
    ) -> Result<Option<V>, Refused>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.write_one_async(|batch| batch.remove_if(key, f)).await
    }

    /// Removes every entry for which `keep` returns `false`, as [`retain`](Self::retain).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, `keep` has not run.
    ///
    /// # Panics
    ///
    /// With `keep`, and with user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([(1, "a"), (2, "b")]);
    /// map.retain_async(|n, _| *n > 1).await;
    /// assert_eq!(map.len(), 1);
    /// # });
    /// ```
    pub async fn retain_async(&self, keep: impl FnMut(&K, &V) -> bool) {
        self.write_one_async(|batch| batch.retain(keep)).await;
    }

    /// As [`retain_async`](Self::retain_async), and lets `keep` change the values that stay; see
    /// [`retain_mut`](Self::retain_mut).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, `keep` has not run.
    ///
    /// # Panics
    ///
    /// With `keep`, and with user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let lives = dbuf_hashmap::ConcurrentHashMap::from([("a", 1), ("b", 2)]);
    /// lives.retain_mut_async(|_, n| { *n -= 1; *n > 0 }).await;
    /// assert_eq!((lives.len(), lives.get_cloned("b")), (1, Some(1)));
    /// # });
    /// ```
    pub async fn retain_mut_async(&self, keep: impl FnMut(&K, &mut V) -> bool) {
        self.write_one_async(|batch| batch.retain_mut(keep)).await;
    }

    /// Removes everything, as [`clear`](Self::clear).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing was removed.
    ///
    /// # Panics
    ///
    /// With user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// map.clear_async().await;
    /// assert!(map.is_empty());
    /// # });
    /// ```
    pub async fn clear_async(&self) {
        self.write_one_async(|batch| batch.clear()).await;
    }

    /// Takes all entries out, as [`drain`](Self::drain).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing was taken out.
    ///
    /// # Panics
    ///
    /// With user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.drain_async().await.next(), Some(("a", 1)));
    /// # });
    /// ```
    pub async fn drain_async(&self) -> Drain<K, V> {
        self.write_one_async(|batch| batch.drain()).await
    }

    /// Makes room for so many more entries, as [`reserve`](Self::reserve).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing changed.
    ///
    /// # Panics
    ///
    /// If the capacity overflows, and with user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let map = dbuf_hashmap::ConcurrentHashMap::<u32, u32>::new();
    /// map.reserve_async(1000).await;
    /// assert!(map.capacity() >= 1000);
    /// # });
    /// ```
    pub async fn reserve_async(&self, additional: usize) {
        self.write_one_async(|batch| batch.reserve(additional))
            .await;
    }

    /// Gives back memory that the entries do not need, as
    /// [`shrink_to_fit`](Self::shrink_to_fit).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing changed.
    ///
    /// # Panics
    ///
    /// With user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let map = dbuf_hashmap::ConcurrentHashMap::<u32, u32>::with_capacity(1000);
    /// map.shrink_to_fit_async().await;
    /// assert!(map.capacity() < 1000);
    /// # });
    /// ```
    pub async fn shrink_to_fit_async(&self) {
        self.write_one_async(|batch| batch.shrink_to_fit()).await;
    }

    /// Does now what the next write would begin with, as [`catch_up`](Self::catch_up).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing is lost, and the next write does it.
    ///
    /// # Panics
    ///
    /// With user code, as all [writes](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// use std::sync::Arc;
    ///
    /// let value = Arc::new(1);
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", Arc::clone(&value))]);
    /// map.clear();
    /// map.catch_up_async().await;
    /// assert_eq!(Arc::strong_count(&value), 1);
    /// # });
    /// ```
    pub async fn catch_up_async(&self) {
        self.write_async().await.defer();
    }
}
