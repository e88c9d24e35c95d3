//! kovan_map: chains of lock-free nodes, reclaimed by kovan.

use alloc::sync::Arc;

use kovan_map::HashMap;

use super::{Change, Handle, Key, Stored, Value, hasher};
use crate::Hash;

pub(super) struct Shared<K: 'static, V: 'static>(Arc<HashMap<K, V, Hash>>);

impl<K, V> Clone for Shared<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Key, V: Stored> Handle<K> for Shared<K, V> {
    fn build(capacity: usize) -> Self {
        // It takes a number of buckets, and grows when three quarters are taken.
        let map = HashMap::with_capacity_and_hasher(capacity * 4 / 3, hasher());
        Self(Arc::new(map))
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.0.get(key).map(|value| value.value())
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        for change in changes.drain(..) {
            let (key, value) = change.into_entry();
            match value {
                Some(value) => self.0.insert(key, value),
                None => self.0.remove(&key),
            };
        }
    }
}
