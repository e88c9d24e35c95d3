//! `Watcher`: a reader that awaits changes.

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

/// Awaits the next publish of a map. From [`SharedReader::watcher`], [`Reader::watcher`] or
/// [`ConcurrentHashMap::watcher`], where the strategy is [`Watched`]: [`Builder::watched`].
///
/// Dereferences to the reader. It remembers the publish that it has *seen* last: the newest that
/// [`changed`](Self::changed) reported or [`borrow_and_update`](Self::borrow_and_update) read.
/// Other reads do not count. A write that changes nothing publishes nothing, so it wakes no
/// watcher. With feature `async`.
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
    /// Waits for a publish newer than [`last_seen`](Self::last_seen), marks the newest publish as
    /// seen and returns its number. Ready at once if there is one. A read that follows sees that
    /// publish.
    ///
    /// # Errors
    ///
    /// [`Closed`] if there is nothing newer and no writer is left. If the previous call returned it
    /// too, this call yields to other tasks first.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has marked nothing as seen: the next call
    /// reports the same publish.
    ///
    /// # Examples
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let map = dbuf_hashmap::Builder::new().watched().build_concurrent();
    /// let mut watcher = map.watcher();
    /// map.insert("a", 1);
    /// map.insert("a", 2);
    /// assert_eq!(watcher.changed().await, Ok(2)); // reports both publishes at once
    /// drop(map);
    /// assert!(watcher.changed().await.is_err());
    /// # });
    /// ```
    pub fn changed(&mut self) -> impl Future<Output = Result<Version, Closed>> {
        self.inner.changed()
    }

    /// Returns a snapshot of the map as it is published now, and marks that publish as seen:
    /// [`changed`](Self::changed) waits for a newer one. A [`read`](SharedReader::read) marks
    /// nothing.
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

    /// Waits until a published state satisfies `f`, and returns the number of that publish. Checks
    /// the current state first, and marks each state that it checks as seen.
    ///
    /// It returns no guard, since a guard must not be held across an await: `f` can copy what is
    /// needed. A guard lives while `f` runs.
    ///
    /// # Errors
    ///
    /// [`Closed`] if `f` accepts no published state and no writer is left.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has only marked the states that it checked as
    /// seen.
    ///
    /// # Panics
    ///
    /// If `f` panics.
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

    /// Returns whether there is a publish newer than [`last_seen`](Self::last_seen).
    ///
    /// # Errors
    ///
    /// [`Closed`] if there is nothing newer and no writer is left.
    pub fn has_changed(&self) -> Result<bool, Closed> {
        self.inner.has_changed()
    }

    /// Waits until no writer is left, and marks nothing as seen. Wakes at each publish in between.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has changed nothing.
    pub async fn closed(&mut self) {
        self.inner.closed().await;
    }

    /// Returns the number of the publish that this watcher has seen last: at first, the one that
    /// was current when the watcher was made.
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

/// Makes another watcher that has seen the same publish.
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

/// A map whose changes can be awaited, for the field of a struct: what [`Builder::watched`] and
/// `build_concurrent` make. With feature `async`.
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
    /// Makes a map whose readers can await changes: wraps the strategy in [`Watched`]. With feature
    /// `async`.
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
    /// Returns a watcher of the map. With feature `async`.
    pub fn watcher(&self) -> Watcher<K, V, H, S> {
        Watcher {
            reader: self.clone(),
            inner: dbuf_async::Watcher::new(self.inner.reader()),
        }
    }
}

impl<K, V, H, S: Strategy> Reader<K, V, H, Watched<S>> {
    /// Returns a watcher of the map. With feature `async`.
    pub fn watcher(&self) -> Watcher<K, V, H, S> {
        self.shared().watcher()
    }
}

impl<K, V, H, S: Strategy> ConcurrentHashMap<K, V, H, Watched<S>> {
    /// Returns a watcher of the map. With feature `async`.
    ///
    /// The watcher does not keep the map open: after the last handle is dropped, it returns
    /// [`Closed`].
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
    /// Returns a watcher of the set's [map](Self::as_map). With feature `async`.
    pub fn watcher(&self) -> Watcher<T, (), H, S> {
        self.as_map().watcher()
    }
}
