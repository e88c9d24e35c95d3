//! dbuf's own map, with any strategy that waits: the pair of handles, its writer
//! behind a lock.

use alloc::sync::Arc;
use std::sync::Mutex;

use dbuf_hashmap::{BlockingStrategy, Builder, Reader, Writer};

use super::{Change, Handle, Key, Stored, Value, hasher, lock};
use crate::Hash;

/// `dbuf_hashmap` with the strategy `S`.
pub(super) struct Pair<K, V, S: BlockingStrategy> {
    reader: Reader<K, V, Hash, S>,
    writer: Arc<Mutex<Writer<K, V, Hash, S>>>,
}

impl<K, V, S: BlockingStrategy> Clone for Pair<K, V, S> {
    fn clone(&self) -> Self {
        Self {
            reader: self.reader.clone(),
            writer: Arc::clone(&self.writer),
        }
    }
}

impl<K: Key, V: Stored, S: BlockingStrategy> Pair<K, V, S> {
    pub(super) fn with(strategy: S, capacity: usize) -> Self {
        let (writer, reader) = Builder::new()
            .capacity(capacity)
            .hasher(hasher())
            .strategy(strategy)
            .build();
        let writer = Arc::new(Mutex::new(writer));
        Self { reader, writer }
    }
}

impl<K: Key, V: Stored, S> Handle<K> for Pair<K, V, S>
where
    S: BlockingStrategy + Default + 'static,
    Reader<K, V, Hash, S>: Send,
    Writer<K, V, Hash, S>: Send,
{
    fn build(capacity: usize) -> Self {
        Self::with(S::default(), capacity)
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.reader.get(key).map(|value| V::value(&value))
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        let mut writer = lock(&self.writer);
        let mut batch = writer.write();
        for change in changes.drain(..) {
            let (key, value) = change.into_entry();
            match value {
                Some(value) => drop(batch.insert(key, value)),
                None => drop(batch.remove(&key)),
            }
        }
        batch.publish();
    }

    fn settle(&mut self) {
        lock(&self.writer).catch_up();
    }
}
