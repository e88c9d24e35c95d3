use alloc::sync::Arc;
use core::fmt;
use core::future::Future;
use core::time::Duration;
use std::hash::RandomState;

use dbuf_hashmap::{Closed, DefaultStrategy, SharedReader, Watched};

use crate::source::Revision;
use crate::status::{State, Status};

/// The map of a [`Follower`], which any thread can read. A snapshot has the
/// [revision](dbuf_hashmap::Snapshot::revision) of its state, and a
/// [`watcher`](SharedReader::watcher) awaits changes.
pub type Map<K, V, H = RandomState> = SharedReader<K, V, H, Watched<DefaultStrategy>>;

/// A handle to a map that follows an engine.
///
/// It is cheap to clone and can be sent to any thread. [`Builder::start`](crate::Builder::start)
/// returns it with the driver, which does the work. After the driver is dropped, the map keeps its
/// last state.
///
/// # Examples
///
/// ```
/// use dbuf_follow::{Builder, Memory};
///
/// # pollster::block_on(async {
/// let engine = Memory::new();
/// engine.put("colour", "red");
/// let (follower, driver) = Builder::new(engine.clone()).start();
/// # let driver = std::thread::spawn(|| pollster::block_on(driver));
/// // Spawn the driver on an executor. Then:
/// let revision = engine.put("colour", "blue");
/// follower.wait_for(revision).await?; // this machine has the write of that one
/// assert_eq!(follower.map().get_cloned("colour"), Some("blue"));
///
/// let map = follower.map().read();
/// assert_eq!((map.revision(), map.len()), (revision, 1)); // one state, with its revision
/// # drop(map);
/// # Ok::<(), dbuf_follow::Closed>(())
/// # }).unwrap();
/// ```
pub struct Follower<K, V, H = RandomState> {
    map: Map<K, V, H>,
    status: Arc<Status>,
}

impl<K, V, H> Follower<K, V, H> {
    pub(crate) fn new(map: Map<K, V, H>, status: Arc<Status>) -> Self {
        Self { map, status }
    }

    /// Returns the map. Lookups never wait, but guards that are held long delay the driver, as they
    /// delay any writer of a [double buffer](dbuf_hashmap#what-to-know-first).
    pub fn map(&self) -> &Map<K, V, H> {
        &self.map
    }

    /// Returns the revision that readers see, or 0 before the first.
    pub fn revision(&self) -> Revision {
        self.map.read().revision()
    }

    /// Returns the time since the engine's last commit or sign of life, or `None` before the first.
    /// While the follower is live, the state that readers see is stale by at most this, plus the
    /// delivery time of an event.
    pub fn lag(&self) -> Option<Duration> {
        self.status.lag()
    }

    /// Returns the state of the connection.
    pub fn state(&self) -> State {
        self.status.state()
    }

    /// Waits until `wanted` accepts the state of the connection, and returns that state. To wait
    /// for the first load, accept [`State::Live`].
    ///
    /// # Errors
    ///
    /// [`Closed`] if the driver has ended and `wanted` does not accept [`State::Stopped`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use dbuf_follow::{Builder, Memory, State};
    ///
    /// # pollster::block_on(async {
    /// let engine = Memory::new();
    /// engine.put("colour", "red");
    /// let (follower, driver) = Builder::new(engine).start();
    /// # let driver = std::thread::spawn(|| pollster::block_on(driver));
    /// follower.wait_until(|state| state == State::Live).await?;
    /// assert_eq!(follower.map().get_cloned("colour"), Some("red"));
    /// # Ok::<(), dbuf_follow::Closed>(())
    /// # }).unwrap();
    /// ```
    pub fn wait_until(
        &self,
        wanted: impl FnMut(State) -> bool,
    ) -> impl Future<Output = Result<State, Closed>> {
        Arc::clone(&self.status).until(wanted)
    }
}

impl<K, V, H> Follower<K, V, H> {
    /// Waits until readers see `revision` or a later one, and returns the one they see. A program
    /// that wrote to the engine can wait for the revision of its write, on any machine.
    ///
    /// # Errors
    ///
    /// [`Closed`] if the driver ends before that.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn wait_for(&self, revision: Revision) -> Result<Revision, Closed> {
        let mut seen = 0;
        self.map
            .watcher()
            .wait_for(|map| {
                seen = map.revision();
                seen >= revision
            })
            .await?;
        Ok(seen)
    }

    /// Waits for the next publish after this call, and returns the revision that readers then see.
    /// A loop that must not miss a publish needs a [watcher](SharedReader::watcher) of the
    /// [map](Self::map).
    ///
    /// # Errors
    ///
    /// [`Closed`] if the driver has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn changed(&self) -> Result<Revision, Closed> {
        self.map.watcher().changed().await?;
        Ok(self.revision())
    }
}

impl<K, V, H> Clone for Follower<K, V, H> {
    fn clone(&self) -> Self {
        Self::new(self.map.clone(), Arc::clone(&self.status))
    }
}

impl<K, V, H> fmt::Debug for Follower<K, V, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower")
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
