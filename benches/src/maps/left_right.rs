//! left-right with a `HashMap` in it; its writer stands behind a lock.

use alloc::sync::Arc;
use std::collections::HashMap;
use std::sync::Mutex;

use left_right::{Absorb, ReadHandle, WriteHandle};

use super::{Change, Handle, Key, Stored, Value, hasher, lock};
use crate::Hash;

#[derive(Clone)]
pub(super) struct Map<K, V>(HashMap<K, V, Hash>);

impl<K: Key, V: Stored> Absorb<Change<K>> for Map<K, V> {
    fn absorb_first(&mut self, change: &mut Change<K>, _: &Self) {
        match change.value {
            Some(value) => {
                let value = V::new(value, change.bytes);
                self.0.insert(change.key.clone(), value)
            }
            None => self.0.remove(&change.key),
        };
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

type Writer<K, V> = WriteHandle<Map<K, V>, Change<K>>;

#[derive(Clone)]
pub(super) struct Pair<K: Key, V: Stored> {
    reader: ReadHandle<Map<K, V>>,
    writer: Arc<Mutex<Writer<K, V>>>,
}

impl<K: Key, V: Stored> Handle<K> for Pair<K, V> {
    fn build(capacity: usize) -> Self {
        let map = Map(HashMap::with_capacity_and_hasher(capacity, hasher()));
        let (mut writer, reader) = left_right::new_from_empty(map);
        // Before the first publish there is nothing to read.
        writer.publish();
        let writer = Arc::new(Mutex::new(writer));
        Self { reader, writer }
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.reader.enter()?.0.get(key).map(V::value)
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        let mut writer = lock(&self.writer);
        writer.extend(changes.drain(..));
        writer.publish();
    }

    fn settle(&mut self) {
        // What is owed is replayed as a publish begins.
        lock(&self.writer).publish();
    }
}
