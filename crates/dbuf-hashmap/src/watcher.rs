//! Readers that await changes.

use core::fmt;
use core::ops::Deref;
use std::hash::RandomState;

use dbuf_core::{Closed, Strategy, Version};
use dbuf_strategies::{DefaultStrategy, Watched};

use crate::builder::Builder;
use crate::concurrent::ConcurrentHashMap;
use crate::map_ref::MapRef;
use crate::owner::Ptr;
use crate::reader::Reader;
use crate::set::ConcurrentHashSet;
use crate::shared::SharedReader;
use crate::snapshot::Snapshot;

/// Awaits the next publish of a map. From [`SharedReader::watcher`],
/// [`Reader::watcher`] or [`ConcurrentHashMap::watcher`], where the strategy is
/// [`Watched`]: [`Builder::watched`].
///
/// Dereferences to the reader. It remembers which publish it was last *told of* by
/// [`changed`](Self::changed) or read by [`borrow_and_update`](Self::borrow_and_update); other
/// reads do not count. A write that changes nothing publishes nothing, so it wakes nobody.
/// With feature `async`.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::Builder;
///
/// let map = Builder::new().watched().build_concurrent();
/// let mut watcher = map.watcher();
/// let waits = std::thread::spawn(move || {
///     pollster::block_on(async {
///         watcher.changed().await?;
///         Ok::<_, dbuf_hashmap::Closed>(watcher.get("a").map(|n| *n))
///     })
/// });
/// map.insert("a", 1);
/// assert_eq!(waits.join().unwrap(), Ok(Some(1)));
/// ```
pub struct Watcher<K, V, H = RandomState, S: Strategy = DefaultStrategy> {
    reader: SharedReader<K, V, H, Watched<S>>,
    inner: dbuf_async::Watcher<Ptr<K, V, H, Watched<S>>>,
}

impl<K, V, H, S: Strategy> Watcher<K, V, H, S> {
    /// Waits until something newer is published than this watcher was last told of,
    /// and returns the number of the newest publish. Ready at once if there is
    /// something. What it announces, a read that follows sees.
    ///
    /// # Errors
    ///
    /// [`Closed`] if there is nothing newer and nobody is left to publish. If the call before
    /// this one returned it too, it lets other tasks run first.
    ///
    /// # Cancel safety
    ///
    /// Dropped at any time, it has marked nothing: the next call tells of the same
    /// publish.
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let map = dbuf_hashmap::Builder::new().watched().build_concurrent();
    /// let mut watcher = map.watcher();
    /// map.insert("a", 1);
    /// map.insert("a", 2);
    /// assert_eq!(watcher.changed().await, Ok(2)); // two publishes, told of at once
    /// drop(map);
    /// assert!(watcher.changed().await.is_err());
    /// # });
    /// ```
    pub fn changed(&mut self) -> impl Future<Output = Result<Version, Closed>> {
        self.inner.changed()
    }

    /// Looks at the map as it is published now, and marks that as told:
    /// [`changed`](Self::changed) waits for something newer. A
    /// [`read`](SharedReader::read) marks nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::Builder::new().watched().build_concurrent();
    /// let mut watcher = map.watcher();
    /// map.insert("a", 1);
    /// assert_eq!(watcher.borrow_and_update()["a"], 1);
    /// assert_eq!(watcher.has_changed(), Ok(false));
    /// ```
    pub fn borrow_and_update(&mut self) -> Snapshot<'_, K, V, H, Watched<S>> {
        let guard = self.reader.read();
        self.inner.mark_seen(guard.version());
        guard
    }

    /// Waits until the map is published in a state for which `f` returns `true`, and returns
    /// the number of that publish. Looks first at what is published now, and marks as told
    /// whatever it looks at.
    ///
    /// It returns no guard, since one must not be held across an await: `f` can take out of
    /// the map what is needed. A guard lives while `f` runs.
    ///
    /// # Errors
    ///
    /// [`Closed`] if `f` accepts nothing that was published and nobody is left to publish.
    ///
    /// # Cancel safety
    ///
    /// Dropped at any time, it has done no more than look, and mark what it looked at.
    ///
    /// # Panics
    ///
    /// With `f`.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::Builder::new().watched().build_concurrent();
    /// let mut watcher = map.watcher();
    /// let waits = std::thread::spawn(move || {
    ///     let mut found = None;
    ///     let ready = watcher.wait_for(|map| {
    ///         found = map.get("ready").copied();
    ///         found.is_some()
    ///     });
    ///     pollster::block_on(ready).map(|_| found)
    /// });
    /// map.insert("a", 1);
    /// map.insert("ready", 2);
    /// assert_eq!(waits.join().unwrap(), Ok(Some(2)));
    /// ```
    pub async fn wait_for(
        &mut self,
        mut f: impl FnMut(MapRef<'_, K, V, H>) -> bool,
    ) -> Result<Version, Closed> {
        loop {
            {
                let guard = self.borrow_and_update();
                if f(guard.as_map()) {
                    return Ok(guard.version());
                }
            }
            self.changed().await?;
        }
    }

    /// Returns whether [`changed`](Self::changed) would have something newer now.
    ///
    /// # Errors
    ///
    /// [`Closed`] if there is nothing newer and nobody is left to publish.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::Builder::new().watched().build_concurrent();
    /// let watcher = map.watcher();
    /// assert_eq!(watcher.has_changed(), Ok(false));
    /// map.insert("a", 1);
    /// assert_eq!(watcher.has_changed(), Ok(true));
    /// ```
    pub fn has_changed(&self) -> Result<bool, Closed> {
        self.inner.has_changed()
    }

    /// Waits until nobody is left to publish, and marks nothing as told. Wakes with each
    /// publish in between.
    ///
    /// # Cancel safety
    ///
    /// Dropped at any time, it has changed nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let map = dbuf_hashmap::Builder::new().watched().build_concurrent();
    /// let mut watcher = map.watcher();
    /// map.insert("a", 1);
    /// drop(map);
    /// watcher.closed().await;
    /// assert_eq!(watcher.changed().await, Ok(1)); // the last publish
    /// # });
    /// ```
    pub async fn closed(&mut self) {
        self.inner.closed().await;
    }

    /// The number of the publish that this watcher was last told of; at first, of
    /// the one that it was made under.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::Builder::new().watched().build_concurrent();
    /// map.insert("a", 1);
    /// assert_eq!(map.watcher().last_seen(), 1);
    /// ```
    pub fn last_seen(&self) -> Version {
        self.inner.last_seen()
    }
}

impl<K, V, H, S: Strategy> Deref for Watcher<K, V, H, S> {
    type Target = SharedReader<K, V, H, Watched<S>>;

    fn deref(&self) -> &Self::Target {
        &self.reader
    }
}

/// A watcher of its own, told of what this one was.
impl<K, V, H, S: Strategy> Clone for Watcher<K, V, H, S> {
    fn clone(&self) -> Self {
        Self {
            reader: self.reader.clone(),
            inner: self.inner.clone(),
        }
    }
}

impl<K, V, H, S: Strategy> fmt::Debug for Watcher<K, V, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher")
            .field("last_seen", &self.last_seen())
            .finish_non_exhaustive()
    }
}

/// A map whose changes can be awaited, for the field of a struct: what
/// [`Builder::watched`] and `build_concurrent` make. With feature `async`.
///
/// # Examples
///
/// ```
/// use dbuf_hashmap::{Builder, WatchedHashMap};
///
/// struct Prices {
///     by_name: WatchedHashMap<String, u32>,
/// }
///
/// let prices = Prices { by_name: Builder::new().watched().build_concurrent() };
/// let mut watcher = prices.by_name.watcher();
/// prices.by_name.insert("apple".to_owned(), 3);
/// assert_eq!(pollster::block_on(watcher.changed()), Ok(1));
/// ```
pub type WatchedHashMap<K, V, H = RandomState, S = DefaultStrategy> =
    ConcurrentHashMap<K, V, H, Watched<S>>;

impl<H, S: Strategy> Builder<H, S> {
    /// Makes a map whose readers can await changes: wraps the strategy in
    /// [`Watched`]. With feature `async`.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::Builder::new().watched().build();
    /// let mut watcher = reader.watcher();
    /// writer.write().insert("a", 1);
    /// assert_eq!(pollster::block_on(watcher.changed()), Ok(1));
    /// ```
    pub fn watched(self) -> Builder<H, Watched<S>> {
        self.map_strategy(Watched::new)
    }
}

impl<K, V, H, S: Strategy> SharedReader<K, V, H, Watched<S>> {
    /// Watches the map. With feature `async`.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::Builder::new().watched().build();
    /// let mut watcher = reader.shared().watcher();
    /// writer.write().insert("a", 1);
    /// assert_eq!(pollster::block_on(watcher.changed()), Ok(1));
    /// ```
    pub fn watcher(&self) -> Watcher<K, V, H, S> {
        Watcher {
            reader: self.clone(),
            inner: dbuf_async::Watcher::new(self.inner.reader()),
        }
    }
}

impl<K, V, H, S: Strategy> Reader<K, V, H, Watched<S>> {
    /// Watches the map. With feature `async`.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut writer, reader) = dbuf_hashmap::Builder::new().watched().build();
    /// let mut watcher = reader.watcher();
    /// writer.write().insert("a", 1);
    /// assert_eq!(pollster::block_on(watcher.changed()), Ok(1));
    /// ```
    pub fn watcher(&self) -> Watcher<K, V, H, S> {
        self.shared().watcher()
    }
}

impl<K, V, H, S: Strategy> ConcurrentHashMap<K, V, H, Watched<S>> {
    /// Watches the map. With feature `async`.
    ///
    /// The watcher does not keep the writers' side alive: once the last handle is
    /// dropped, it says [`Closed`].
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::Builder::new().watched().build_concurrent();
    /// let mut watcher = map.watcher();
    /// map.insert("a", 1);
    /// assert_eq!(pollster::block_on(watcher.changed()), Ok(1));
    /// ```
    pub fn watcher(&self) -> Watcher<K, V, H, S> {
        self.reader().watcher()
    }
}

impl<T, H, S: Strategy> ConcurrentHashSet<T, H, Watched<S>> {
    /// Watches the set, as the map that it is. With feature `async`.
    ///
    /// # Examples
    ///
    /// ```
    /// let set = dbuf_hashmap::Builder::new().watched().build_concurrent_set();
    /// let mut watcher = set.watcher();
    /// set.insert("a");
    /// assert_eq!(pollster::block_on(watcher.changed()), Ok(1));
    /// assert!(watcher.contains_key("a"));
    /// ```
    pub fn watcher(&self) -> Watcher<T, (), H, S> {
        self.as_map().watcher()
    }
}
