//! flashmap; its writer stands behind a lock.

use alloc::sync::Arc;
use std::sync::Mutex;

use flashmap::{ReadHandle, WriteHandle};

use super::{Change, Handle, Key, Value, hasher, lock};
use crate::Hash;

#[derive(Clone)]
pub(super) struct Pair<K: Key> {
    reader: ReadHandle<K, Value, Hash>,
    writer: Arc<Mutex<WriteHandle<K, Value, Hash>>>,
}

impl<K: Key> Handle<K> for Pair<K> {
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
        self.reader.guard().get(key).copied()
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        let mut writer = lock(&self.writer);
        let mut guard = writer.guard();
        for Change { key, value } in changes.drain(..) {
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
