use alloc::sync::Arc;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use dbuf_core::{DoubleBuffer, Strategy, Taken};

use crate::concurrent::Writers;
use crate::owner::Ptr;
use crate::table::{Shared, Table};
use crate::{BlockingStrategy, ConcurrentHashMap, DefaultStrategy, PublishPolicy, Reader, Writer};

/// Makes maps.
///
/// # Examples
///
/// ```
/// use std::hash::{BuildHasherDefault, DefaultHasher};
///
/// use dbuf_hashmap::Builder;
///
/// let (mut writer, reader) = Builder::new()
///     .capacity(1000)
///     .hasher(BuildHasherDefault::<DefaultHasher>::default())
///     .build::<String, u32>();
/// writer.write().insert("a".to_owned(), 1);
/// assert!(reader.read().capacity() >= 1000);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder makes a map only when `build` is called"]
pub struct Builder<H = RandomState, S = DefaultStrategy> {
    capacity: usize,
    hasher: H,
    strategy: S,
    policy: PublishPolicy,
}

impl Builder {
    /// An empty map with a [`RandomState`] and the default strategy.
    ///
    /// # Examples
    ///
    /// ```
    /// let (_writer, reader) = dbuf_hashmap::Builder::new().build::<u32, u32>();
    /// assert!(reader.read().is_empty());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }
}

impl<H, S> Builder<H, S> {
    /// Makes room for this many entries, in each of the two copies.
    ///
    /// # Examples
    ///
    /// ```
    /// let (_writer, reader) = dbuf_hashmap::Builder::new().capacity(10).build::<u32, u32>();
    /// assert!(reader.read().capacity() >= 10);
    /// ```
    pub fn capacity(self, capacity: usize) -> Self {
        Self { capacity, ..self }
    }

    /// Sets the hasher, which both copies share.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::hash::{BuildHasherDefault, DefaultHasher};
    ///
    /// let hasher = BuildHasherDefault::<DefaultHasher>::default();
    /// let (_writer, reader) = dbuf_hashmap::Builder::new().hasher(hasher).build::<u32, u32>();
    /// assert!(reader.get(&1).is_none());
    /// ```
    pub fn hasher<T: BuildHasher>(self, hasher: T) -> Builder<T, S> {
        Builder {
            capacity: self.capacity,
            hasher,
            strategy: self.strategy,
            policy: self.policy,
        }
    }

    /// Sets the strategy: how the writer learns that no reader is in its way. It
    /// must be fresh.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::{Builder, LocalStrategy};
    ///
    /// // For one thread; it refuses where others wait.
    /// let (mut writer, reader) = Builder::new().strategy(LocalStrategy::new()).build();
    /// writer.try_write().unwrap().insert(1, 2);
    /// assert_eq!(reader.read().get(&1), Some(&2));
    /// ```
    pub fn strategy<T: Strategy>(self, strategy: T) -> Builder<H, T> {
        self.map_strategy(|_| strategy)
    }

    pub(crate) fn map_strategy<T>(self, f: impl FnOnce(S) -> T) -> Builder<H, T> {
        Builder {
            capacity: self.capacity,
            hasher: self.hasher,
            strategy: f(self.strategy),
            policy: self.policy,
        }
    }

    /// Sets when the single changes of a [`ConcurrentHashMap`] are published. Of no
    /// effect on a [`Writer`], whose batches say it themselves.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::{Builder, PublishPolicy};
    ///
    /// let hits = Builder::new()
    ///     .publish_policy(PublishPolicy::Every(100))
    ///     .build_concurrent();
    /// hits.insert("page", 1);
    /// assert_eq!(hits.get_cloned("page"), None);
    /// hits.publish();
    /// assert_eq!(hits.get_cloned("page"), Some(1));
    /// ```
    pub fn publish_policy(self, policy: PublishPolicy) -> Self {
        Self { policy, ..self }
    }

    /// Makes the map, as its two handles.
    ///
    /// # Panics
    ///
    /// If a writer of the strategy is claimed: it was not fresh.
    #[expect(
        clippy::type_complexity,
        reason = "two handles with all their parameters"
    )]
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::Builder::new().build();
    /// writer.write().insert("a", 1);
    /// assert_eq!(reader.read()["a"], 1);
    /// ```
    pub fn build<K, V>(self) -> (Writer<K, V, H, S>, Reader<K, V, H, S>)
    where
        K: Hash + Eq + Clone,
        V: Clone,
        H: BuildHasher,
        S: Strategy,
    {
        let (writer, reader) = self.split(false);
        (Writer::new(writer), Reader::new(reader))
    }

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
        let policy = self.policy;
        let (writer, reader) = self.split(true);
        ConcurrentHashMap::from_parts(Writers::new(writer, policy), reader.shared())
    }

    /// The buffer, behind the two handles of the core.
    #[expect(
        clippy::type_complexity,
        reason = "two handles with all their parameters"
    )]
    ///
    /// `keep_dead`: whether what leaves a copy waits to be dropped by somebody who
    /// holds no lock.
    pub(crate) fn split<K, V>(
        self,
        keep_dead: bool,
    ) -> (
        dbuf_core::Writer<Ptr<K, V, H, S>>,
        dbuf_core::Reader<Ptr<K, V, H, S>>,
    )
    where
        S: Strategy,
    {
        let copy = || Table::new(self.capacity, keep_dead);
        let (front, back) = (copy(), copy());
        let shared = Shared::new(self.hasher);
        let buffer = DoubleBuffer::with_extras(front, back, self.strategy, shared);
        match dbuf_core::split(Arc::new(buffer)) {
            Ok(handles) => handles,
            Err(Taken) => panic!("the strategy is not fresh: a writer of it is claimed"),
        }
    }
}

/// An empty map, as its two handles; [`Builder`] has the choices.
///
/// # Examples
///
/// ```
/// let (mut writer, reader) = dbuf_hashmap::new();
/// writer.write().insert("a", 1);
/// assert_eq!(reader.read().get("a"), Some(&1));
/// ```
pub fn new<K, V>() -> (Writer<K, V>, Reader<K, V>)
where
    K: Hash + Eq + Clone,
    V: Clone,
{
    Builder::new().build()
}
