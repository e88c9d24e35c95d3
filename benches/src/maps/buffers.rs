//! Double buffers: dbuf's maps, evmap, flashmap and left-right. Those with one writer have it in
//! the same lock, std's `Mutex`.

use alloc::sync::Arc;
use std::sync::{Mutex, MutexGuard};

use dbuf_hashmap::{BlockingStrategy, Builder, ConcurrentHashMap, Reader, Writer};
use dbuf_strategies::DefaultStrategy;

use super::shared::Plain;
use super::{Map, apply, hasher, holding, map};
use crate::Hash;
use crate::contender::POISONED;
use crate::workload::keys::{Key, Stored};

/// The reader of one thread, and the one writer of all.
pub struct Pair<R, W> {
    reader: R,
    writer: Arc<Mutex<W>>,
}

impl<R: Clone, W> Clone for Pair<R, W> {
    fn clone(&self) -> Self {
        let (reader, writer) = (self.reader.clone(), Arc::clone(&self.writer));
        Self { reader, writer }
    }
}

impl<R, W> Pair<R, W> {
    fn from((writer, reader): (W, R)) -> Self {
        let writer = Arc::new(Mutex::new(writer));
        Self { reader, writer }
    }

    fn writer(&self) -> MutexGuard<'_, W> {
        self.writer.lock().expect(POISONED)
    }
}

pub type Dbuf<K, V, S = DefaultStrategy> = Pair<Reader<K, V, Hash, S>, Writer<K, V, Hash, S>>;

impl<K: Key, V: Stored, S: BlockingStrategy> Dbuf<K, V, S> {
    pub fn new(strategy: S, capacity: usize) -> Self {
        let builder = Builder::new().capacity(capacity).hasher(hasher());
        Self::from(builder.strategy(strategy).build())
    }
}

map! {
    [K: Key, V: Stored, S: BlockingStrategy + Default + Send + Sync + 'static] Dbuf<K, V, S>, this:
    new(capacity) => Self::new(S::default(), capacity);
    get(key) => this.reader.get(key).map(|value| value.number());
    write(changes) => {
        let mut writer = this.writer();
        let mut batch = writer.write();
        apply!(changes, |key, value| batch.insert(key, value), batch.remove(&key));
        batch.publish();
    };
    hold(_, keep) => holding(this.reader.read(), keep);
    settle() => this.writer().catch_up();
}

pub type Concurrent<K, V, S = DefaultStrategy> = ConcurrentHashMap<K, V, Hash, S>;

map! {
    [K: Key, V: Stored, S: BlockingStrategy + Default + 'static] Concurrent<K, V, S>, this:
    new(capacity) => {
        let builder = Builder::new().capacity(capacity).hasher(hasher());
        builder.strategy(S::default()).build_concurrent()
    };
    get(key) => this.get_with(key, |value| value.number());
    write(changes) => {
        // A call for one key and a batch are different paths.
        if changes.len() == 1 {
            apply!(changes, |key, value| this.insert(key, value), this.remove(&key));
            return;
        }
        let mut batch = Self::write(this);
        apply!(changes, |key, value| batch.insert(key, value), batch.remove(&key));
        batch.publish();
    };
    hold(_, keep) => holding(Self::read(this), keep);
    // The log is replayed as a batch begins; an empty one publishes nothing.
    settle() => Self::write(this).publish();
}

/// evmap with one value for each key.
pub type Evmap<K, V> =
    Pair<evmap::handles::ReadHandle<K, V, (), Hash>, evmap::handles::WriteHandle<K, V, (), Hash>>;

map! {
    [K: Key, V: Stored] Evmap<K, V>, this:
    new(capacity) => {
        // SAFETY: foldhash with a fixed seed hashes equal keys alike, and so do its clones.
        let options = unsafe { evmap::Options::default().with_hasher(hasher()) };
        // SAFETY: the keys here are numbers and strings, whose comparison and hash never change,
        // and the same is true of the values, which are numbers and bytes.
        let (mut writer, reader) = unsafe { options.with_capacity(capacity).assert_stable() };
        // Before the first publish there is nothing to read.
        writer.publish();
        Self::from((writer, reader))
    };
    get(key) => this.reader.get_one(key).map(|value| value.number());
    write(changes) => {
        let mut writer = this.writer();
        apply!(changes, |key, value| writer.update(key, value), writer.remove_entry(key));
        writer.publish();
    };
    hold(_, keep) => holding(this.reader.enter(), keep);
    // A publish begins with the replay of the log.
    settle() => this.writer().publish();
}

pub type Flashmap<K, V> = Pair<flashmap::ReadHandle<K, V, Hash>, flashmap::WriteHandle<K, V, Hash>>;

map! {
    [K: Key, V: Stored] Flashmap<K, V>, this:
    new(capacity) => {
        let builder = flashmap::Builder::new().with_capacity(capacity);
        // SAFETY: foldhash with a fixed seed hashes equal keys alike, and so do its clones.
        let builder = unsafe { builder.with_hasher(hasher()) };
        // SAFETY: the keys here are numbers and strings, whose comparison and hash never change.
        Self::from(unsafe { builder.build_assert_trusted() })
    };
    get(key) => this.reader.guard().get(key).map(V::number);
    write(changes) => {
        let mut writer = this.writer();
        let mut guard = writer.guard();
        apply!(changes, |key, value| guard.insert(key, value), guard.remove(key));
        guard.publish();
    };
    hold(_, keep) => holding(this.reader.guard(), keep);
    // A guard begins with the replay of the log.
    settle() => this.writer().guard().publish();
}

/// std's map, as left-right's value.
#[derive(Clone)]
pub struct Absorbing<K, V>(Plain<K, V>);

impl<K: Key, V: Stored> left_right::Absorb<(K, Option<V>)> for Absorbing<K, V> {
    fn absorb_first(&mut self, change: &mut (K, Option<V>), other: &Self) {
        self.absorb_second(change.clone(), other);
    }

    fn absorb_second(&mut self, change: (K, Option<V>), _: &Self) {
        apply!(
            [change],
            |key, value| self.0.insert(key, value),
            self.0.remove(&key)
        );
    }

    fn sync_with(&mut self, first: &Self) {
        self.0.clone_from(&first.0);
    }
}

pub type LeftRight<K, V> = Pair<
    left_right::ReadHandle<Absorbing<K, V>>,
    left_right::WriteHandle<Absorbing<K, V>, (K, Option<V>)>,
>;

map! {
    [K: Key, V: Stored] LeftRight<K, V>, this:
    new(capacity) => {
        let map = Absorbing(Plain::with_capacity(capacity));
        let (mut writer, reader) = left_right::new_from_empty(map);
        // Before the first publish there is nothing to read.
        writer.publish();
        Self::from((writer, reader))
    };
    get(key) => this.reader.enter()?.0.get(key).map(V::number);
    write(changes) => {
        let mut writer = this.writer();
        writer.extend(changes);
        writer.publish();
    };
    hold(_, keep) => holding(this.reader.enter(), keep);
    // A publish begins with the replay of the log.
    settle() => this.writer().publish();
}
