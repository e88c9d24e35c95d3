//! Readers that await changes.

use core::fmt;
use core::ops::Deref;
use std::hash::RandomState;

use dbuf_core::{Closed, Strategy, Version};
use dbuf_strategies::Watched;

use crate::owner::Ptr;
use crate::{Builder, ConcurrentHashMap, DefaultStrategy, Reader, SharedReader};

/// Awaits the next publish of a map. From [`SharedReader::watcher`],
/// [`Reader::watcher`] or [`ConcurrentHashMap::watcher`], where the strategy is
/// [`Watched`]: [`Builder::watched`].
///
/// Dereferences to the reader. It remembers which publish it was last *told of* by
/// [`changed`](Self::changed); reading does not count. With feature `async`.
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
    /// [`Closed`] if there is nothing newer and nobody is left to publish.
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

    /// The number of the publish that this watcher was last told of; at first, of
    /// the one that it was made under.
    ///
    /// # Examples
    ///
    /// ```
    /// let map = dbuf_hashmap::Builder::new().watched().build_concurrent();
    /// map.insert("a", 1);
    /// assert_eq!(map.watcher().told(), 1);
    /// ```
    pub fn told(&self) -> Version {
        self.inner.told()
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
            .field("told", &self.told())
            .finish_non_exhaustive()
    }
}

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
