use alloc::sync::Arc;
use core::fmt;
use core::future::Future;
use core::time::Duration;
use std::hash::RandomState;

use dbuf_hashmap::{Closed, DefaultStrategy, SharedReader, Watched};

use crate::status::Status;
use crate::{Revision, State};

/// The map of a [`Follower`], to be read from any thread. Its snapshots have the
/// [revision](dbuf_hashmap::Snapshot::revision) of the state that they show, and its
/// [`watcher`](SharedReader::watcher) awaits every change of it.
pub type Map<K, V, H = RandomState> = SharedReader<K, V, H, Watched<DefaultStrategy>>;

/// A handle to a map that follows an engine.
///
/// Cheap to clone, and for any thread. The driver, which [`Builder::start`](crate::Builder::start)
/// returns beside it, does the work; when it is dropped, the map keeps its last state.
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
/// follower.wait_for(revision).await?; // this machine has got what that one wrote
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

    /// The map. Lookups never wait.
    pub fn map(&self) -> &Map<K, V, H> {
        &self.map
    }

    /// The revision that readers see; 0 before the first.
    pub fn revision(&self) -> Revision {
        self.map.read().revision()
    }

    /// How long ago the engine was last heard: with a commit, or with the word that nothing
    /// has changed. While the follower is live, what readers see is older by that at most,
    /// and by the time that an event travels. `None` if it was never heard.
    pub fn lag(&self) -> Option<Duration> {
        self.status.lag()
    }

    /// How the follower is connected.
    pub fn state(&self) -> State {
        self.status.state()
    }

    /// Waits for a state.
    ///
    /// # Errors
    ///
    /// [`Closed`] if the driver has ended in another one.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped.
    pub fn wait_until(
        &self,
        wanted: impl FnMut(State) -> bool,
    ) -> impl Future<Output = Result<State, Closed>> {
        Arc::clone(&self.status).until(wanted)
    }
}

impl<K, V, H> Follower<K, V, H> {
    /// Waits until readers see a revision or a later one, and returns which. A program that
    /// wrote through the engine waits for the revision that it got: any follower, on any
    /// machine, then has read its write.
    ///
    /// # Errors
    ///
    /// [`Closed`] if the driver has ended before.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped.
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

    /// Waits for the next publish after this call, and returns the revision that readers
    /// see then. A loop that must see each of them takes a
    /// [watcher](SharedReader::watcher) of the [map](Self::map).
    ///
    /// # Errors
    ///
    /// [`Closed`] if the driver has ended.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped.
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
