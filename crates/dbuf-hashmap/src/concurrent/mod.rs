//! One handle for any thread: `ConcurrentHashMap`. Reads are here and in `iter`, writes in
//! `write` and `single`, for tasks in `task` and `task_single`, the lock that writers share in
//! `lock`.

mod iter;
mod lock;
mod single;
#[cfg(feature = "async")]
mod task;
#[cfg(feature = "async")]
mod task_single;
mod traits;
mod write;

use alloc::sync::Arc;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use dbuf_core::{BlockingStrategy, Strategy};
use dbuf_strategies::DefaultStrategy;
use equivalent::Equivalent;

use crate::builder::Builder;
use crate::entry_ref::Ref;
use crate::owner::Ptr;
use crate::shared::SharedReader;
use crate::snapshot::Snapshot;

pub use iter::{RefIter, RefMulti};
pub use lock::WriterGuard;
pub(crate) use lock::Writers;
#[cfg(feature = "async")]
pub use task::TaskBatch;
pub use write::ConcurrentBatch;

/// A hash map that any thread reads and writes, through `&self`.
///
/// A handle: cloning it is cheap, and all clones are one map. Reads never wait for
/// writers. Writers take turns; see [`PublishPolicy`](crate::PublishPolicy) for when a change is seen.
/// With the default, every read that starts after a write has returned sees it.
///
/// It suits maps that are read far more often than written: writers take turns, and
/// each changes two copies. `DashMap` and its like write several times as fast; here a
/// read costs next to nothing whatever the others do, a [snapshot](Self::read) is
/// consistent, and a [batch](Self::write) becomes visible as a whole.
///
/// It is `Send` and `Sync` where keys, values, hasher and strategy are both. Like std's
/// collections it demands that nowhere else, and a type that holds a map names no bounds
/// (but `S: Strategy`, where it is generic over that).
///
/// # Guards and writes
///
/// [`get`](Self::get), [`read`](Self::read) and [`iter`](Self::iter) return guards. A guard
/// never keeps another thread from reading, and never from making *one* publish. A later
/// write waits for it, for 100 ms at most: then it *sets the copy of the guard aside*, clones
/// the published one, and goes on with that. [`Builder::on_straggler`] has other times, and
/// the largest map that is cloned so. The copy is dropped by the first write after its guards
/// are gone.
///
/// A thread that writes while its own guard is in the way does not wait: it sets the copy
/// aside at once. So this works, at the price of one clone of the map:
///
/// ```
/// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1), ("b", 2)]);
/// for (key, value) in map.read().iter() {
///     map.insert(key, value + 1);
/// }
/// assert_eq!(map.read().values().sum::<i32>(), 5);
/// ```
///
/// One copy can be set aside. Guards that keep another one too make writers wait, and **a
/// thread that would wait for its own guard panics**, before it changes anything.
/// [`try_write`](Self::try_write) returns `None` under any guard of its thread.
/// [`get_cloned`](Self::get_cloned) and [`get_with`](Self::get_with) leave no guard
/// behind, and [`Batch::published`](crate::Batch::published) needs none.
///
/// What cannot be noticed, and waits forever: threads that keep guards of two copies and
/// wait for each other, by writes or by other means; a thread that writes while it keeps the
/// copy that was set aside, and a forgotten guard keeps the other; a batch that is forgotten
/// (its lock is never given back).
///
/// # In a forked child
///
/// In the child of a process with threads, the thread that forked reads on where it had read
/// before (not with `LockStrategy`, whose reads take a lock). A first read, a write, and the drop
/// of a handle or of a guard from before the fork may wait forever for a lock that another thread
/// held: leave them out, and end the child by `exec` or `_exit`.
///
/// # Panics
///
/// Every method that writes, except `try_write`: if it would wait for a guard of this thread
/// ([above](Self#guards-and-writes)), or if this thread has a batch of this map open. And with the user's own code: closures, and
/// `Hash`, `Eq`, `Clone` and `Drop` of keys and values. The map stays whole then:
/// the change that panicked is not made, no other is lost, and the next write
/// works. (A panic in `Drop` of a value that was replaced comes after its change was
/// published.) Where several destructors panic in one call, or as the map is dropped, all of
/// them run, and the first panic is passed on. Since a change reaches the second copy with the *next* write, a panic
/// in `Clone` or `Drop` may come out of a later call, by another thread, whose own
/// change may be made all the same.
///
/// `Drop` may write to the map, except where the user's code runs it during a write:
/// in a closure (`*value = other`), on what it captured, or while a batch is open; nor
/// while a panic in `Hash`, `Eq` or `Clone` unwinds out of a write. It panics there.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::ConcurrentHashMap;
///
/// let stock = ConcurrentHashMap::new();
/// stock.insert("apples", 3);
///
/// std::thread::scope(|scope| {
///     scope.spawn(|| stock.update("apples", |n| *n -= 1));
///     scope.spawn(|| stock.insert("pears", 4));
/// });
/// assert_eq!(stock.get_cloned("apples"), Some(2));
///
/// let mut batch = stock.write(); // other writers wait, readers do not
/// batch.insert("plums", 5);
/// batch.remove("pears");
/// batch.publish(); // both, or neither
/// assert_eq!(stock.len(), 2);
/// ```
///
/// In a static:
///
/// ```
/// use std::sync::LazyLock;
///
/// use dbuf_hashmap::ConcurrentHashMap;
///
/// static NAMES: LazyLock<ConcurrentHashMap<u32, String>> = LazyLock::new(Default::default);
///
/// NAMES.insert(1, "one".to_owned());
/// assert_eq!(NAMES.get_with(&1, String::len), Some(3));
/// ```
pub struct ConcurrentHashMap<K, V, H = RandomState, S: Strategy = DefaultStrategy> {
    reader: dbuf_core::SharedReader<Ptr<K, V, H, S>>,
    writers: Arc<Writers<K, V, H, S>>,
}

impl<K, V> ConcurrentHashMap<K, V>
where
    K: Hash + Eq + Clone,
    V: Clone,
{
    /// An empty map with a [`RandomState`] and the default strategy.
    /// [`Builder`] has the other choices.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::new();
    /// map.insert("a", 1);
    /// assert_eq!(map.len(), 1);
    /// ```
    pub fn new() -> Self {
        Builder::new().build_concurrent()
    }

    /// An empty map with room for so many entries, in each of its two copies.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::<u32, u32>::with_capacity(10);
    /// assert!(map.read().capacity() >= 10);
    /// ```
    pub fn with_capacity(capacity: usize) -> Self {
        Builder::new().capacity(capacity).build_concurrent()
    }
}

impl<K, V, H> ConcurrentHashMap<K, V, H>
where
    K: Hash + Eq + Clone,
    V: Clone,
    H: BuildHasher,
{
    /// An empty map with this hasher.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::hash::{BuildHasherDefault, DefaultHasher};
    ///
    /// use dbuf_hashmap::ConcurrentHashMap;
    ///
    /// let map = ConcurrentHashMap::with_hasher(BuildHasherDefault::<DefaultHasher>::new());
    /// map.insert("a", 1);
    /// assert!(map.contains_key("a"));
    /// ```
    pub fn with_hasher(hasher: H) -> Self {
        Self::with_capacity_and_hasher(0, hasher)
    }

    /// An empty map with this hasher, and room for so many entries in each of its two copies.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::hash::RandomState;
    ///
    /// use dbuf_hashmap::ConcurrentHashMap;
    ///
    /// let map = ConcurrentHashMap::with_capacity_and_hasher(10, RandomState::new());
    /// map.insert("a", 1);
    /// assert!(map.capacity() >= 10);
    /// ```
    pub fn with_capacity_and_hasher(capacity: usize, hasher: H) -> Self {
        Builder::new()
            .capacity(capacity)
            .hasher(hasher)
            .build_concurrent()
    }
}

impl<K, V, H, S: Strategy> ConcurrentHashMap<K, V, H, S> {
    pub(crate) fn from_parts(
        writers: Writers<K, V, H, S>,
        reader: dbuf_core::SharedReader<Ptr<K, V, H, S>>,
    ) -> Self {
        Self {
            reader,
            writers: Arc::new(writers),
        }
    }

    /// Looks at the map as it is published now.
    ///
    /// What the guard shows does not change while it lives, so several lookups and
    /// an iteration under one guard see one state. Hold it briefly: see [guards and
    /// writes](Self#guards-and-writes).
    ///
    /// Never waits for a writer. Costs a thread-local look-up more than
    /// [`Reader::read`](crate::Reader::read); allocates on the first read of a thread,
    /// and while another guard of that thread lives.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1), ("b", 2)]);
    /// let snapshot = map.read();
    /// assert_eq!(snapshot.values().sum::<i32>(), 3);
    /// assert_eq!(snapshot["a"], 1);
    /// ```
    #[doc(alias = "pin")]
    #[doc(alias = "guard")]
    #[inline]
    pub fn read(&self) -> Snapshot<'_, K, V, H, S> {
        Snapshot::new(self.reader.read_any())
    }

    /// How many entries there are.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.read().len()
    }

    /// Whether there are none.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::<u32, u32>::new();
    /// assert!(map.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.read().is_empty()
    }

    /// How many entries the published copy can hold before it grows.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::<u32, u32>::with_capacity(10);
    /// assert!(map.capacity() >= 10);
    /// ```
    pub fn capacity(&self) -> usize {
        self.read().capacity()
    }

    /// The hasher.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::hash::BuildHasher;
    ///
    /// let map = dbuf_hashmap::ConcurrentHashMap::<&str, u32>::new();
    /// assert_eq!(map.hasher().hash_one("a"), map.clone().hasher().hash_one("a"));
    /// ```
    pub fn hasher(&self) -> &H {
        self.reader.extras().hasher()
    }

    /// A handle that can only read. It does not keep the writers' side alive. Costs two
    /// reference counts.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// let reader = map.reader();
    /// map.insert("b", 2);
    /// assert_eq!(reader.get("b").as_deref(), Some(&2));
    /// ```
    pub fn reader(&self) -> SharedReader<K, V, H, S> {
        SharedReader::new(self.reader.clone())
    }
}

impl<K, V, H: BuildHasher, S: Strategy> ConcurrentHashMap<K, V, H, S> {
    /// Looks at one value. Costs a [`read`](Self::read), a hash and a look-up.
    ///
    /// The guard dereferences to the value, and also has the [key](crate::Ref::key). It
    /// [holds writers up](Self#guards-and-writes). [`get_cloned`](Self::get_cloned)
    /// and [`get_with`](Self::get_with) leave none behind.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::<String, u32>::new();
    /// map.insert("a".to_owned(), 1);
    /// assert_eq!(map.get("a").as_deref(), Some(&1));
    /// assert!(map.get("b").is_none());
    /// ```
    #[doc(alias = "get_key_value")]
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Option<Ref<'_, K, V, H, S>>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        // Before the guard: the writer waits for none that is still hashing.
        let hash = self.reader.extras().hash(key);
        Snapshot::value(self.reader.read_any(), hash, key)
    }

    /// Calls `f` with the value of a key, and returns what it returns.
    ///
    /// The fastest lookup. A guard lives while `f` runs.
    ///
    /// # Panics
    ///
    /// With `f`. Its look at the map ends then.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", vec![1, 2])]);
    /// assert_eq!(map.get_with("a", |list| list.len()), Some(2));
    /// ```
    #[doc(alias = "view")]
    #[doc(alias = "read")]
    #[inline]
    pub fn get_with<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let hash = self.reader.extras().hash(key);
        self.reader
            .with(|table, _| table.get(hash, key).map(|(_, value)| f(value)))
    }

    /// A clone of the value of a key. Costs [`get_with`](Self::get_with) and the clone,
    /// which writers wait for.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert_eq!(map.get_cloned("a"), Some(1));
    /// ```
    #[inline]
    pub fn get_cloned<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
        V: Clone,
    {
        self.get_with(key, V::clone)
    }

    /// Whether a key is there. Costs [`get_with`](Self::get_with).
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::ConcurrentHashMap::from([("a", 1)]);
    /// assert!(map.contains_key("a"));
    /// ```
    #[inline]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.get_with(key, |_| ()).is_some()
    }
}

impl<K, V, H, S: Strategy> Clone for ConcurrentHashMap<K, V, H, S> {
    fn clone(&self) -> Self {
        Self {
            reader: self.reader.clone(),
            writers: Arc::clone(&self.writers),
        }
    }
}

impl<H, S> Builder<H, S> {
    /// Makes the map, as one handle for any thread.
    ///
    /// # Panics
    ///
    /// If a writer of the strategy is claimed: it was not fresh.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::Builder::new().capacity(10).build_concurrent();
    /// map.insert("a", 1);
    /// assert_eq!(map.get_cloned("a"), Some(1));
    /// ```
    pub fn build_concurrent<K, V>(self) -> ConcurrentHashMap<K, V, H, S>
    where
        K: Hash + Eq + Clone,
        V: Clone,
        H: BuildHasher,
        S: BlockingStrategy,
    {
        let (log, reader, choices) = self.split(true);
        let reader = reader.shared();
        let writers = Writers::new(log, reader.clone(), choices);
        ConcurrentHashMap::from_parts(writers, reader)
    }
}
