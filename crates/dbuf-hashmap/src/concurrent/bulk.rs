//! Changes of the whole map and of its capacity, each by one call.

use core::hash::{BuildHasher, Hash};

use dbuf_core::BlockingStrategy;

use crate::batch::{Drain, TryReserveError};
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
    /// Removes every entry for which `keep` returns `false`. `keep` runs once for each entry, in
    /// arbitrary order, while other writers wait.
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

    /// Removes every entry for which `keep` returns `false`, and lets `keep` change the other
    /// values. The next write clones the whole map for the other copy. The change is published at
    /// once under every [`PublishPolicy`](crate::PublishPolicy).
    #[doc(alias = "alter_all")]
    #[doc(alias = "iter_mut")]
    pub fn retain_mut(&self, keep: impl FnMut(&K, &mut V) -> bool) {
        self.write_one(|batch| batch.retain_mut(keep));
    }

    /// Removes all entries. Both copies keep their room: as many entries fit again before the
    /// tables grow. [`shrink_to_fit`](Self::shrink_to_fit) frees it.
    pub fn clear(&self) {
        self.write_one(|batch| batch.clear());
    }

    /// Removes all entries and returns an iterator over them. The map is empty when this returns,
    /// even if the iterator is dropped or forgotten. Both copies keep their room, as with
    /// [`clear`](Self::clear).
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

    /// Makes room for `additional` more entries in both copies. The copies keep that room, also
    /// when entries are removed, until [`shrink_to_fit`](Self::shrink_to_fit).
    ///
    /// # Panics
    ///
    /// If the capacity overflows, and see the [type](Self#panics).
    pub fn reserve(&self, additional: usize) {
        self.write_one(|batch| batch.reserve(additional));
    }

    /// Makes room for `additional` more entries, if there is memory for it. The other copy
    /// allocates when it catches up, as far as there is memory.
    ///
    /// # Errors
    ///
    /// [`TryReserveError`] if the capacity overflows or the allocator refuses. Nothing is changed
    /// then.
    pub fn try_reserve(&self, additional: usize) -> Result<(), TryReserveError> {
        self.write_one(|batch| batch.try_reserve(additional))
    }

    /// Frees memory that the entries do not need, in both copies.
    pub fn shrink_to_fit(&self) {
        self.write_one(|batch| batch.shrink_to_fit());
    }

    /// Brings the other copy up to date now, so that the next write need not. Waits for guards as a
    /// write does.
    ///
    /// Replaced and removed values live on in the other copy until then: a `Sender` keeps its
    /// channel open, a file its descriptor. Publishes nothing.
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
    /// assert_eq!(receiver.try_recv(), Err(mpsc::TryRecvError::Empty)); // the other copy has it
    /// clients.catch_up();
    /// assert_eq!(receiver.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    /// ```
    pub fn catch_up(&self) {
        self.write().defer();
    }
}
