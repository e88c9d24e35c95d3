//! What writers wait for: numbers and threads to log.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};
use std::thread::Thread;
use std::time::Instant;

use dbuf_core::BlockingStrategy;

use crate::concurrent::ConcurrentHashMap;

impl<K, V, H, S> ConcurrentHashMap<K, V, H, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
    S: BlockingStrategy,
{
    /// Returns how many guards or readers (whichever the strategy counts) the last publish still
    /// waits for. Zero while a batch is open, and when the next write need not wait.
    ///
    /// For diagnosis: it never waits, and its result may be out of date when it returns. It takes
    /// the writers' lock for a moment, so a concurrent `try_write` may return `None`; it returns
    /// zero if another writer holds the lock.
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

    /// Returns how many guards or readers (whichever the strategy counts) hold the copy that was
    /// [set aside](Self#guards-and-writes). See [`stragglers`](Self::stragglers).
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

    /// Returns when a copy was [set aside](Self#guards-and-writes) that still exists. Returns
    /// `None` if there is none, and where [`stragglers`](Self::stragglers) returns zero because the
    /// strategy cannot count.
    pub fn spare_since(&self) -> Option<Instant> {
        self.writers.spare().1
    }

    /// Returns the threads that the last publish waits for, and those that hold the copy that was
    /// [set aside](Self#guards-and-writes), to log their names. For diagnosis, like
    /// [`stragglers`](Self::stragglers).
    ///
    /// Epoch (the default) and Flash know them. The result is empty with other strategies, and
    /// while a batch is open. It covers guards of this map and of its [`reader`](Self::reader)s,
    /// but not those of a [`Reader`](crate::Reader). A thread that has ended is listed while one of
    /// its guards lives. Reads pay nothing for this.
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

    /// Returns how many writers (threads and tasks) wait to begin, for another writer or for
    /// readers. A future that was polled and forgotten counts forever. For diagnosis: it never
    /// waits, and its result may be out of date when it returns.
    pub fn queued_writers(&self) -> usize {
        self.writers.queued()
    }
}
