//! flashmap; its writer stands behind a lock.

use alloc::sync::Arc;
use std::sync::Mutex;

use flashmap::{ReadHandle, WriteHandle};

use super::{Change, Handle, Key, Stored, Value, hasher, lock};
use crate::Hash;

#[derive(Clone)]
pub(super) struct Pair<K: Key, V: Stored> {
    reader: ReadHandle<K, V, Hash>,
    writer: Arc<Mutex<WriteHandle<K, V, Hash>>>,
}

impl<K: Key, V: Stored> Handle<K> for Pair<K, V> {
    fn build(capacity: usize) -> Self {
        let builder = flashmap::Builder::new().with_capacity(capacity);
        // SAFETY: foldhash with a fixed seed hashes equal keys alike, always, and
        // so do its clones.
        let builder = unsafe { builder.with_hasher(hasher()) };
        // SAFETY: numbers and strings, the only keys here, compare and hash alike
        // always.
        let (writer, reader) = unsafe { builder.build_assert_trusted() };
        let writer = Arc::new(Mutex::new(writer));
        Self { reader, writer }
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.reader.guard().get(key).map(V::value)
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        let mut writer = lock(&self.writer);
        let mut guard = writer.guard();
        for change in changes.drain(..) {
            let (key, value) = change.into_entry();
            match value {
                Some(value) => drop(guard.insert(key, value)),
                None => drop(guard.remove(key)),
            }
        }
        guard.publish();
    }

    fn settle(&mut self) {
        // A guard replays the log as it is taken.
        lock(&self.writer).guard().publish();
    }
}
