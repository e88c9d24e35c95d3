//! The maps that are compared, each behind the few calls that this bench needs.

use alloc::sync::Arc;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use dashmap::DashMap;
use dbuf_bench::Hash;
use dbuf_hashmap::{Builder, ConcurrentHashMap};
use parking_lot::RwLock;

fn hash() -> Hash {
    Hash::with_seed(0)
}

/// What one thread holds of a map; a clone is another thread's.
pub(crate) trait Map: Clone + Send {
    fn get(&mut self, key: &u64) -> Option<u64>;
    /// Visible when it returns.
    fn insert(&mut self, key: u64, value: u64);
    /// As `insert`.
    fn remove(&mut self, key: &u64);
}

pub(crate) type Concurrent = ConcurrentHashMap<u64, u64, Hash>;

pub(crate) fn concurrent() -> Concurrent {
    Builder::new().hasher(hash()).build_concurrent()
}

impl Map for Concurrent {
    fn get(&mut self, key: &u64) -> Option<u64> {
        self.get_with(key, |value| *value)
    }

    fn insert(&mut self, key: u64, value: u64) {
        Self::insert(self, key, value);
    }

    fn remove(&mut self, key: &u64) {
        Self::remove(self, key);
    }
}

/// A reader of one's own, and the one writer behind a lock.
pub(crate) struct Pair<R, W> {
    reader: R,
    writer: Arc<Mutex<W>>,
}

impl<R, W> Pair<R, W> {
    fn new(writer: W, reader: R) -> Self {
        let writer = Arc::new(Mutex::new(writer));
        Self { reader, writer }
    }

    fn lock(&self) -> MutexGuard<'_, W> {
        self.writer.lock().expect("no writer panicked")
    }
}

impl<R: Clone, W> Clone for Pair<R, W> {
    fn clone(&self) -> Self {
        Self {
            reader: self.reader.clone(),
            writer: Arc::clone(&self.writer),
        }
    }
}

pub(crate) type MutexWriter =
    Pair<dbuf_hashmap::Reader<u64, u64, Hash>, dbuf_hashmap::Writer<u64, u64, Hash>>;

pub(crate) fn mutex_writer() -> MutexWriter {
    let (writer, reader) = Builder::new().hasher(hash()).build();
    Pair::new(writer, reader)
}

impl Map for MutexWriter {
    fn get(&mut self, key: &u64) -> Option<u64> {
        self.reader.get(key).map(|value| *value)
    }

    fn insert(&mut self, key: u64, value: u64) {
        self.lock().write().insert(key, value);
    }

    fn remove(&mut self, key: &u64) {
        self.lock().write().remove(key);
    }
}

pub(crate) type Evmap = Pair<
    evmap::handles::ReadHandle<u64, u64, (), Hash>,
    evmap::handles::WriteHandle<u64, u64, (), Hash>,
>;

pub(crate) fn evmap() -> Evmap {
    // SAFETY: it asks for a `Hash` and an `Eq` that never change their mind, and
    // for a hasher whose clones agree; these are such.
    let options = unsafe { evmap::Options::default().with_hasher(hash()) };
    let (writer, reader) = options.construct();
    Pair::new(writer, reader)
}

impl Map for Evmap {
    fn get(&mut self, key: &u64) -> Option<u64> {
        self.reader.get_one(key).map(|value| *value)
    }

    fn insert(&mut self, key: u64, value: u64) {
        let mut writer = self.lock();
        // Replaces what is there, as a map does.
        writer.update(key, value);
        writer.publish();
    }

    fn remove(&mut self, key: &u64) {
        let mut writer = self.lock();
        writer.remove_entry(*key);
        writer.publish();
    }
}

pub(crate) type Flashmap =
    Pair<flashmap::ReadHandle<u64, u64, Hash>, flashmap::WriteHandle<u64, u64, Hash>>;

pub(crate) fn flashmap() -> Flashmap {
    // SAFETY: as above.
    let builder = unsafe { flashmap::Builder::new().with_hasher(hash()) };
    let (writer, reader) = builder.build();
    Pair::new(writer, reader)
}

impl Map for Flashmap {
    fn get(&mut self, key: &u64) -> Option<u64> {
        self.reader.guard().get(key).copied()
    }

    fn insert(&mut self, key: u64, value: u64) {
        self.lock().guard().insert(key, value);
    }

    fn remove(&mut self, key: &u64) {
        self.lock().guard().remove(*key);
    }
}

pub(crate) type Dash = Arc<DashMap<u64, u64, Hash>>;

pub(crate) fn dashmap() -> Dash {
    Arc::new(DashMap::with_hasher(hash()))
}

impl Map for Dash {
    fn get(&mut self, key: &u64) -> Option<u64> {
        DashMap::get(self, key).map(|value| *value)
    }

    fn insert(&mut self, key: u64, value: u64) {
        DashMap::insert(self, key, value);
    }

    fn remove(&mut self, key: &u64) {
        DashMap::remove(self, key);
    }
}

pub(crate) type Papaya = Arc<papaya::HashMap<u64, u64, Hash>>;

pub(crate) fn papaya() -> Papaya {
    Arc::new(papaya::HashMap::with_hasher(hash()))
}

impl Map for Papaya {
    fn get(&mut self, key: &u64) -> Option<u64> {
        self.pin().get(key).copied()
    }

    fn insert(&mut self, key: u64, value: u64) {
        self.pin().insert(key, value);
    }

    fn remove(&mut self, key: &u64) {
        self.pin().remove(key);
    }
}

pub(crate) type Scc = Arc<scc::HashMap<u64, u64, Hash>>;

pub(crate) fn scc() -> Scc {
    Arc::new(scc::HashMap::with_hasher(hash()))
}

impl Map for Scc {
    fn get(&mut self, key: &u64) -> Option<u64> {
        self.read_sync(key, |_, value| *value)
    }

    fn insert(&mut self, key: u64, value: u64) {
        self.upsert_sync(key, value);
    }

    fn remove(&mut self, key: &u64) {
        self.remove_sync(key);
    }
}

pub(crate) type Locked = Arc<RwLock<HashMap<u64, u64, Hash>>>;

pub(crate) fn locked() -> Locked {
    Arc::new(RwLock::new(HashMap::with_hasher(hash())))
}

impl Map for Locked {
    fn get(&mut self, key: &u64) -> Option<u64> {
        self.read().get(key).copied()
    }

    fn insert(&mut self, key: u64, value: u64) {
        self.write().insert(key, value);
    }

    fn remove(&mut self, key: &u64) {
        self.write().remove(key);
    }
}

/// For one thread: what a lookup costs without any sharing.
pub(crate) type Bare = hashbrown::HashMap<u64, u64, Hash>;

pub(crate) fn bare() -> Bare {
    Bare::with_hasher(hash())
}

impl Map for Bare {
    fn get(&mut self, key: &u64) -> Option<u64> {
        Self::get(self, key).copied()
    }

    fn insert(&mut self, key: u64, value: u64) {
        Self::insert(self, key, value);
    }

    fn remove(&mut self, key: &u64) {
        Self::remove(self, key);
    }
}
