use alloc::boxed::Box;
use alloc::sync::Arc;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use std::hash::RandomState;

use dbuf_core::{ClaimError, DoubleBuffer, OnStraggler, Strategy};
use dbuf_strategies::DefaultStrategy;

use crate::choices::{Choices, PublishPolicy};
use crate::op::ValueChange;
use crate::owner::{Log, Ptr};
use crate::reader::Reader;
use crate::table::{Extras, Table};
use crate::writer::Writer;

/// Builds maps, sets and multi-maps.
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
    choices: Choices,
}

impl Builder {
    /// Starts with an empty map, a [`RandomState`] and the default strategy.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<H, S> Builder<H, S> {
    /// Sets the number of entries for which each of the two copies has room.
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
            choices: self.choices,
        }
    }

    /// Sets the strategy: how the writer learns that no reader uses the copy that it needs. It must
    /// be fresh.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::{Builder, LocalStrategy};
    ///
    /// // For one thread; a batch is refused where other strategies wait.
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
            choices: self.choices,
        }
    }

    /// Sets when the single changes of a [`ConcurrentHashMap`](crate::ConcurrentHashMap) are
    /// published. It has no effect on a [`Writer`], whose batches say how they end.
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
    pub fn publish_policy(mut self, policy: PublishPolicy) -> Self {
        self.choices.policy = policy;
        self
    }

    /// Sets what a write does while readers hold the copy that it needs. By default it waits 100 ms
    /// and then clones the published copy, if that has at most a million entries: see
    /// [`OnStraggler`].
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::{Builder, OnStraggler};
    ///
    /// // Never more than two copies: writes wait for every reader.
    /// let map = Builder::new()
    ///     .on_straggler(OnStraggler::Wait)
    ///     .build_concurrent();
    /// map.insert("a", 1);
    /// ```
    pub fn on_straggler(mut self, on_straggler: OnStraggler) -> Self {
        self.choices.on_straggler = on_straggler;
        self
    }

    /// Sets a function that the writer calls each time it has set a copy aside, before its change
    /// and with no lock held. Its argument is the number of guards or readers that hold the copy,
    /// to log it. It has no effect on a [`Writer`], which has [`spare_since`](Writer::spare_since).
    ///
    /// If the function panics, so does the write, and nothing is changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::Builder;
    ///
    /// let map = Builder::new()
    ///     .on_spare(|readers| eprintln!("{readers} readers keep an old copy of the map"))
    ///     .build_concurrent();
    /// let kept = map.read();
    /// map.insert("a", 1);
    /// map.insert("a", 2); // calls it: `kept` is in the way
    /// # assert!(kept.is_empty());
    /// ```
    pub fn on_spare(mut self, f: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.choices.on_spare = Some(Arc::new(f));
        self
    }

    /// Sets a timer for tasks that await a write while readers hold the copy. Without one, a task
    /// continues without those readers only when it is polled after the time that
    /// [`OnStraggler::Spare`] names, and nothing may poll it then. It has no effect on threads.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_hashmap::Builder;
    /// # mod tokio {
    /// #     pub mod time {
    /// #         pub async fn sleep(_: std::time::Duration) {}
    /// #     }
    /// # }
    ///
    /// let map = Builder::new().sleep(tokio::time::sleep).build_concurrent();
    /// map.insert("a", 1);
    /// ```
    pub fn sleep<F>(mut self, sleep: impl Fn(Duration) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.choices.sleep = Some(Arc::new(move |duration| Box::pin(sleep(duration))));
        self
    }

    /// Makes the map, as a writer and a reader.
    ///
    /// # Panics
    ///
    /// If the strategy is not fresh: a writer of it is claimed.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::Builder::new().build();
    /// writer.write().insert("a", 1);
    /// assert_eq!(reader.read()["a"], 1);
    /// ```
    #[expect(
        clippy::type_complexity,
        reason = "two handles with all their parameters"
    )]
    pub fn build<K, V>(self) -> (Writer<K, V, H, S>, Reader<K, V, H, S>)
    where
        K: Hash + Eq + Clone,
        V: Clone,
        H: BuildHasher,
        S: Strategy,
    {
        let (log, reader, _) = self.split(false);
        (Writer::new(log), Reader::new(reader))
    }

    /// Makes the handles of the core, and returns the choices that are not in them.
    ///
    /// `defers_drops` says whether removed keys and values wait until a caller drops them without a
    /// lock.
    #[expect(
        clippy::type_complexity,
        reason = "two handles with all their parameters"
    )]
    pub(crate) fn split<K, V, C>(
        self,
        defers_drops: bool,
    ) -> (
        Log<K, V, H, S, C>,
        dbuf_core::Reader<Ptr<K, V, H, S>>,
        Choices,
    )
    where
        K: Hash + Eq + Clone,
        V: Clone,
        H: BuildHasher,
        S: Strategy,
        C: ValueChange<V>,
    {
        let copy = || Table::new(self.capacity, defers_drops);
        let (front, back) = (copy(), copy());
        let shared = Extras::new(self.hasher);
        let buffer = DoubleBuffer::with_extras(front, back, self.strategy, shared);
        match dbuf_core::split(Arc::new(buffer)) {
            Ok((writer, reader)) => {
                let mut log = Log::new(writer);
                log.on_straggler(self.choices.on_straggler);
                (log, reader, self.choices)
            }
            Err(ClaimError) => panic!("the strategy is not fresh: a writer of it is claimed"),
        }
    }
}

/// Makes an empty map, as a writer and a reader; [`Builder`] offers the other choices.
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
