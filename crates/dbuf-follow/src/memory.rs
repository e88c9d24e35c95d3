use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::hash::Hash;
use core::ops::Deref;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dbuf_hashmap::{CellWatcher, ConcurrentCell, DefaultStrategy, Watched};
use futures_core::Stream;

use crate::events::{Emit, events};
use crate::source::{Error, Event, Revision, Source};

/// The number of commits that are kept for followers that reconnect.
const KEPT: usize = 1024;

/// An engine in memory, for tests and for programs without another engine.
///
/// A clone is cheap and is the same engine. The engine keeps its data and the last 1024 commits; a
/// follower that missed more loads the whole state.
///
/// # Examples
///
/// ```
/// use dbuf_follow::{Builder, Event, Memory};
///
/// # pollster::block_on(async {
/// let engine = Memory::new();
/// let (follower, driver) = Builder::new(engine.clone()).start();
/// # let driver = std::thread::spawn(|| pollster::block_on(driver));
/// let revision = engine.commit([Event::Put("a", 1), Event::Put("b", 2)]);
/// follower.wait_for(revision).await?;
/// let revision = engine.delete("a");
/// follower.wait_for(revision).await?;
/// assert_eq!(follower.map().read().len(), 1);
/// # Ok::<(), dbuf_follow::Closed>(())
/// # }).unwrap();
/// ```
pub struct Memory<K, V>(Arc<Engine<K, V>>);

struct Engine<K, V> {
    data: Mutex<Data<K, V>>,
    /// Changes with the data, and wakes the streams.
    changes: ConcurrentCell<u64, Watched<DefaultStrategy>>,
}

struct Data<K, V> {
    entries: HashMap<K, V>,
    revision: Revision,
    /// The last commits, the oldest first.
    log: VecDeque<Commit<K, V>>,
    /// The earliest revision after which a stream can continue.
    compacted: Revision,
    /// The number of times that the streams were cut off.
    cuts: u64,
    /// No stream can be opened.
    down: bool,
}

struct Commit<K, V> {
    revision: Revision,
    events: Vec<Event<K, V>>,
}

impl<K, V> Memory<K, V>
where
    K: Hash + Eq + Clone,
    V: Clone,
{
    /// Creates an empty engine at revision 1.
    pub fn new() -> Self {
        Self(Arc::new(Engine {
            data: Mutex::new(Data {
                entries: HashMap::new(),
                revision: 1,
                log: VecDeque::new(),
                compacted: 1,
                cuts: 0,
                down: false,
            }),
            changes: ConcurrentCell::with_strategy(0, Watched::new(DefaultStrategy::new())),
        }))
    }

    /// Sets the value of a key, and returns the revision of that commit.
    pub fn put(&self, key: K, value: V) -> Revision {
        self.commit([Event::Put(key, value)])
    }

    /// Removes a key, and returns the revision of that commit.
    pub fn delete(&self, key: K) -> Revision {
        self.commit([Event::Delete(key)])
    }

    /// Makes changes in one transaction, and returns its revision. [`Event::Reset`] empties the
    /// engine; [`Event::Commit`] and [`Event::Progress`] are ignored.
    pub fn commit(&self, changes: impl IntoIterator<Item = Event<K, V>>) -> Revision {
        let changes: Vec<_> = changes.into_iter().collect();
        let mut data = self.lock();
        for change in &changes {
            match change.clone() {
                Event::Reset => data.entries.clear(),
                Event::Put(key, value) => _ = data.entries.insert(key, value),
                Event::Delete(key) => _ = data.entries.remove(&key),
                Event::Commit(_) | Event::Progress(_) => {}
            }
        }
        data.revision += 1;
        let revision = data.revision;
        let events = changes
            .into_iter()
            .filter(|event| !matches!(event, Event::Commit(_) | Event::Progress(_)))
            .collect();
        data.log.push_back(Commit { revision, events });
        if data.log.len() > KEPT {
            if let Some(oldest) = data.log.pop_front() {
                data.compacted = oldest.revision;
            }
        }
        drop(data);
        self.notify();
        revision
    }

    /// Discards the commits up to a revision: streams can continue after it, but not after an
    /// earlier one.
    pub fn compact(&self, revision: Revision) {
        let mut data = self.lock();
        let revision = revision.min(data.revision);
        data.compacted = data.compacted.max(revision);
        data.log.retain(|commit| commit.revision > revision);
    }

    /// Returns the revision of the last commit.
    pub fn revision(&self) -> Revision {
        self.lock().revision
    }

    /// Cuts off all followers, which then reconnect.
    pub fn cut(&self) {
        self.lock().cuts += 1;
        self.notify();
    }

    /// Cuts off all followers until [`Self::restart`].
    pub fn shut_down(&self) {
        self.lock().down = true;
        self.cut();
    }

    /// Lets followers reconnect.
    pub fn restart(&self) {
        self.lock().down = false;
    }

    fn notify(&self) {
        self.0
            .changes
            .update(|changes| *changes = changes.wrapping_add(1));
    }
}

impl<K, V> Memory<K, V> {
    fn lock(&self) -> MutexGuard<'_, Data<K, V>> {
        // If `Clone` or `Hash` panicked, the entries are still valid.
        self.0.data.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A pointer to the engine's cell of changes, for a watcher.
struct Changes<K, V>(Memory<K, V>);

impl<K, V> Deref for Changes<K, V> {
    type Target = ConcurrentCell<u64, Watched<DefaultStrategy>>;

    fn deref(&self) -> &Self::Target {
        &self.0.0.changes
    }
}

impl<K, V> Memory<K, V>
where
    K: Hash + Eq + Clone,
    V: Clone,
{
    async fn stream(self, from: Option<Revision>, emit: Emit<K, V>) -> Result<(), Error> {
        let mut watcher = CellWatcher::new(Changes(self.clone()));
        let mut seen = from;
        let cuts = self.lock().cuts;
        loop {
            let (events, revision) = {
                let data = self.lock();
                if data.down || data.cuts != cuts {
                    return Err("the engine was cut off".into());
                }
                let events = match seen {
                    Some(seen) if (data.compacted..=data.revision).contains(&seen) => data
                        .log
                        .iter()
                        .filter(|commit| commit.revision > seen)
                        .flat_map(|commit| {
                            let end = Event::Commit(commit.revision);
                            commit.events.iter().cloned().chain([end])
                        })
                        .collect(),
                    _ => {
                        let put = |(key, value): (&K, &V)| Event::Put(key.clone(), value.clone());
                        let mut events: Vec<_> = [Event::Reset].into();
                        events.extend(data.entries.iter().map(put));
                        events.push(Event::Commit(data.revision));
                        events
                    }
                };
                (events, data.revision)
            };
            // Nothing has changed since the stream's revision.
            if events.is_empty() {
                emit.send(Event::Progress(revision)).await;
            }
            for event in events {
                emit.send(event).await;
            }
            seen = Some(revision);
            watcher.changed().await;
        }
    }
}

impl<K, V> Source for Memory<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    type Key = K;
    type Value = V;

    fn open(
        &self,
        from: Option<Revision>,
    ) -> impl Stream<Item = Result<Event<K, V>, Error>> + Send {
        let engine = self.clone();
        events(move |emit| engine.stream(from, emit))
    }

    fn name(&self) -> String {
        "memory".into()
    }
}

impl<K, V> Default for Memory<K, V>
where
    K: Hash + Eq + Clone,
    V: Clone,
{
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> Clone for Memory<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> fmt::Debug for Memory<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}
