//! Changes, through `&self`. All of them are batches.

use alloc::vec::Vec;
use core::convert::Infallible;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use std::hash::RandomState;
use std::thread::Thread;
use std::time::Instant;

use dbuf_core::{BlockingStrategy, Published};
use dbuf_strategies::DefaultStrategy;
use equivalent::Equivalent;

use super::WriterGuard;
use crate::batch::{Batch, Refused};
use crate::concurrent::ConcurrentHashMap;

/// The batch of a [`ConcurrentHashMap`].
pub type ConcurrentBatch<'m, K, V, H = RandomState, S = DefaultStrategy> =
    Batch<WriterGuard<'m, K, V, H, S>>;

impl<K, V, H, S> ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    /// Begins a batch. Other writers wait until it ends, readers do not.
    ///
    /// **It publishes when it is dropped**, also by `?`; [`transact`](Self::transact)
    /// is the form that publishes all or nothing. Waits for other writers, and for
    /// guards that still look at the copy that the last publish replaced (normally
    /// there are none). It cannot be sent to another thread; a forgotten one keeps
    /// all writers out forever.
    ///
    /// # Panics
    ///
    /// See [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::new();
    /// let mut batch = map.write();
    /// batch.insert("a", 1);
    /// batch.insert("b", 2);
    /// assert!(map.is_empty());
    /// batch.publish();
    /// assert_eq!(map.len(), 2);
    /// ```
    pub fn write(&self) -> ConcurrentBatch<'_, K, V, H, S> {
        Batch::new(self.writers.begin())
    }

    /// Begins a batch if that needs no waiting: `None` if another writer is at work,
    /// a guard still looks at the copy that the last publish replaced, or this
    /// thread holds any guard of this map. Nothing changed then.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// let guard = map.get("a");
    /// assert!(map.try_write().is_none());
    /// drop(guard);
    /// assert!(map.try_write().is_some());
    /// ```
    pub fn try_write(&self) -> Option<ConcurrentBatch<'_, K, V, H, S>> {
        if self.reader.has_guard() {
            return None;
        }
        self.writers.try_begin().map(Batch::new)
    }

    /// As [`write`](Self::write), but waits for at most about `timeout`: `None` then,
    /// and nothing changed.
    ///
    /// This is how a service notices a guard that somebody forgot, or holds across a
    /// slow call: log the number of [`stragglers`](Self::stragglers), and raise an
    /// alarm if it does not go back to zero.
    ///
    /// # Panics
    ///
    /// See [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use dbuf_hashmap::ConcurrentHashMap;
    ///
    /// fn put(map: &ConcurrentHashMap<u32, u32>, key: u32, value: u32) -> Result<(), String> {
    ///     match map.write_timeout(Duration::from_millis(50)) {
    ///         Some(mut batch) => {
    ///             batch.insert(key, value);
    ///             Ok(())
    ///         }
    ///         None => Err(format!(
    ///             "no write for 50 ms: {} readers hold the map up",
    ///             map.stragglers()
    ///         )),
    ///     }
    /// }
    ///
    /// let map = ConcurrentHashMap::new();
    /// let (taken, release) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         let _guard = map.read();
    ///         taken.wait();
    ///         release.wait();
    ///     });
    ///     taken.wait();
    ///     put(&map, 1, 1).unwrap(); // the first publish waits for nobody
    ///     let stuck = put(&map, 2, 2).unwrap_err();
    ///     assert_eq!(stuck, "no write for 50 ms: 1 readers hold the map up");
    ///     release.wait();
    /// });
    /// put(&map, 2, 2).unwrap();
    /// ```
    pub fn write_timeout(&self, timeout: Duration) -> Option<ConcurrentBatch<'_, K, V, H, S>> {
        self.writers.begin_timeout(timeout).map(Batch::new)
    }

    /// How many keep the copy that was [set aside](Self#guards-and-writes): guards, or
    /// readers, by what the strategy can tell. See [`stragglers`](Self::stragglers).
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// for (key, value) in map.read().iter() {
    ///     map.insert(key, value + 1); // the second copy is free
    ///     map.insert(key, value + 2); // the guard keeps it: this write takes a third
    /// }
    /// assert_eq!(map.spare_stragglers(), 0); // the guard is gone
    /// ```
    pub fn spare_stragglers(&self) -> usize {
        self.writers.spare().0
    }

    /// When a copy was [set aside](Self#guards-and-writes) that is still there. `None` if
    /// there is none, and where [`stragglers`](Self::stragglers) says zero as it cannot know.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// let kept = map.read();
    /// assert!(map.spare_since().is_none());
    /// map.insert("a", 2);
    /// map.insert("a", 3);
    /// assert!(map.spare_since().is_some());
    /// drop(kept);
    /// map.insert("a", 4); // drops it
    /// assert!(map.spare_since().is_none());
    /// ```
    pub fn spare_since(&self) -> Option<Instant> {
        self.writers.spare().1
    }

    /// How many the last publish still waits for: guards, or readers, by what the
    /// strategy can tell. Zero when the next write need not wait for any, and while
    /// a batch is open. For diagnosis: never waits, out of date when it returns. It
    /// looks under the writers' lock, so a `try_write` at that moment is refused, and
    /// it says zero if other writers keep the lock from it.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.stragglers(), 0);
    /// ```
    pub fn stragglers(&self) -> usize {
        self.writers.stragglers()
    }

    /// The threads that the last publish waits for, and those that keep the copy that was
    /// [set aside](Self#guards-and-writes): to log their names. For diagnosis, as
    /// [`stragglers`](Self::stragglers).
    ///
    /// Epoch (the default) and Flash know them. Empty with other strategies, and while a batch
    /// is open. Guards of this map and of its [`reader`](Self::reader)s are found, and not those
    /// of a [`Reader`](crate::Reader). A thread that has ended is named as long as a guard is
    /// left of it. Costs reads nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// let _kept = map.read();
    /// map.insert("a", 2);
    /// let threads = map.straggling_threads();
    /// assert_eq!(threads.len(), 1);
    /// assert_eq!(threads[0].id(), std::thread::current().id());
    /// ```
    pub fn straggling_threads(&self) -> Vec<Thread> {
        self.writers.straggling_threads()
    }

    /// How many writers, threads and tasks, wait to begin: for another writer, or for
    /// readers. A future that was polled and forgotten counts forever. For diagnosis: never
    /// waits, out of date when it returns.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::new();
    /// let batch = map.write();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| map.insert("a", 1));
    ///     while map.queued_writers() == 0 {
    ///         std::thread::yield_now();
    ///     }
    ///     drop(batch);
    /// });
    /// assert_eq!(map.queued_writers(), 0);
    /// ```
    pub fn queued_writers(&self) -> usize {
        self.writers.queued()
    }

    /// All or nothing: publishes if `f` returns `Ok`, takes every change of `f` back
    /// if it returns `Err` or panics.
    ///
    /// # Errors
    ///
    /// What `f` returned.
    ///
    /// # Panics
    ///
    /// With `f`, and see [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// let accounts = dbuf_hashmap::ConcurrentHashMap::from([("alice", 10_u32), ("bob", 0)]);
    /// let moved = accounts.transact(|batch| {
    ///     batch.update("bob", |n| *n += 20);
    ///     let left = batch.get("alice").unwrap().checked_sub(20).ok_or("overdrawn")?;
    ///     batch.insert("alice", left);
    ///     Ok(())
    /// });
    /// assert_eq!(moved, Err("overdrawn"));
    /// assert_eq!(accounts.get_cloned("bob"), Some(0));
    /// ```
    pub fn transact<R, E>(
        &self,
        f: impl FnOnce(&mut ConcurrentBatch<'_, K, V, H, S>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut batch = self.write();
        batch.inner.rollback_on_drop();
        let result = f(&mut batch)?;
        batch.publish();
        Ok(result)
    }

    /// Inserts a value and returns the one that was there. As with std's maps, a key
    /// that is there already is kept.
    ///
    /// Costs what every single change does: the writers' lock, the change on both
    /// copies, and a publish (or a share of one, as the
    /// [policy](crate::PublishPolicy) says). Many changes are cheaper in a
    /// [batch](Self::write).
    ///
    /// # Panics
    ///
    /// See [above](Self#panics).
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
    /// # Panics
    ///
    /// See [above](Self#panics).
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

    /// Removes a key if `f` says so, and returns its value; `None` if the key is not there.
    ///
    /// # Errors
    ///
    /// [`Refused`] if the key is there and `f` returned `false`.
    ///
    /// # Panics
    ///
    /// With `f`, and see [above](Self#panics).
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

    /// Changes a value in place and returns what `f` returns, or `None` if the key
    /// is not there. No other writer comes between. `f` runs at most once.
    ///
    /// Clones the value for the other copy; [`change`](Self::change) does not.
    ///
    /// # Panics
    ///
    /// With `f`, and see [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.update("a", |n| { *n += 1; *n }), Some(2));
    /// assert_eq!(map.update("b", |n| *n += 1), None);
    /// ```
    #[doc(alias = "alter")]
    pub fn update<Q, R>(&self, key: &Q, f: impl FnOnce(&mut V) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.write_one(|batch| batch.update(key, f))
    }

    /// Makes a change to a value by an operation that is made again on the other copy, so
    /// that nothing is cloned: for values that are large. Returns whether the key is there.
    ///
    /// **`op` runs once on each copy, and must do the same each time**; see
    /// [`Batch::change`]. [`update`](Self::update) clones the value once and runs its
    /// closure once.
    ///
    /// # Panics
    ///
    /// With `op`, and see [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// let logs = dbuf_hashmap::ConcurrentHashMap::from([("a", vec![0_u8; 1 << 20])]);
    /// assert!(logs.change("a", |bytes| bytes.push(1))); // copies no megabyte
    /// assert_eq!(logs.get_with("a", Vec::len), Some((1 << 20) + 1));
    /// ```
    pub fn change<Q>(&self, key: &Q, op: impl Fn(&mut V) + Send + Sync + 'static) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.write_one(|batch| batch.change(key, op))
    }

    /// Changes the value in place if the key is there, and returns what `f` returns; inserts
    /// `value` if not, and returns `None`.
    ///
    /// Clones the value for the other copy. [`entry`](Self::entry) has the value after either.
    ///
    /// # Panics
    ///
    /// With `f`, and see [above](Self#panics).
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

    /// A clone of the value of a key, which is made by `f` and inserted if it is not
    /// there.
    ///
    /// Looks first, and becomes a writer only if it has to. It looks at what is
    /// published: where the removal of the key is pending
    /// ([`Every`](crate::PublishPolicy::Every), a deferred batch), the value is
    /// found once more and nothing is inserted. `f` runs at most once
    /// and while other writers wait; of two threads that ask for one key, one makes
    /// the value.
    ///
    /// # Panics
    ///
    /// With `f`, and see [above](Self#panics): also where the key is there.
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

    /// Removes every entry for which `keep` returns `false`. It runs once for each
    /// entry, in arbitrary order, while other writers wait.
    ///
    /// # Panics
    ///
    /// With `keep`, and see [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([(1, "a"), (2, "b"), (3, "c")]);
    /// map.retain(|n, _| n % 2 == 1);
    /// assert_eq!(map.len(), 2);
    /// ```
    pub fn retain(&self, keep: impl FnMut(&K, &V) -> bool) {
        self.write_one(|batch| batch.retain(keep));
    }

    /// As [`retain`](Self::retain), and lets `keep` change the values that stay.
    /// The other copy is cloned as a whole with the next write, and the change is
    /// published at once under every [`PublishPolicy`](crate::PublishPolicy).
    ///
    /// # Panics
    ///
    /// With `keep`, and see [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// let lives = dbuf_hashmap::ConcurrentHashMap::from([("a", 1), ("b", 2)]);
    /// lives.retain_mut(|_, n| {
    ///     *n -= 1;
    ///     *n > 0
    /// });
    /// assert_eq!((lives.len(), lives.get_cloned("b")), (1, Some(1)));
    /// ```
    pub fn retain_mut(&self, keep: impl FnMut(&K, &mut V) -> bool) {
        self.write_one(|batch| batch.retain_mut(keep));
    }

    /// Removes everything. Both copies keep their room.
    ///
    /// # Panics
    ///
    /// See [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// map.clear();
    /// assert!(map.is_empty());
    /// ```
    pub fn clear(&self) {
        self.write_one(|batch| batch.clear());
    }

    /// Makes room for so many more entries, in both copies.
    ///
    /// # Panics
    ///
    /// If the capacity overflows, and see [above](Self#panics).
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::<u32, u32>::new();
    /// map.reserve(1000);
    /// assert!(map.read().capacity() >= 1000);
    /// ```
    pub fn reserve(&self, additional: usize) {
        self.write_one(|batch| batch.reserve(additional));
    }

    /// Publishes what is pending: under
    /// [`PublishPolicy::Every`](crate::PublishPolicy::Every), and after a batch
    /// was [deferred](Batch::defer). Waits for an open batch, and for no reader: a
    /// thread may hold a guard.
    ///
    /// # Panics
    ///
    /// If this thread has a batch of this map open.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::new();
    /// let mut batch = map.write();
    /// batch.insert("a", 1);
    /// batch.defer();
    /// assert!(map.is_empty());
    /// assert!(map.publish().is_published());
    /// assert!(!map.publish().is_published());
    /// assert_eq!(map.len(), 1);
    /// ```
    #[doc(alias = "flush")]
    #[doc(alias = "refresh")]
    pub fn publish(&self) -> Published {
        self.writers.publish()
    }

    /// Makes a change in a batch of its own and ends it as the policy says.
    // Always: the change is the caller's closure.
    #[inline(always)]
    pub(crate) fn write_one<R>(
        &self,
        f: impl FnOnce(&mut ConcurrentBatch<'_, K, V, H, S>) -> R,
    ) -> R {
        let result;
        {
            let mut batch = Batch::new(self.writers.begin());
            result = f(&mut batch);
            if !self.writers.is_immediate() {
                self.end(batch);
            }
            // Else it is published as it is dropped, where it stands. Here, and not behind the
            // result: that would be leaked if a destructor panics.
        }
        result
    }

    /// Ends the batch of a single change as the policy says.
    #[cold]
    pub(super) fn end(&self, batch: ConcurrentBatch<'_, K, V, H, S>) {
        batch.end(|batch| self.writers.end(batch));
    }
}
