//! The changes of `single` and `bulk`, awaited.

use core::convert::Infallible;
use core::hash::{BuildHasher, Hash};

use dbuf_core::BlockingStrategy;
use equivalent::Equivalent;

use super::WriterGuard;
use crate::batch::{Drain, Entry, Operation, Refused};
use crate::concurrent::ConcurrentHashMap;

/// With feature `async`: each method awaits the blocking method of its name, with the same
/// result, errors and panics. Its closures run once, in the last poll, while other writers wait.
///
/// Each is cancel safe: a future that is dropped before it is ready has changed nothing, none of
/// its closures has run, and it drops its arguments.
impl<K, V, H, S> ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    /// Inserts a value and returns the previous one, like [`insert`](Self::insert).
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has changed nothing; it drops key and value.
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let map = dbuf_hashmap::ConcurrentHashMap::new();
    /// assert_eq!(map.insert_async("a", 1).await, None);
    /// assert_eq!(map.get_cloned("a"), Some(1));
    /// # });
    /// ```
    pub async fn insert_async(&self, key: K, value: V) -> Option<V> {
        self.write_one_async(|batch| batch.insert(key, value)).await
    }

    /// Removes a key and returns its value, like [`remove`](Self::remove).
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has changed nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.remove_async("a").await, Some(1));
    /// assert!(map.is_empty());
    /// # });
    /// ```
    pub async fn remove_async<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.write_one_async(|batch| batch.remove(key)).await
    }

    /// Changes a value in place and returns the result of `f`, like [`update`](Self::update).
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has changed nothing, and `f` has not run.
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.update_async("a", |n| { *n += 1; *n }).await, Some(2));
    /// # });
    /// ```
    pub async fn update_async<Q, R>(&self, key: &Q, f: impl FnOnce(&mut V) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.write_one_async(|batch| batch.update(key, f)).await
    }

    /// See [`change`](Self::change).
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

    /// See [`upsert`](Self::upsert).
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

    /// See [`upsert_with`](Self::upsert_with).
    pub async fn upsert_with_async<R>(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&mut V) -> R,
    ) -> Option<R> {
        self.write_one_async(|batch| batch.upsert_with(key, make, f))
            .await
    }

    /// See [`entry`](Self::entry).
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

    /// See [`compute`](Self::compute).
    ///
    /// # Errors
    ///
    /// Returns what `f` put into [`Operation::Abort`]. Nothing is changed then.
    pub async fn compute_async<T>(
        &self,
        key: K,
        f: impl FnOnce(Option<(&K, &V)>) -> Operation<V, T>,
    ) -> Result<Option<V>, T> {
        self.write_one_async(|batch| batch.compute(key, f)).await
    }

    /// See [`try_insert`](Self::try_insert).
    ///
    /// # Errors
    ///
    /// Returns the key and the value if the key is there.
    pub async fn try_insert_async(&self, key: K, value: V) -> Result<(), (K, V)> {
        self.write_one_async(|batch| batch.try_insert(key, value))
            .await
    }

    /// See [`get_or_insert_with`](Self::get_or_insert_with). Awaits nothing if the key is there.
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

    /// See [`get_or_try_insert_with`](Self::get_or_try_insert_with). Awaits nothing if the key is
    /// there.
    ///
    /// # Errors
    ///
    /// Returns the error of `f`. Nothing is changed then.
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

    /// See [`remove_entry`](Self::remove_entry).
    pub async fn remove_entry_async<Q>(&self, key: &Q) -> Option<(K, V)>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.write_one_async(|batch| batch.remove_entry(key)).await
    }

    /// See [`remove_if`](Self::remove_if).
    ///
    /// # Errors
    ///
    /// [`Refused`] if the key is there and `f` returned `false`.
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

    /// See [`retain`](Self::retain).
    pub async fn retain_async(&self, keep: impl FnMut(&K, &V) -> bool) {
        self.write_one_async(|batch| batch.retain(keep)).await;
    }

    /// See [`retain_mut`](Self::retain_mut).
    pub async fn retain_mut_async(&self, keep: impl FnMut(&K, &mut V) -> bool) {
        self.write_one_async(|batch| batch.retain_mut(keep)).await;
    }

    /// See [`clear`](Self::clear).
    pub async fn clear_async(&self) {
        self.write_one_async(|batch| batch.clear()).await;
    }

    /// See [`drain`](Self::drain).
    pub async fn drain_async(&self) -> Drain<K, V> {
        self.write_one_async(|batch| batch.drain()).await
    }

    /// See [`reserve`](Self::reserve).
    pub async fn reserve_async(&self, additional: usize) {
        self.write_one_async(|batch| batch.reserve(additional))
            .await;
    }

    /// See [`shrink_to_fit`](Self::shrink_to_fit).
    pub async fn shrink_to_fit_async(&self) {
        self.write_one_async(|batch| batch.shrink_to_fit()).await;
    }

    /// See [`catch_up`](Self::catch_up).
    pub async fn catch_up_async(&self) {
        self.write_async().await.defer();
    }
}
