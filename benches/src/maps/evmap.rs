//! evmap, as a map: each key has one value. Its writer stands behind a lock.

use alloc::sync::Arc;
use std::sync::Mutex;

use evmap::handles::{ReadHandle, WriteHandle};

use super::{Change, Handle, Key, Stored, Value, hasher, lock};
use crate::Hash;

#[derive(Clone)]
pub(super) struct Pair<K: Key, V: Stored> {
    reader: ReadHandle<K, V, (), Hash>,
    writer: Arc<Mutex<WriteHandle<K, V, (), Hash>>>,
}

impl<K: Key, V: Stored> Handle<K> for Pair<K, V> {
    fn build(capacity: usize) -> Self {
        // SAFETY: foldhash with a fixed seed hashes equal keys alike, always, and
        // so do its clones.
        let options = unsafe { evmap::Options::default().with_hasher(hasher()) };
        // SAFETY: numbers and strings, the only keys here, compare and hash alike
        // always, and so does `Value`.
        let (mut writer, reader) = unsafe { options.with_capacity(capacity).assert_stable() };
        // Before the first publish there is nothing to read.
        writer.publish();
        let writer = Arc::new(Mutex::new(writer));
        Self { reader, writer }
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.reader.get_one(key).map(|value| V::value(&value))
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        let mut writer = lock(&self.writer);
        for change in changes.drain(..) {
            let (key, value) = change.into_entry();
            match value {
                Some(value) => writer.update(key, value),
                None => writer.remove_entry(key),
            };
        }
        writer.publish();
    }

    fn settle(&mut self) {
        // What is owed is replayed as a publish begins.
        lock(&self.writer).publish();
    }
}
