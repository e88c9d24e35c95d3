//! The flags: in a watched `ConcurrentHashMap`, or, for comparison, behind tokio's `RwLock`.

use std::collections::HashMap;
use std::hash::RandomState;
use std::sync::Arc;

use dbuf_hashmap::{Builder, ConcurrentHashMap, DefaultStrategy, Watched, Watcher};
use tokio::sync::{RwLock, watch};

use super::Flags;

/// All flags, and the number of the publish that made them visible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    pub version: u64,
    pub flags: Flags,
}

/// The operations that the service needs.
pub trait Store: Clone + Send + Sync + 'static {
    type Watch: Watch;
    fn get(&self, key: &str) -> impl Future<Output = Option<bool>> + Send;
    fn put(&self, key: String, on: bool) -> impl Future<Output = Option<bool>> + Send;
    fn delete(&self, key: &str) -> impl Future<Output = Option<bool>> + Send;
    fn all(&self) -> impl Future<Output = Versioned> + Send;
    /// Replaces all flags in one step, and publishes only if that changes something.
    fn replace(&self, flags: Flags) -> impl Future<Output = ()> + Send;
    fn watch(&self) -> Self::Watch;
}

/// Waits for changes.
pub trait Watch: Send + 'static {
    /// The number of the newest publish, when there is one that was not returned before. `None`
    /// when no more can come.
    fn changed(&mut self) -> impl Future<Output = Option<u64>> + Send;
}

pub type FlagMap = ConcurrentHashMap<String, bool, RandomState, Watched<DefaultStrategy>>;

/// An empty map.
pub fn new() -> FlagMap {
    Builder::new().watched().build_concurrent()
}

/// No guard is held across an await: guards are not `Send`, so the handlers would not compile.
/// What is needed is copied out.
impl Store for FlagMap {
    type Watch = Watcher<String, bool>;

    async fn get(&self, key: &str) -> Option<bool> {
        self.get_cloned(key)
    }

    async fn put(&self, key: String, on: bool) -> Option<bool> {
        self.insert_async(key, on).await
    }

    async fn delete(&self, key: &str) -> Option<bool> {
        self.remove_async(key).await
    }

    async fn all(&self) -> Versioned {
        let map = self.read();
        Versioned {
            version: map.version(),
            flags: map.iter().map(|(key, on)| (key.clone(), *on)).collect(),
        }
    }

    async fn replace(&self, flags: Flags) {
        // No await from here on, so that no cancelled task publishes half of them.
        let mut batch = self.write_async().await;
        batch.retain(|key, _| flags.contains_key(key));
        for (key, on) in flags {
            if batch.get(&key) != Some(&on) {
                batch.insert(key, on);
            }
        }
        batch.publish();
    }

    fn watch(&self) -> Self::Watch {
        self.watcher()
    }
}

impl Watch for Watcher<String, bool> {
    async fn changed(&mut self) -> Option<u64> {
        Watcher::changed(self).await.ok()
    }
}

/// The same over a lock.
#[derive(Clone, Debug)]
pub struct Locked {
    flags: Arc<RwLock<HashMap<String, bool>>>,
    version: watch::Sender<u64>,
}

impl Default for Locked {
    fn default() -> Self {
        Self {
            flags: Arc::default(),
            version: watch::Sender::new(0),
        }
    }
}

impl Store for Locked {
    type Watch = watch::Receiver<u64>;

    async fn get(&self, key: &str) -> Option<bool> {
        self.flags.read().await.get(key).copied()
    }

    // The version is raised under the lock, so that `all` returns the right one.

    async fn put(&self, key: String, on: bool) -> Option<bool> {
        let mut flags = self.flags.write().await;
        self.version.send_modify(|version| *version += 1);
        flags.insert(key, on)
    }

    async fn delete(&self, key: &str) -> Option<bool> {
        let mut flags = self.flags.write().await;
        let was = flags.remove(key);
        if was.is_some() {
            self.version.send_modify(|version| *version += 1);
        }
        was
    }

    async fn all(&self) -> Versioned {
        let flags = self.flags.read().await;
        Versioned {
            version: *self.version.borrow(),
            flags: flags.iter().map(|(key, on)| (key.clone(), *on)).collect(),
        }
    }

    async fn replace(&self, new: Flags) {
        let new = HashMap::from_iter(new);
        let mut flags = self.flags.write().await;
        if *flags != new {
            *flags = new;
            self.version.send_modify(|version| *version += 1);
        }
    }

    fn watch(&self) -> Self::Watch {
        self.version.subscribe()
    }
}

impl Watch for watch::Receiver<u64> {
    async fn changed(&mut self) -> Option<u64> {
        watch::Receiver::changed(self).await.ok()?;
        Some(*self.borrow_and_update())
    }
}
