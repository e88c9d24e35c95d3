//! Double buffers: dbuf's maps, evmap, flashmap and left-right. Those with one writer have it in
//! the same lock, std's `Mutex`.

use alloc::sync::Arc;
use std::sync::{Mutex, MutexGuard};

use dbuf_hashmap::{BlockingStrategy, Builder, ConcurrentHashMap};

use super::handle::{Handle, apply, hasher};
use super::shared::Plain;
use crate::Hash;
use crate::workload::values::{Change, Key, Stored, Value};

/// The reader of one thread, and the one writer of all.
pub(super) struct Pair<R, W> {
    reader: R,
    writer: Arc<Mutex<W>>,
}

impl<R: Clone, W> Clone for Pair<R, W> {
    fn clone(&self) -> Self {
        Self {
            reader: self.reader.clone(),
            writer: Arc::clone(&self.writer),
        }
    }
}

impl<R, W> Pair<R, W> {
    fn new(reader: R, writer: W) -> Self {
        let writer = Arc::new(Mutex::new(writer));
        Self { reader, writer }
    }

    fn writer(&self) -> MutexGuard<'_, W> {
        let writer = self.writer.lock();
        writer.expect("a thread that panics ends the program")
    }
}

/// dbuf's pair with the strategy `S`.
pub(super) type Dbuf<K, V, S> =
    Pair<dbuf_hashmap::Reader<K, V, Hash, S>, dbuf_hashmap::Writer<K, V, Hash, S>>;

/// dbuf's pair with this strategy.
pub(super) fn dbuf<K: Key, V: Stored, S: BlockingStrategy>(
    strategy: S,
    capacity: usize,
) -> Dbuf<K, V, S> {
    let builder = Builder::new().capacity(capacity).hasher(hasher());
    let (writer, reader) = builder.strategy(strategy).build();
    Pair::new(reader, writer)
}

impl<K: Key, V: Stored, S> Handle<K> for Dbuf<K, V, S>
where
    S: BlockingStrategy + Default + 'static,
    dbuf_hashmap::Reader<K, V, Hash, S>: Send,
    dbuf_hashmap::Writer<K, V, Hash, S>: Send,
{
    fn build(capacity: usize) -> Self {
        dbuf(S::default(), capacity)
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.reader.get(key).map(|value| V::value(&value))
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        let mut writer = self.writer();
        let mut batch = writer.write();
        apply!(
            changes,
            |key, value| batch.insert(key, value),
            batch.remove(&key)
        );
        batch.publish();
    }

    fn hold(&mut self, _: &K, keep: &mut dyn FnMut()) {
        let _held = self.reader.read();
        keep();
    }

    fn settle(&mut self) {
        self.writer().catch_up();
    }
}

impl<K: Key, V: Stored, S> Handle<K> for ConcurrentHashMap<K, V, Hash, S>
where
    S: BlockingStrategy + Default + 'static,
{
    fn build(capacity: usize) -> Self {
        let builder = Builder::new().capacity(capacity).hasher(hasher());
        builder.strategy(S::default()).build_concurrent()
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.get_with(key, |value| value.value())
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        // A call for one key and a batch are different paths.
        if changes.len() == 1 {
            apply!(
                changes,
                |key, value| self.insert(key, value),
                self.remove(&key)
            );
            return;
        }
        let mut batch = Self::write(self);
        apply!(
            changes,
            |key, value| batch.insert(key, value),
            batch.remove(&key)
        );
        batch.publish();
    }

    fn hold(&mut self, _: &K, keep: &mut dyn FnMut()) {
        let _held = Self::read(self);
        keep();
    }

    fn settle(&mut self) {
        // The log is replayed as a batch begins; an empty one publishes nothing.
        Self::write(self).publish();
    }
}

/// evmap with one value for each key.
pub(super) type Evmap<K, V> =
    Pair<evmap::handles::ReadHandle<K, V, (), Hash>, evmap::handles::WriteHandle<K, V, (), Hash>>;

impl<K: Key, V: Stored> Handle<K> for Evmap<K, V> {
    fn build(capacity: usize) -> Self {
        // SAFETY: foldhash with a fixed seed hashes equal keys alike, and so do its clones.
        let options = unsafe { evmap::Options::default().with_hasher(hasher()) };
        // SAFETY: the keys here are numbers and strings, whose comparison and hash never change,
        // and the same is true of `Value` and `Blob`.
        let (mut writer, reader) = unsafe { options.with_capacity(capacity).assert_stable() };
        // Before the first publish there is nothing to read.
        writer.publish();
        Self::new(reader, writer)
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.reader.get_one(key).map(|value| V::value(&value))
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        let mut writer = self.writer();
        apply!(
            changes,
            |key, value| writer.update(key, value),
            writer.remove_entry(key)
        );
        writer.publish();
    }

    fn hold(&mut self, _: &K, keep: &mut dyn FnMut()) {
        let _held = self.reader.enter();
        keep();
    }

    fn settle(&mut self) {
        // A publish begins with the replay of the log.
        self.writer().publish();
    }
}

pub(super) type Flashmap<K, V> =
    Pair<flashmap::ReadHandle<K, V, Hash>, flashmap::WriteHandle<K, V, Hash>>;

impl<K: Key, V: Stored> Handle<K> for Flashmap<K, V> {
    fn build(capacity: usize) -> Self {
        let builder = flashmap::Builder::new().with_capacity(capacity);
        // SAFETY: foldhash with a fixed seed hashes equal keys alike, and so do its clones.
        let builder = unsafe { builder.with_hasher(hasher()) };
        // SAFETY: the keys here are numbers and strings, whose comparison and hash never change.
        let (writer, reader) = unsafe { builder.build_assert_trusted() };
        Self::new(reader, writer)
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.reader.guard().get(key).map(V::value)
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        let mut writer = self.writer();
        let mut guard = writer.guard();
        apply!(
            changes,
            |key, value| guard.insert(key, value),
            guard.remove(key)
        );
        guard.publish();
    }

    fn hold(&mut self, _: &K, keep: &mut dyn FnMut()) {
        let _held = self.reader.guard();
        keep();
    }

    fn settle(&mut self) {
        // A guard begins with the replay of the log.
        self.writer().guard().publish();
    }
}

/// std's map, as left-right's value.
#[derive(Clone)]
pub(super) struct Absorbing<K, V>(Plain<K, V>);

impl<K: Key, V: Stored> left_right::Absorb<Change<K>> for Absorbing<K, V> {
    fn absorb_first(&mut self, change: &mut Change<K>, other: &Self) {
        self.absorb_second(change.clone(), other);
    }

    fn absorb_second(&mut self, change: Change<K>, _: &Self) {
        let (key, value) = change.into_entry();
        match value {
            Some(value) => self.0.insert(key, value),
            None => self.0.remove(&key),
        };
    }

    fn sync_with(&mut self, first: &Self) {
        self.0.clone_from(&first.0);
    }
}

pub(super) type LeftRight<K, V> = Pair<
    left_right::ReadHandle<Absorbing<K, V>>,
    left_right::WriteHandle<Absorbing<K, V>, Change<K>>,
>;

impl<K: Key, V: Stored> Handle<K> for LeftRight<K, V> {
    fn build(capacity: usize) -> Self {
        let map = Absorbing(Plain::with_capacity_and_hasher(capacity, hasher()));
        let (mut writer, reader) = left_right::new_from_empty(map);
        // Before the first publish there is nothing to read.
        writer.publish();
        Self::new(reader, writer)
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.reader.enter()?.0.get(key).map(V::value)
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        let mut writer = self.writer();
        writer.extend(changes.drain(..));
        writer.publish();
    }

    fn hold(&mut self, _: &K, keep: &mut dyn FnMut()) {
        let _held = self.reader.enter();
        keep();
    }

    fn settle(&mut self) {
        // A publish begins with the replay of the log.
        self.writer().publish();
    }
}
