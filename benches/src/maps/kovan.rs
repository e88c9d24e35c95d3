//! kovan_map: chains of lock-free nodes, reclaimed by kovan.

use alloc::sync::Arc;

use kovan_map::HashMap;

use super::{Change, Handle, Key, Value, hasher};
use crate::Hash;

pub(super) struct Shared<K: 'static>(Arc<HashMap<K, Value, Hash>>);

impl<K> Clone for Shared<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Key> Handle<K> for Shared<K> {
    fn build(capacity: usize) -> Self {
        // It takes a number of buckets, and grows when three quarters are taken.
        let map = HashMap::with_capacity_and_hasher(capacity * 4 / 3, hasher());
        Self(Arc::new(map))
    }

    #[inline]
    fn get(&mut self, key: &K) -> Option<Value> {
        self.0.get(key)
    }

    fn write(&mut self, changes: &mut Vec<Change<K>>) {
        for Change { key, value } in changes.drain(..) {
            match value {
                Some(value) => self.0.insert(key, value),
                None => self.0.remove(&key),
            };
        }
    }
}
